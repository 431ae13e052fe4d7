// How many objects live: per-context counters, never a shared atomic. Instrumentation, so not part of any memory policy's
// traffic; the owner's plain add is a relaxed load and store because a sampler thread may read at any time.
//
// Objects and bytes share a word, so that a life costs one add when it begins and one when it ends, each in a word of its own
// (one word for both would make every make wait for the drop before it). Sums are taken modulo 2^64; what is alive at once must
// fit: 2^29 objects, 64 GiB in units of 8 bytes (a heap that outgrows them fails its row's oracle).
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace tally {

class live_counter {
 public:
  static constexpr std::size_t unit = 8;
  [[nodiscard]] static constexpr std::size_t rounded(std::size_t bytes) { return (bytes + unit - 1) & ~(unit - 1); }
  // Sizes are multiples of the unit.
  void made(std::size_t bytes) { add(made_, word(1, static_cast<std::int64_t>(bytes))); }
  void freed(std::size_t bytes) { freed(1, static_cast<std::int64_t>(bytes)); }
  void freed(std::int64_t objects, std::int64_t bytes) { add(freed_, word(objects, bytes)); }
  // A term of a sum over contexts; by itself it says nothing, since an object may die in another context than its maker's.
  [[nodiscard]] std::uint64_t balance() const {
    return made_.load(std::memory_order_relaxed) - freed_.load(std::memory_order_relaxed);
  }
  // What was freed in this context so far; a difference of two says how many objects (below).
  [[nodiscard]] std::uint64_t freed_word() const { return freed_.load(std::memory_order_relaxed); }
  // Of such a sum. A sum that was read while contexts ran may be a little below zero.
  [[nodiscard]] static std::int64_t objects(std::uint64_t sum) {
    return static_cast<std::int64_t>(sum + (std::uint64_t{1} << (unit_bits - 1))) >> unit_bits;
  }
  [[nodiscard]] static std::int64_t bytes(std::uint64_t sum) {
    return (static_cast<std::int64_t>(sum << (64 - unit_bits)) >> (64 - unit_bits)) * static_cast<std::int64_t>(unit);
  }

 private:
  static constexpr int unit_bits = 34;
  static constexpr std::uint64_t word(std::int64_t objects, std::int64_t bytes) {
    return (static_cast<std::uint64_t>(objects) << unit_bits) + static_cast<std::uint64_t>(bytes >> 3);
  }
  static void add(std::atomic<std::uint64_t>& n, std::uint64_t by) {
    n.store(n.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t> made_{0}, freed_{0};
};

// The counters of a heap: those of attached contexts, and the sums that detached ones left.
class live_counters {
 public:
  void attach(const live_counter& c) {
    const std::lock_guard hold(lock_);
    attached_.push_back(&c);
  }
  void detach(const live_counter& c) {
    const std::lock_guard hold(lock_);
    std::erase(attached_, &c);
    left_ += c.balance();
  }
  // Exact when nothing is attached or everything is stopped; otherwise each counter is read at a slightly different moment.
  [[nodiscard]] std::int64_t objects() const { return live_counter::objects(sum()); }
  [[nodiscard]] std::int64_t bytes() const { return live_counter::bytes(sum()); }

 private:
  [[nodiscard]] std::uint64_t sum() const {
    const std::lock_guard hold(lock_);
    std::uint64_t total = left_;
    for (const auto* c : attached_) total += c->balance();
    return total;
  }
  mutable std::mutex lock_;
  std::vector<const live_counter*> attached_;
  std::uint64_t left_ = 0;
};

}  // namespace tally
