// The slow paths of the block heap: lists of blocks, claiming and giving back of runs, large objects, sweeping.
//
// Every block is in one place: owned by an allocator; in a list of its home (free, or of its class: it has holes); full and in no
// list; or part of a large object. Lists are doubly linked by block number through the entries and guarded by the heap's lock.
// An allocator that needs a block takes one with room or a free one from its own home; then from others'; then new memory. Dense
// blocks, which cost the cache misses of an entry and its bitmaps for a few short runs, are taken at the threshold only. What
// lives fills half of the committed blocks at least, then: until they are half empty, blocks wait, and others are committed for
// new objects. Free blocks have no bit set in either bitmap.
#pragma once

#include "harness/heap/block_heap_class.hpp"

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

// How many bits are set. (std::popcount is a call of a library on the baseline of x86-64.)
[[nodiscard]] constexpr std::uint32_t count(std::uint64_t w) {
  w -= w >> 1 & 0x5555555555555555;
  w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
  return static_cast<std::uint32_t>(((w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
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

// A home for a new allocator: one that somebody left, with its blocks, or a new one.
template <class M>
std::uint32_t block_heap<M>::move_in() {
  std::uint32_t n = 0;
  while (n < homes_.size() && homes_[n].taken) ++n;
  if (n == homes_.size()) homes_.emplace_back();
  homes_[n].taken = true;
  return n;
}

template <class M>
void block_heap<M>::push(block_list kind, std::uint32_t number) {
  entry& e = arena_.at(number);
  std::uint32_t& list = homes_[e.home].of(kind, e.size_class);
  e.listed = kind;
  e.prev = none;
  e.next = list;
  if (list != none) arena_.at(list).prev = number;
  list = number;
}

template <class M>
void block_heap<M>::unlink(std::uint32_t number) {
  entry& e = arena_.at(number);
  std::uint32_t& list = homes_[e.home].of(e.listed, e.size_class);
  e.listed = block_list::none;
  (e.prev == none ? list : arena_.at(e.prev).next) = e.next;
  if (e.next != none) arena_.at(e.next).prev = e.prev;
}

template <class M>
void block_heap<M>::make_free(std::uint32_t number) {
  entry& e = arena_.at(number);
  e.kind = block_kind::free;
  e.fresh = e.owned = false;
  push(block_list::free, number);
}

template <class M>
void block_heap<M>::give_back(std::uint32_t number) {
  entry& e = arena_.at(number);
  e.owned = e.fresh = false;
  if (e.listed != block_list::none) unlink(number);
  // relaxed: only the owner changes it, and it is the caller or gone
  const std::uint32_t taken = e.taken.load(std::memory_order_relaxed);
  if (taken == 0 || mutant<M, "block heap: a block with holes goes to the free list">()) {
    make_free(number);
  } else if (taken < e.cell_count) {
    push(taken <= e.cell_count - e.cell_count / roomy_share ? block_list::roomy : block_list::dense, number);
  }
}

template <class M>
void block_heap<M>::note_change(std::uint32_t number) {
  entry& e = arena_.at(number);
  if (e.changed) return;
  e.changed = true;
  e.next_changed = std::exchange(homes_[e.home].changed, number);
}

// The first block of this home's list, or of any other home's.
template <class M>
std::uint32_t block_heap<M>::first_of(block_list kind, std::size_t size_class, std::uint32_t home) {
  if (const std::uint32_t own = homes_[home].of(kind, size_class); own != none) return own;
  for (auto& other : homes_) {
    if (const std::uint32_t first = other.of(kind, size_class); first != none) return first;
  }
  return none;
}

// Free blocks for this home; the first of them, or none.
template <class M>
std::uint32_t block_heap<M>::commit_more(std::uint32_t home) {
  const std::uint32_t had = arena_.blocks(), more = arena_.commit(commit_blocks, 1, threshold_);
  for (std::uint32_t n = more; n > 0; --n) {
    arena_.at(had + n - 1).home = home;
    push(block_list::free, had + n - 1);
  }
  return more == 0 ? none : had;
}

// A block with room for the class, taken out of its list; none at the threshold.
template <class M>
std::uint32_t block_heap<M>::take(std::size_t size_class, std::uint32_t home) {
  std::uint32_t number = homes_[home].roomy[size_class];
  if (number == none) number = first_of(block_list::free, size_class, home);
  if (number == none) number = first_of(block_list::roomy, size_class, home);
  if (number == none) number = commit_more(home);
  if (number == none) number = first_of(block_list::dense, size_class, home);
  if (number == none) return none;
  if (!mutant<M, "block heap: a block with holes is given to all who ask">() || arena_.at(number).kind == block_kind::free) {
    unlink(number);
  }
  return number;
}

// A block with room for the class, owned by the caller, for one that has none left (or none).
template <class M>
std::uint32_t block_heap<M>::exchange(std::uint32_t full, std::size_t size_class, std::uint32_t home) {
  const std::lock_guard hold(lock_);
  if (full != none) give_back(full);
  const std::uint32_t number = take(size_class, home);
  if (number == none) return none;
  entry& e = arena_.at(number);
  if (e.kind == block_kind::free) {
    e.kind = block_kind::cells;
    e.size_class = static_cast<std::uint8_t>(size_class);
    e.cell_bytes = block_heap_sizes::cell_bytes[size_class];
    e.cell_count = block_heap_sizes::cells_in_block(size_class);
    e.reciprocal = block_heap_sizes::reciprocal_of(e.cell_bytes);
  }
  e.owned = true;
  e.home = home;
  note_change(number);
  return number;
}

// The first of `count` free blocks in a row, committed now if need be, and taken out of the free list; none at the threshold.
template <class M>
std::uint32_t block_heap<M>::find_run(std::uint32_t count, std::uint32_t home) {
  std::uint32_t length = 0, n = 0;
  for (; n < arena_.blocks() && length < count; ++n) length = arena_.at(n).kind == block_kind::free ? length + 1 : 0;
  if (length < count) {
    const std::uint32_t more = arena_.commit(count - length, count - length, threshold_);
    if (more == 0) return none;
    for (; n < arena_.blocks(); ++n) push(block_list::free, n);
  }
  for (std::uint32_t i = n - count; i < n; ++i) {
    unlink(i);
    arena_.at(i).home = home;
  }
  return n - count;
}

template <class M>
void* block_heap<M>::allocate_large(std::size_t bytes, std::uint32_t home) {
  const std::size_t blocks = (bytes + block_bytes - 1) / block_bytes;
  if (blocks > arena_.most_blocks()) return nullptr;
  const auto count = static_cast<std::uint32_t>(blocks);
  std::uint32_t first = none;
  {
    const std::lock_guard hold(lock_);
    first = find_run(count, home);
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

template <class M>
void block_heap<M>::free_large(std::uint32_t number) {
  const std::lock_guard hold(lock_);
  entry& e = arena_.at(number);
  e.used[0].store(0, std::memory_order_relaxed);  // relaxed: under the lock
  e.taken.store(0, std::memory_order_relaxed);
  for (std::uint32_t i = e.run; i > 0; --i) make_free(number + i - 1);
}

// A block's marks are its used bits from now on. Returns how many are set. relaxed: the world is stopped.
template <class M>
std::uint32_t block_heap<M>::settle(entry& e) {
  std::uint32_t live = 0;
  for (std::uint32_t i = 0; i * 64 < e.cell_count; ++i) {
    const std::uint64_t marked = e.mark[i].load(std::memory_order_relaxed);
    e.used[i].store(marked, std::memory_order_relaxed);
    live += block_bits::count(marked);
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
  for (lists& h : homes_) {
    h.empty();
    h.changed = none;
  }
  left_cells_ = left_bytes_ = 0;
  std::size_t objects = 0;
  // From the end, so that lists start with the lowest addresses.
  for (std::uint32_t number = arena_.blocks(); number-- > 0;) {
    entry& e = arena_.at(number);
    e.changed = false;
    e.listed = block_list::none;
    if (e.kind == block_kind::free) push(block_list::free, number);
    if (e.kind != block_kind::cells && e.kind != block_kind::large) continue;
    const std::uint32_t live = settle(e);
    for (std::uint32_t i = 0; i * 64 < e.cell_count; ++i) e.mark[i].store(0, std::memory_order_relaxed);
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
  for (lists& h : homes_) {
    while (h.changed != none) {
      const std::uint32_t number = h.changed;
      entry& e = arena_.at(number);
      h.changed = e.next_changed;
      e.changed = false;
      // It may have become free, or a part of a large object, since it was noted; or another home's.
      if (e.kind == block_kind::cells || e.kind == block_kind::large) dispose(number, settle(e));
    }
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
    if (l.block != none) unclaim(l);
  }
  const std::lock_guard hold(heap_.lock_);
  for (const lane& l : lanes_) {
    if (l.block != none) heap_.give_back(l.block);
  }
  heap_.homes_[home_].taken = false;
  heap_.left_cells_ += claimed_cells_.load(std::memory_order_relaxed);
  heap_.left_bytes_ += claimed_bytes_.load(std::memory_order_relaxed);
  std::erase(heap_.allocators_, this);
}

template <class M>
bool block_heap<M>::allocator::refill(lane& l, std::size_t size_class) {
  for (;;) {
    if (l.block != none && claim(l)) return true;
    // None in the meantime: the commit of new memory may throw, when the old block is given back.
    l.block = heap_.exchange(std::exchange(l.block, none), size_class, home_);
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
    e.used[i].fetch_and(~mask, std::memory_order_relaxed);  // relaxed: read under the lock that is about to be taken
  });
  e.taken.fetch_sub(count, std::memory_order_relaxed);
  claimed_cells_.fetch_sub(count, std::memory_order_relaxed);
  claimed_bytes_.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  l.end = l.cursor;
}

}  // namespace tally
