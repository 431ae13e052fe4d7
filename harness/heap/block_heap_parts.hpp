// The slow paths of the block heap: lists of blocks, claiming and giving back of runs, large objects, sweeping.
//
// Every block is in one place: in the free list; owned by an allocator; in the list of its class (it has holes); full and in no
// list; or part of a large object. Lists are doubly linked by block number through the entries and guarded by the heap's lock.
// Free blocks have no bit set in either bitmap.
#pragma once

#include "harness/heap/block_heap.hpp"

namespace tally {

namespace block_bits {

// The first cell from `from` on, below `count`, whose bit is `Set`; `count` if there is none.
// acquire: pairs with the release in flush(), so that what the freeing thread wrote to a cell comes before what we do to it.
template <bool Set, class Words>
[[nodiscard]] std::uint32_t next(const Words& words, std::uint32_t from, std::uint32_t count) {
  while (from < count) {
    std::uint64_t w = words[from / 64].load(std::memory_order_acquire);
    if constexpr (!Set) w = ~w;
    w >>= from % 64;
    if (w != 0) return std::min(count, from + static_cast<std::uint32_t>(std::countr_zero(w)));
    from = (from / 64 + 1) * 64;
  }
  return count;
}

// Calls f(word number, mask) for the words that hold the bits [from, to).
template <class F>
void masks(std::uint32_t from, std::uint32_t to, F&& f) {
  while (from < to) {
    const std::uint32_t n = std::min(to - from, 64 - from % 64);
    f(from / 64, (~std::uint64_t{0} >> (64 - n)) << (from % 64));
    from += n;
  }
}

}  // namespace block_bits

template <class M, bool Frees>
void block_heap<M, Frees>::push(std::uint32_t& list, std::uint32_t number) {
  entry& e = arena_.at(number);
  e.prev = none;
  e.next = list;
  if (list != none) arena_.at(list).prev = number;
  list = number;
}

template <class M, bool Frees>
void block_heap<M, Frees>::unlink(std::uint32_t& list, std::uint32_t number) {
  const entry& e = arena_.at(number);
  (e.prev == none ? list : arena_.at(e.prev).next) = e.next;
  if (e.next != none) arena_.at(e.next).prev = e.prev;
}

template <class M, bool Frees>
void block_heap<M, Frees>::make_free(std::uint32_t number) {
  entry& e = arena_.at(number);
  e.kind = block_kind::free;
  e.fresh = e.owned = e.listed = false;
  push(free_list_, number);
}

template <class M, bool Frees>
void block_heap<M, Frees>::give_back(std::uint32_t number) {
  entry& e = arena_.at(number);
  e.owned = e.fresh = false;
  // relaxed: only the owner adds, and it is the caller or gone; others subtract under the lock, which is held
  const std::uint32_t taken = e.taken.load(std::memory_order_relaxed);
  if (taken == 0) {
    if (e.listed) unlink(class_lists_[e.size_class], number);
    make_free(number);
  } else if (taken < e.cell_count && !e.listed) {
    e.listed = true;
    push(class_lists_[e.size_class], number);
  }
}

template <class M, bool Frees>
std::uint32_t block_heap<M, Frees>::take_free() {
  if (free_list_ == none) {
    const std::uint32_t had = arena_.blocks();
    for (std::uint32_t n = arena_.commit(commit_blocks, 1, threshold_); n > 0; --n) push(free_list_, had + n - 1);
  }
  const std::uint32_t number = free_list_;
  if (number != none) unlink(free_list_, number);
  return number;
}

// A block with room for the class, owned by the caller; none at the threshold.
template <class M, bool Frees>
std::uint32_t block_heap<M, Frees>::acquire(std::size_t size_class) {
  const std::lock_guard hold(lock_);
  std::uint32_t& list = class_lists_[size_class];
  std::uint32_t number = list;
  if (number != none) {
    unlink(list, number);
    arena_.at(number).listed = false;
  } else {
    number = take_free();
    if (number == none) return none;
    entry& e = arena_.at(number);
    e.kind = block_kind::cells;
    e.size_class = static_cast<std::uint8_t>(size_class);
    e.cell_bytes = block_heap_sizes::cell_bytes[size_class];
    e.cell_count = block_heap_sizes::cells_in_block(size_class);
    e.reciprocal = block_heap_sizes::reciprocal_of(e.cell_bytes);
  }
  arena_.at(number).owned = true;
  return number;
}

template <class M, bool Frees>
void block_heap<M, Frees>::release(std::uint32_t number) {
  const std::lock_guard hold(lock_);
  give_back(number);
}

// The first of `count` free blocks in a row, committed now if need be, and taken out of the free list; none at the threshold.
template <class M, bool Frees>
std::uint32_t block_heap<M, Frees>::find_run(std::uint32_t count) {
  std::uint32_t length = 0, n = 0;
  for (; n < arena_.blocks() && length < count; ++n) length = arena_.at(n).kind == block_kind::free ? length + 1 : 0;
  if (length < count) {
    const std::uint32_t more = arena_.commit(count - length, count - length, threshold_);
    if (more == 0) return none;
    for (; n < arena_.blocks(); ++n) push(free_list_, n);
  }
  for (std::uint32_t i = n - count; i < n; ++i) unlink(free_list_, i);
  return n - count;
}

template <class M, bool Frees>
void* block_heap<M, Frees>::allocate_large(std::size_t bytes) {
  const std::size_t blocks = (bytes + block_bytes - 1) / block_bytes;
  if (blocks > arena_.most_blocks()) return nullptr;
  const auto count = static_cast<std::uint32_t>(blocks);
  std::uint32_t first = none;
  {
    const std::lock_guard hold(lock_);
    first = find_run(count);
    if (first == none) return nullptr;
    for (std::uint32_t i = 0; i < count; ++i) {
      entry& e = arena_.at(first + i);
      e.kind = i == 0 ? block_kind::large : block_kind::large_tail;
      e.run = i == 0 ? count : i;
      e.reciprocal = 0;
      e.cell_count = i == 0 ? 1 : 0;
      e.cell_bytes = 0;
    }
    entry& head = arena_.at(first);
    head.used[0].store(1, std::memory_order_relaxed);  // relaxed here and below: under the lock, or read in a stop
    head.taken.store(1, std::memory_order_relaxed);
    left_cells_ += 1;
    left_bytes_ += static_cast<std::int64_t>(bytes);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    entry& e = arena_.at(first + i);
    if (!e.fresh) std::memset(arena_.block(first + i), 0, block_bytes);
    e.fresh = false;
  }
  return arena_.block(first);
}

template <class M, bool Frees>
void block_heap<M, Frees>::free_large(void* object) {
  const std::lock_guard hold(lock_);
  const std::uint32_t first = arena_.number_of(object);
  entry& head = arena_.at(first);
  head.used[0].store(0, std::memory_order_relaxed);
  head.taken.store(0, std::memory_order_relaxed);
  for (std::uint32_t i = head.run; i > 0; --i) make_free(first + i - 1);
}

template <class M, bool Frees>
std::size_t block_heap<M, Frees>::sweep() {
  const std::lock_guard hold(lock_);
  for (allocator* a : allocators_) a->reset();
  free_list_ = none;
  class_lists_.fill(none);
  left_cells_ = left_bytes_ = 0;
  std::size_t objects = 0;
  // From the end, so that lists start with the lowest addresses. relaxed: the world is stopped.
  for (std::uint32_t number = arena_.blocks(); number-- > 0;) {
    entry& e = arena_.at(number);
    if (e.kind == block_kind::free) push(free_list_, number);
    if (e.kind != block_kind::cells && e.kind != block_kind::large) continue;
    std::uint32_t live = 0;
    for (std::uint32_t i = 0; i * 64 < e.cell_count; ++i) {
      const std::uint64_t marked = e.mark[i].load(std::memory_order_relaxed);
      e.used[i].store(marked, std::memory_order_relaxed);
      e.mark[i].store(0, std::memory_order_relaxed);
      live += static_cast<std::uint32_t>(std::popcount(marked));
    }
    e.taken.store(live, std::memory_order_relaxed);
    e.listed = false;
    objects += live;
    if (e.kind == block_kind::cells) {
      give_back(number);
    } else if (live == 0) {
      for (std::uint32_t i = e.run; i > 0; --i) make_free(number + i - 1);
    }
  }
  return objects;
}

template <class M, bool Frees>
std::pair<std::int64_t, std::int64_t> block_heap<M, Frees>::claimed() const {
  const std::lock_guard hold(lock_);
  std::pair<std::int64_t, std::int64_t> sum{left_cells_, left_bytes_};
  for (const allocator* a : allocators_) {
    sum.first += a->claimed_cells_.load(std::memory_order_relaxed);
    sum.second += a->claimed_bytes_.load(std::memory_order_relaxed);
  }
  return sum;
}

template <class M, bool Frees>
block_heap<M, Frees>::allocator::~allocator() {
  for (lane& l : lanes_) {
    flush(l.older);
    flush(l.freed);
    if (l.block == none) continue;
    unclaim(l);
    heap_.release(l.block);
  }
  const std::lock_guard hold(heap_.lock_);
  heap_.left_cells_ += claimed_cells_.load(std::memory_order_relaxed);
  heap_.left_bytes_ += claimed_bytes_.load(std::memory_order_relaxed);
  std::erase(heap_.allocators_, this);
}

template <class M, bool Frees>
bool block_heap<M, Frees>::allocator::refill(lane& l, std::size_t size_class) {
  if (l.older != nullptr) {
    l.freed = std::exchange(l.older, nullptr);
    l.freed_count = std::exchange(l.older_count, 0);
    return true;
  }
  for (;;) {
    if (l.block != none) {
      if (claim(l)) return true;
      if constexpr (Frees) {
        // Cells came back meanwhile; worth another look if they are many.
        entry& e = heap_.arena_.at(l.block);
        if (e.taken.load(std::memory_order_relaxed) < e.cell_count - e.cell_count / 8) {
          e.fresh = false;
          l.position = 0;
          if (claim(l)) return true;
        }
      }
      heap_.release(l.block);
    }
    l.block = heap_.acquire(size_class);
    l.position = 0;
    if (l.block == none) return false;
  }
}

template <class M, bool Frees>
bool block_heap<M, Frees>::allocator::claim(lane& l) {
  entry& e = heap_.arena_.at(l.block);
  const std::uint32_t first = block_bits::next<false>(e.used, l.position, e.cell_count);
  if (first == e.cell_count) return false;
  const std::uint32_t most = std::max<std::uint32_t>(1, run_bytes / e.cell_bytes);
  const std::uint32_t last = block_bits::next<true>(e.used, first, std::min(e.cell_count, first + most));
  // relaxed: a set bit only keeps this owner from claiming again, and a stop from missing what it will see anyway
  block_bits::masks(first, last, [&](std::uint32_t i, std::uint64_t mask) {
    if constexpr (Frees) {
      e.used[i].fetch_or(mask, std::memory_order_relaxed);
    } else {
      e.used[i].store(e.used[i].load(std::memory_order_relaxed) | mask, std::memory_order_relaxed);
    }
  });
  const std::uint32_t count = last - first;
  if constexpr (Frees) {
    e.taken.fetch_add(count, std::memory_order_relaxed);
  } else {
    e.taken.store(e.taken.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  const std::size_t bytes = std::size_t{count} * e.cell_bytes;
  l.cursor = heap_.arena_.block(l.block) + std::size_t{first} * e.cell_bytes;
  l.end = l.cursor + bytes;
  l.position = last;
  if (!e.fresh) std::memset(l.cursor, 0, bytes);
  claimed_cells_.store(claimed_cells_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  claimed_bytes_.store(claimed_bytes_.load(std::memory_order_relaxed) + static_cast<std::int64_t>(bytes),
                       std::memory_order_relaxed);
  return true;
}

// Gives the rest of the run back to the block.
template <class M, bool Frees>
void block_heap<M, Frees>::allocator::unclaim(lane& l) {
  if (l.cursor == l.end) return;
  entry& e = heap_.arena_.at(l.block);
  const auto bytes = static_cast<std::size_t>(l.end - l.cursor);
  const auto count = static_cast<std::uint32_t>(bytes / e.cell_bytes);
  block_bits::masks(l.position - count, l.position, [&](std::uint32_t i, std::uint64_t mask) {
    e.used[i].fetch_and(~mask, std::memory_order_relaxed);  // relaxed: read under the lock that release() is about to take
  });
  e.taken.fetch_sub(count, std::memory_order_relaxed);
  claimed_cells_.fetch_sub(count, std::memory_order_relaxed);
  claimed_bytes_.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  l.end = l.cursor;
}

// The list of freed cells is full: it becomes the older one, and what was that goes back to its blocks.
template <class M, bool Frees>
[[gnu::noinline]] void block_heap<M, Frees>::allocator::age(lane& l) {
  flush(l.older);
  l.older = std::exchange(l.freed, nullptr);
  l.older_count = std::exchange(l.freed_count, 0);
}

// Gives freed cells back to their blocks, which may be owned by other allocators.
template <class M, bool Frees>
void block_heap<M, Frees>::allocator::flush(void* list) {
  if (list == nullptr) return;
  const std::lock_guard hold(heap_.lock_);
  while (list != nullptr) {
    auto* cell = static_cast<std::byte*>(list);
    list = reinterpret_cast<word*>(cell)->template link<void>();
    const std::uint32_t number = heap_.arena_.number_of(cell);
    entry& e = heap_.arena_.at(number);
    const std::size_t i = static_cast<std::size_t>(cell - heap_.arena_.block(number)) / e.cell_bytes;
    // release: pairs with the acquire in block_bits::next(). taken is relaxed: it is exact under the lock, a hint otherwise.
    e.used[i / 64].fetch_and(~(std::uint64_t{1} << (i % 64)), std::memory_order_release);
    e.taken.fetch_sub(1, std::memory_order_relaxed);
    if (!e.owned) heap_.give_back(number);
  }
}

}  // namespace tally
