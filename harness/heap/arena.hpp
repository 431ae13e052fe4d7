// A capped piece of memory that is handed out in chunks and never given back piece by piece. For strategies that don't free.
//
// Page faults would be most of what bump allocation costs (a first touch is 0.5 to 2 us a page, an object some 5 ns), and they
// are the kernel's, not the strategy's. So a measured policy's arena is one mapping whose first `ready` bytes are pre-faulted
// when the heap is made, outside of every window; what lies beyond is pre-faulted chunk by chunk, one call each, as it is
// taken; and the mapping, with every page that was ever touched, goes from a heap to the next one of the process. Memory is
// therefore not zeroed. Other policies have addresses of their own: their chunks come from M::alloc.
//
// Progress: take() and give_back() hold a lock for some instructions, once a chunk and once a context.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "harness/contract/strategy.hpp"
#include "harness/memory/leak_roots.hpp"

namespace tally {

namespace detail {

// Address space of `bytes`; the first `ready` of them have pages.
class mapping {
 public:
  explicit mapping(std::size_t bytes) : bytes_(bytes) {
    // Not reserved: a cap is no promise that the machine has that much, and untouched pages cost nothing.
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    start_ = static_cast<std::byte*>(at);
    leak_roots::add(start_, bytes_);
  }
  mapping(mapping&& other) noexcept : start_(std::exchange(other.start_, nullptr)), bytes_(other.bytes_), ready_(other.ready_) {}
  mapping& operator=(mapping&&) = delete;
  ~mapping() {
    if (start_ == nullptr) return;
    leak_roots::remove(start_, bytes_);
    ::munmap(start_, bytes_);
  }
  [[nodiscard]] std::byte* start() const { return start_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t ready() const { return ready_; }

  void make_ready(std::size_t bytes) {
    if (bytes <= ready_) return;
    constexpr std::size_t page = 4096;  // the smallest that Linux has: touching more often than needed does no harm
#ifdef MADV_POPULATE_WRITE
    const bool populated = ::madvise(start_ + ready_, bytes - ready_, MADV_POPULATE_WRITE) == 0;
#else
    const bool populated = false;
#endif
    if (!populated) {  // before Linux 5.14
      for (std::size_t at = ready_; at < bytes; at += page) const_cast<volatile std::byte&>(start_[at]) = std::byte{0};
    }
    ready_ = bytes;
  }

 private:
  std::byte* start_ = nullptr;
  std::size_t bytes_ = 0, ready_ = 0;
};

// The mapping that the last heap left: one for the process.
class leftover {
 public:
  static mapping obtain(std::size_t bytes) {
    const std::lock_guard hold(one().lock_);
    std::optional<mapping> found;
    if (one().mapping_ && one().mapping_->bytes() == bytes) found.emplace(std::move(*one().mapping_));
    one().mapping_.reset();
    return found ? std::move(*found) : mapping(bytes);
  }
  static void leave(mapping&& m) {
    const std::lock_guard hold(one().lock_);
    one().mapping_.emplace(std::move(m));
  }
  static void forget() {
    const std::lock_guard hold(one().lock_);
    one().mapping_.reset();
  }

 private:
  static leftover& one() {
    static leftover l;
    return l;
  }
  std::mutex lock_;
  std::optional<mapping> mapping_;
};

}  // namespace detail

// What the last heap left for the next one goes back to the kernel; the next one touches its pages anew.
inline void give_back_leftover() { detail::leftover::forget(); }

template <class M>
class arena {
 public:
  arena(std::size_t cap_bytes, std::size_t ready_bytes)
      : chunk_(std::clamp(cap_bytes / 64 / 4096 * 4096, std::size_t{4096}, std::size_t{1} << 20)),
        cap_(cap_bytes / chunk_ * chunk_) {
    if constexpr (M::measured) {
      if (cap_ == 0) return;
      mapping_.emplace(detail::leftover::obtain(cap_));
      mapping_->make_ready(std::min(cap_, ready_bytes));
    }
  }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() {
    if (mapping_) detail::leftover::leave(std::move(*mapping_));
    for (void* p : blocks_) M::free(p);
  }

  struct piece {
    std::byte* at = nullptr;
    std::byte* end = nullptr;
  };
  // A piece of at least `bytes`, aligned to 16: what was given back last if that is enough, else whole chunks. Throws heap_exhausted at
  // the cap.
  [[nodiscard]] piece take(std::size_t bytes) {
    const std::size_t want = (bytes + chunk_ - 1) / chunk_ * chunk_;
    const std::lock_guard hold(lock_);
    if (auto* last = reinterpret_cast<std::byte*>(left_);
        last != nullptr && static_cast<std::size_t>(left_->end - last) >= bytes) {
      const piece found{last, left_->end};
      left_ = left_->next;
      return found;
    }
    if (want > cap_ - taken_) throw heap_exhausted();
    std::byte* at = nullptr;
    if constexpr (M::measured) {
      at = mapping_->start() + taken_;
      mapping_->make_ready(taken_ + want);
    } else {
      if (blocks_.size() == blocks_.capacity()) blocks_.reserve(2 * blocks_.size() + 8);
      at = static_cast<std::byte*>(M::alloc(want));
      blocks_.push_back(at);
    }
    taken_ += want;
    return {at, at + want};
  }
  // What is left of a piece, for whoever takes one next: a context lives as short as a task, and a chunk for each would be page faults
  // and nothing else. `rest` is aligned to 16.
  void give_back(piece rest) {
    if (static_cast<std::size_t>(rest.end - rest.at) < sizeof(left_piece)) return;
    const std::lock_guard hold(lock_);
    left_ = new (rest.at) left_piece{left_, rest.end};
  }

 private:
  // Is where it tells of.
  struct left_piece {
    left_piece* next;
    std::byte* end;
  };
  std::size_t chunk_, cap_, taken_ = 0;
  typename M::mutex lock_;
  std::optional<detail::mapping> mapping_;
  std::vector<void*> blocks_;
  left_piece* left_ = nullptr;
};

}  // namespace tally
