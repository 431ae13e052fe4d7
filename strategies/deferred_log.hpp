// The log of `deferred`: what one context did to counted places since the last stop, in a growing array.
//
// Four kinds of entries: a place (plain or shared) whose present value is one reference more; an object that has one reference
// more (a root, a parcel); one that has one fewer, which includes what a logged place held at the last stop. They are applied
// in a stop, first all that raise counts, then all that lower them, so that their order does not matter, and what raises and
// lowers the same count cancels.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "harness/memory/policy.hpp"

namespace tally::strategies {

// Holds two bounds: at `bound` entries the holder should reconcile, and beyond the capacity it grows, since stores are no
// safepoints.
template <class M>
class deferred_log {
 public:
  enum class kind : std::uintptr_t { fewer, more, place, shared_place };  // in the low bits of an address

  explicit deferred_log(std::size_t bound) { set_bound(bound); }
  ~deferred_log() { M::free(first_); }
  deferred_log(const deferred_log&) = delete;
  deferred_log& operator=(const deferred_log&) = delete;

  // Sees to it that `entries` more can be pushed. Throws std::bad_alloc.
  void make_room(std::ptrdiff_t entries) {
    if (end_ - top_ < entries) [[unlikely]]
      grow(2 * size() + static_cast<std::size_t>(entries));
  }
  // Where there is room. True: the bound is reached.
  bool push(kind k, const void* at) {
    (top_++)->store(reinterpret_cast<std::uintptr_t>(at) | static_cast<std::uintptr_t>(k));
    return top_ >= bound_;
  }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(top_ - first_); }
  [[nodiscard]] bool full() const { return top_ >= bound_; }
  // Its memory, used or not. From any thread.
  [[nodiscard]] std::size_t bytes_taken() const { return bytes_taken_.load(std::memory_order_relaxed); }
  void set_bound(std::size_t n) {
    if (n >= static_cast<std::size_t>(end_ - first_)) grow(n + n / 4);
    bound_ = first_ + n;
  }
  void clear() { top_ = first_; }
  // f(kind, address) for each.
  template <class F>
  void for_each(F&& f) const {
    for (const entry* at = first_; at != top_; ++at) {
      if (at + ahead < top_) {
        const std::uintptr_t next = at[ahead].load();
        if ((next & kinds) >= static_cast<std::uintptr_t>(kind::place)) __builtin_prefetch(address(next), 1);
      }
      const std::uintptr_t e = at->load();
      f(static_cast<kind>(e & kinds), address(e));
    }
  }
  // Moves all entries to another log. Throws std::bad_alloc, and has moved nothing then.
  void move_to(deferred_log& other) {
    other.make_room(top_ - first_);
    for_each([&other](kind k, void* at) { (void)other.push(k, at); });
    clear();
  }

 private:
  using entry = var<M, std::uintptr_t, "log">;
  static constexpr std::uintptr_t kinds = 3;
  static constexpr std::ptrdiff_t ahead = 8;
  [[nodiscard]] static void* address(std::uintptr_t e) { return reinterpret_cast<void*>(e & ~kinds); }

  [[gnu::noinline]] void grow(std::size_t capacity) {
    auto* fresh = static_cast<entry*>(M::alloc(capacity * sizeof(entry)));
    entry* to = fresh;
    for (entry* at = first_; at != top_; ++at) (new (to++) entry)->store(at->load());
    for (entry* rest = to; rest != fresh + capacity; ++rest) new (rest) entry;
    bound_ = fresh + (bound_ - first_);
    if (first_ != nullptr) M::free(first_);
    first_ = fresh;
    top_ = to;
    end_ = fresh + capacity;
    bytes_taken_.store(capacity * sizeof(entry), std::memory_order_relaxed);
  }
  entry* first_ = nullptr;
  entry* top_ = nullptr;
  entry* bound_ = nullptr;
  entry* end_ = nullptr;
  std::atomic<std::size_t> bytes_taken_{0};  // for a sampler only: instrumentation, as in counting/live.hpp
};

}  // namespace tally::strategies
