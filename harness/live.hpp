// How many objects live: per-context counters, never a shared atomic. Instrumentation, so not part of any memory policy's
// traffic; the owner's plain add is a relaxed load and store because a sampler thread may read at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace tally {

class live_counter {
 public:
  void made(std::size_t bytes) { add(objects_, 1), add(bytes_, static_cast<std::int64_t>(bytes)); }
  void freed(std::size_t bytes) { add(objects_, -1), add(bytes_, -static_cast<std::int64_t>(bytes)); }
  void freed(std::int64_t objects, std::int64_t bytes) { add(objects_, -objects), add(bytes_, -bytes); }
  [[nodiscard]] std::int64_t objects() const { return objects_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static void add(std::atomic<std::int64_t>& n, std::int64_t by) {
    n.store(n.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::atomic<std::int64_t> objects_{0}, bytes_{0};
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
    left_objects_ += c.objects();
    left_bytes_ += c.bytes();
  }
  // Exact when nothing is attached or everything is stopped; otherwise each counter is read at a slightly different moment.
  [[nodiscard]] std::int64_t objects() const { return sum(left_objects_, &live_counter::objects); }
  [[nodiscard]] std::int64_t bytes() const { return sum(left_bytes_, &live_counter::bytes); }

 private:
  [[nodiscard]] std::int64_t sum(const std::int64_t& left, std::int64_t (live_counter::*read)() const) const {
    const std::lock_guard hold(lock_);
    std::int64_t total = left;
    for (const auto* c : attached_) total += (c->*read)();
    return total;
  }
  mutable std::mutex lock_;
  std::vector<const live_counter*> attached_;
  std::int64_t left_objects_ = 0, left_bytes_ = 0;
};

}  // namespace tally
