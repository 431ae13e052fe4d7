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
// relaxed: only the block's owner sets bits, and only a stop clears them.
template <bool Set, class Words>
[[nodiscard]] std::uint32_t next(const Words& words, std::uint32_t from, std::uint32_t count) {
  while (from < count) {
    std::uint64_t w = words[from / 64].load(std::memory_order_relaxed);
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

template <class M>
void block_heap<M>::push(std::uint32_t& list, std::uint32_t number) {
  entry& e = arena_.at(number);
  e.prev = none;
  e.next = list;
  if (list != none) arena_.at(list).prev = number;
  list = number;
}

template <class M>
void block_heap<M>::unlink(std::uint32_t& list, std::uint32_t number) {
  const entry& e = arena_.at(number);
  (e.prev == none ? list : arena_.at(e.prev).next) = e.next;
  if (e.next != none) arena_.at(e.next).prev = e.prev;
}

template <class M>
void block_heap<M>::make_free(std::uint32_t number) {
  entry& e = arena_.at(number);
  e.kind = block_kind::free;
  e.fresh = e.owned = e.listed = false;
  push(free_list_, number);
}

template <class M>
void block_heap<M>::give_back(std::uint32_t number) {
  entry& e = arena_.at(number);
  e.owned = e.fresh = false;
  // relaxed: only the owner changes it, and it is the caller or gone
  const std::uint32_t taken = e.taken.load(std::memory_order_relaxed);
  if (taken == 0 || mutant<M, "block heap: a block with holes goes to the free list">()) {
    if (e.listed) unlink(class_lists_[e.size_class], number);
    make_free(number);
  } else if (taken < e.cell_count && !e.listed) {
    e.listed = true;
    push(class_lists_[e.size_class], number);
  }
}

template <class M>
void block_heap<M>::note_change(std::uint32_t number) {
  entry& e = arena_.at(number);
  if (e.changed) return;
  e.changed = true;
  e.next_changed = changed_;
  changed_ = number;
}

template <class M>
std::uint32_t block_heap<M>::take_free() {
  if (free_list_ == none) {
    const std::uint32_t had = arena_.blocks();
    for (std::uint32_t n = arena_.commit(commit_blocks, 1, threshold_); n > 0; --n) push(free_list_, had + n - 1);
  }
  const std::uint32_t number = free_list_;
  if (number != none) unlink(free_list_, number);
  return number;
}

// A block with room for the class, owned by the caller; none at the threshold.
template <class M>
std::uint32_t block_heap<M>::acquire(std::size_t size_class) {
  const std::lock_guard hold(lock_);
  std::uint32_t& list = class_lists_[size_class];
  std::uint32_t number = list;
  if (number != none) {
    if (!mutant<M, "block heap: a block with holes is given to all who ask">()) unlink(list, number);
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
  note_change(number);
  return number;
}

template <class M>
void block_heap<M>::release(std::uint32_t number) {
  const std::lock_guard hold(lock_);
  give_back(number);
}

// The first of `count` free blocks in a row, committed now if need be, and taken out of the free list; none at the threshold.
template <class M>
std::uint32_t block_heap<M>::find_run(std::uint32_t count) {
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

template <class M>
void* block_heap<M>::allocate_large(std::size_t bytes) {
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
    note_change(first);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    entry& e = arena_.at(first + i);
    if (!e.fresh) zero_memory<M>(arena_.block(first + i), block_bytes);
    e.fresh = false;
  }
  return arena_.block(first);
}

// A block's marks are its used bits from now on. Returns how many are set. relaxed: the world is stopped.
template <class M>
std::uint32_t block_heap<M>::settle(entry& e) {
  std::uint32_t live = 0;
  for (std::uint32_t i = 0; i * 64 < e.cell_count; ++i) {
    const std::uint64_t marked = e.mark[i].load(std::memory_order_relaxed);
    e.used[i].store(marked, std::memory_order_relaxed);
    live += static_cast<std::uint32_t>(std::popcount(marked));
  }
  e.taken.store(live, std::memory_order_relaxed);
  e.changed = false;
  return live;
}
// A settled block, to where it belongs.
template <class M>
void block_heap<M>::dispose(std::uint32_t number, std::uint32_t live) {
  const entry& e = arena_.at(number);
  if (e.kind == block_kind::cells) {
    give_back(number);
  } else if (live == 0) {
    for (std::uint32_t i = e.run; i > 0; --i) make_free(number + i - 1);
  }
}

template <class M>
std::size_t block_heap<M>::sweep() {
  const std::lock_guard hold(lock_);
  for (allocator* a : allocators_) a->reset();
  free_list_ = changed_ = none;
  class_lists_.fill(none);
  left_cells_ = left_bytes_ = 0;
  std::size_t objects = 0;
  // From the end, so that lists start with the lowest addresses.
  for (std::uint32_t number = arena_.blocks(); number-- > 0;) {
    entry& e = arena_.at(number);
    e.changed = false;
    if (e.kind == block_kind::free) push(free_list_, number);
    if (e.kind != block_kind::cells && e.kind != block_kind::large) continue;
    const std::uint32_t live = settle(e);
    for (std::uint32_t i = 0; i * 64 < e.cell_count; ++i) e.mark[i].store(0, std::memory_order_relaxed);
    e.listed = false;
    objects += live;
    dispose(number, live);
  }
  return objects;
}

template <class M>
void block_heap<M>::let_all_go() {
  for (std::uint32_t number = 0; number < arena_.blocks(); ++number) {
    entry& e = arena_.at(number);
    if (e.kind != block_kind::cells && e.kind != block_kind::large) continue;
    for (std::uint32_t i = 0; i * 64 < e.cell_count; ++i) e.mark[i].store(0, std::memory_order_relaxed);
    note_change(number);
  }
}

template <class M>
void block_heap<M>::sweep_changed() {
  const std::lock_guard hold(lock_);
  if (!mutant<M, "block heap: allocators keep their runs through a sweep">()) {
    for (allocator* a : allocators_) a->reset();
  }
  left_cells_ = left_bytes_ = 0;
  while (changed_ != none) {
    const std::uint32_t number = changed_;
    entry& e = arena_.at(number);
    changed_ = e.next_changed;
    e.changed = false;
    // It may have become free, or a part of a large object, since it was noted.
    if (e.kind == block_kind::cells || e.kind == block_kind::large) dispose(number, settle(e));
  }
}

template <class M>
std::pair<std::int64_t, std::int64_t> block_heap<M>::claimed() const {
  const std::lock_guard hold(lock_);
  std::pair<std::int64_t, std::int64_t> sum{left_cells_, left_bytes_};
  for (const allocator* a : allocators_) {
    sum.first += a->claimed_cells_.load(std::memory_order_relaxed);
    sum.second += a->claimed_bytes_.load(std::memory_order_relaxed);
  }
  return sum;
}

template <class M>
block_heap<M>::allocator::~allocator() {
  for (lane& l : lanes_) {
    if (l.block == none) continue;
    unclaim(l);
    heap_.release(l.block);
  }
  const std::lock_guard hold(heap_.lock_);
  heap_.left_cells_ += claimed_cells_.load(std::memory_order_relaxed);
  heap_.left_bytes_ += claimed_bytes_.load(std::memory_order_relaxed);
  std::erase(heap_.allocators_, this);
}

template <class M>
bool block_heap<M>::allocator::refill(lane& l, std::size_t size_class) {
  for (;;) {
    if (l.block != none) {
      if (claim(l)) return true;
      heap_.release(std::exchange(l.block, none));  // before acquire(), which may throw
    }
    l.block = heap_.acquire(size_class);
    l.position = 0;
    if (l.block == none) return false;
  }
}

template <class M>
bool block_heap<M>::allocator::claim(lane& l) {
  entry& e = heap_.arena_.at(l.block);
  const std::uint32_t first = block_bits::next<false>(e.used, l.position, e.cell_count);
  if (first == e.cell_count) return false;
  const std::uint32_t most = std::max<std::uint32_t>(1, run_bytes / e.cell_bytes);
  const std::uint32_t last = block_bits::next<true>(e.used, first, std::min(e.cell_count, first + most));
  // relaxed: a set bit only keeps this owner from claiming again, and a stop from missing what it will see anyway
  block_bits::masks(first, last, [&](std::uint32_t i, std::uint64_t mask) {
    if (mutant<M, "block heap: a run is not marked as used">()) return;
    e.used[i].store(e.used[i].load(std::memory_order_relaxed) | mask, std::memory_order_relaxed);
  });
  const std::uint32_t count = last - first;
  e.taken.store(e.taken.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  const std::size_t bytes = std::size_t{count} * e.cell_bytes;
  l.cursor = heap_.arena_.block(l.block) + std::size_t{first} * e.cell_bytes;
  l.end = l.cursor + bytes;
  l.position = last;
  if (!e.fresh) zero_memory<M>(l.cursor, bytes);
  count_claimed(count, bytes);
  return true;
}

// Gives the rest of the run back to the block.
template <class M>
void block_heap<M>::allocator::unclaim(lane& l) {
  if (l.cursor == l.end) return;
  entry& e = heap_.arena_.at(l.block);
  const auto bytes = static_cast<std::size_t>(l.end - l.cursor);
  auto count = static_cast<std::uint32_t>(bytes / e.cell_bytes);
  if (mutant<M, "block heap: who leaves gives its last object back">()) ++count;
  block_bits::masks(l.position - count, l.position, [&](std::uint32_t i, std::uint64_t mask) {
    e.used[i].fetch_and(~mask, std::memory_order_relaxed);  // relaxed: read under the lock that release() is about to take
  });
  e.taken.fetch_sub(count, std::memory_order_relaxed);
  claimed_cells_.fetch_sub(count, std::memory_order_relaxed);
  claimed_bytes_.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  l.end = l.cursor;
}

}  // namespace tally
