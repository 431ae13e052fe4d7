// The zero-count table of `deferred`: a growing array of entries, filtered in place when the world is stopped. Source: [DB76].
#pragma once

#include <cstddef>
#include <new>

#include "harness/memory/policy.hpp"

namespace tally::strategies {

// Objects that may have no counted reference. Holds two bounds: at `wanted()` entries the holder should reconcile, and beyond
// the capacity it grows, since the stores that enter objects are not safepoints.
template <class M, class Header>
class zero_count_table {
 public:
  using entry = var<M, Header*, "table">;
  explicit zero_count_table(std::size_t bound) { set_bound(bound); }
  ~zero_count_table() { M::free(first_); }
  zero_count_table(const zero_count_table&) = delete;
  zero_count_table& operator=(const zero_count_table&) = delete;

  // With full() false: that there is room is known.
  void push_new(Header& h) {
    top_->store(&h);
    ++top_;
  }
  // True: the bound is reached.
  bool push(Header& h) {
    top_->store(&h);
    ++top_;
    if (top_ < bound_) [[likely]] return false;
    if (top_ == end_) grow(2 * size());
    return true;
  }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(top_ - first_); }
  [[nodiscard]] bool full() const { return top_ >= bound_; }
  void set_bound(std::size_t n) {
    if (n >= static_cast<std::size_t>(end_ - first_)) grow(n + n / 4);
    bound_ = first_ + n;
  }
  // Empties the table and gives each entry to f, which says whether it stays.
  template <class F>
  void filter(F&& f) {
    entry* kept = first_;
    entry* const end = top_;
    for (entry* at = first_; at != end; ++at) {
      if (at + ahead < end) __builtin_prefetch((at + ahead)->load(), 1);
      Header* h = at->load();
      if (f(*h)) (kept++)->store(h);
    }
    top_ = kept;
  }

 private:
  static constexpr std::ptrdiff_t ahead = 8;
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
  }
  entry* first_ = nullptr;
  entry* top_ = nullptr;
  entry* bound_ = nullptr;
  entry* end_ = nullptr;
};

}  // namespace tally::strategies
