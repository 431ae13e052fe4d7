// How many objects live: per-context counters, never a shared atomic. Instrumentation, so not part of any memory policy's
// traffic; the owner's plain add is a relaxed load and store because a sampler thread may read at any time.
//
// Objects and bytes share a word, so that a life costs one add when it begins and one when it ends, each in a word of its own
// (one word for both would make every make wait for the drop before it). Sums are taken modulo 2^64; what is alive at once must
// fit: 2^29 objects, 64 GiB in units of 8 bytes (a heap that outgrows them fails its row's oracle).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "harness/contract/held.hpp"

namespace tally {

class live_counter {
 public:
  static constexpr std::size_t unit = 8;
  [[nodiscard]] static constexpr std::size_t rounded(std::size_t bytes) { return (bytes + unit - 1) & ~(unit - 1); }
  // Sizes are multiples of the unit.
  void made(std::size_t bytes) { add(made_, word(1, static_cast<std::int64_t>(bytes))); }
  void freed(std::size_t bytes) { freed(1, static_cast<std::int64_t>(bytes)); }
  void freed(std::int64_t objects, std::int64_t bytes) { add(freed_, word(objects, bytes)); }
  // So many bytes more (or fewer) are held for a cause. Not for headroom, which is no sum of what happens to objects.
  void hold(held_cause cause, std::int64_t bytes) {
    auto& n = held_[static_cast<std::size_t>(cause)];
    n.store(n.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
  // A term of a sum over contexts; by itself it says nothing, since an object may die in another context than its maker's.
  [[nodiscard]] std::uint64_t balance() const {
    return made_.load(std::memory_order_relaxed) - freed_.load(std::memory_order_relaxed);
  }
  // What was freed in this context so far; a difference of two says how many objects (below).
  [[nodiscard]] std::uint64_t freed_word() const { return freed_.load(std::memory_order_relaxed); }
  // Terms of such sums, too: who gives memory back is not always who found it held.
  void add_held_to(held_memory& sum) const {
    for (std::size_t i = 0; i < counted_causes; ++i) sum.by_cause[i] += held_[i].load(std::memory_order_relaxed);
  }
  // Of such a sum. A sum that was read while contexts ran may be a little below zero.
  [[nodiscard]] static std::int64_t objects(std::uint64_t sum) {
    return static_cast<std::int64_t>(sum + (std::uint64_t{1} << (unit_bits - 1))) >> unit_bits;
  }
  [[nodiscard]] static std::int64_t bytes(std::uint64_t sum) {
    return (static_cast<std::int64_t>(sum << (64 - unit_bits)) >> (64 - unit_bits)) * static_cast<std::int64_t>(unit);
  }

 private:
  static constexpr int unit_bits = 34;
  static constexpr std::size_t counted_causes = static_cast<std::size_t>(held_cause::queued) + 1;  // the first ones
  static constexpr std::uint64_t word(std::int64_t objects, std::int64_t bytes) {
    return (static_cast<std::uint64_t>(objects) << unit_bits) + static_cast<std::uint64_t>(bytes >> 3);
  }
  static void add(std::atomic<std::uint64_t>& n, std::uint64_t by) {
    n.store(n.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t> made_{0}, freed_{0};
  std::array<std::atomic<std::int64_t>, counted_causes> held_{};
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
    c.add_held_to(held_by_left_);
  }
  // Exact when nothing is attached or everything is stopped; otherwise each counter is read at a slightly different moment.
  [[nodiscard]] std::int64_t objects() const { return live_counter::objects(sum()); }
  [[nodiscard]] std::int64_t bytes() const { return live_counter::bytes(sum()); }
  // By cause; what is taken is the heap's to say. A sum that was read while contexts ran may be below zero: 0 then.
  [[nodiscard]] held_memory held() const {
    const std::lock_guard hold(lock_);
    held_memory total = held_by_left_;
    for (const auto* c : attached_) c->add_held_to(total);
    for (auto& n : total.by_cause) n = std::max<std::int64_t>(n, 0);
    total.told = true;
    return total;
  }

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
  held_memory held_by_left_;
};

}  // namespace tally
