// Cells of a block heap that are freed one at a time: where counting strategies with heap=block have their objects from, so that
// they can be compared with the schemes that the block heap was made for on the same allocator.
//
// A context has a cache. Per size class it holds a list of free cells, linked through themselves, the last freed first; behind it
// cells that were never used, from the block heap's runs. A cell is freed into the cache of whoever frees it. A list that has
// grown to a batch is kept as a spare, and the spare before it goes to the heap's store as a whole; a cache that has nothing
// takes a batch from there before it starts a new run. So what one thread makes and another frees goes round, and a lock is taken
// once a batch. An object above half a block goes back to the block heap at once.
//
// A cell's contents are as its last user left them. What is free is never given to another size class. Progress: wait-free while
// a list or a run lasts; else it takes the heap's lock. Sources: [TCMalloc] (caches that exchange batches), [Bonwick01] (two
// lists, so that a cache at its limit does not go back and forth).
#pragma once

#include <array>
#include <new>

#include "harness/heap/block_heap.hpp"

namespace tally {

template <class M>
class cell_store {
 public:
  class cache;

  // `limit` in bytes; 0: as much as the address space of one heap allows.
  explicit cell_store(std::size_t limit) : blocks_(limit) {}
  [[nodiscard]] std::size_t committed() const { return blocks_.committed(); }
  // What the cell at an address takes, in bytes.
  [[nodiscard]] std::size_t cell_bytes(const void* at) {
    const auto& block = blocks_.blocks().at(blocks_.blocks().number_of(at));
    return block.kind == block_kind::large ? block.run * block_heap<M>::block_bytes : block.cell_bytes;
  }
  // f(first word) of every cell whose first word is not 0, used or free. With all caches' threads stopped (or none).
  template <class F>
  void for_each_cell(F&& f) {
    blocks_.for_each_object(f);
  }

 private:
  // A quarter of a block: 8 KiB, of which a core's first cache holds some.
  [[nodiscard]] static constexpr std::uint32_t batch_of(std::uint32_t cells_in_block) { return std::max(1U, cells_in_block / 4); }
  // What a free cell holds.
  struct cell {
    tally::atomic<M, cell*, "freelist"> next;  // relaxed: atomic for who walks over the heap's cells in a stop
    var<M, cell*, "freelist"> next_batch;      // in the first of a batch that is in the store
  };
  static_assert(sizeof(cell) <= block_heap_sizes::least_cell);

  void put(std::size_t size_class, cell* batch) {
    const std::lock_guard hold(lock_);
    cell* const first = batches_[size_class].load(std::memory_order_relaxed);  // relaxed, here and below: under the lock
    batch->next_batch.store(first);
    batches_[size_class].store(batch, std::memory_order_relaxed);
  }
  // Null: there is none.
  cell* take(std::size_t size_class) {
    if (batches_[size_class].load(std::memory_order_relaxed) == nullptr) return nullptr;  // relaxed: a late look costs a run
    const std::lock_guard hold(lock_);
    cell* const batch = batches_[size_class].load(std::memory_order_relaxed);
    if (batch != nullptr) batches_[size_class].store(batch->next_batch.load(), std::memory_order_relaxed);
    return batch;
  }

  block_heap<M> blocks_;
  typename M::mutex lock_;  // guards the lists of batches
  std::array<atomic<M, cell*, "freelist">, block_heap_sizes::class_count> batches_;
};

// One context's. Made and used by its thread; what it holds goes to the store when it ends.
template <class M>
class cell_store<M>::cache {
 public:
  explicit cache(cell_store& store) : store_(store), fresh_(store.blocks_) {}
  ~cache() {
    for (std::size_t c = 0; c < lanes_.size(); ++c) {
      for (cell* list : {lanes_[c].first, lanes_[c].spare}) {
        if (list != nullptr) store_.put(c, list);
      }
    }
  }
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  // At least `bytes` bytes, aligned to 8, not initialised. Throws heap_exhausted.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (bytes <= block_heap_sizes::greatest_cell) [[likely]] {
      lane& l = lanes_[block_heap_sizes::class_of(bytes)];
      if (cell* c = l.first) [[likely]] {
        l.first = c->next.load(std::memory_order_relaxed);
        --l.count;
        return c;
      }
    }
    return allocate_slowly(bytes);
  }
  void free(void* at) {
    const std::uint32_t number = store_.blocks_.blocks().number_of(at);
    const auto& block = store_.blocks_.blocks().at(number);
    if (block.kind == block_kind::large) [[unlikely]]
      return store_.blocks_.free_large(number);
    lane& l = lanes_[block.size_class];
    auto* c = new (at) cell;
    c->next.store(l.first, std::memory_order_relaxed);
    l.first = c;
    if (++l.count >= batch_of(block.cell_count) && !mutant<M, "cells: a full cache keeps what it has">()) [[unlikely]] {
      set_aside(l, block.size_class);
    }
  }

 private:
  struct lane {
    cell* first = nullptr;
    std::uint32_t count = 0;  // cells in `first`, at most
    cell* spare = nullptr;    // a batch
  };

  [[gnu::noinline]] void* allocate_slowly(std::size_t bytes) {
    if (bytes <= block_heap_sizes::greatest_cell) {
      const std::size_t size_class = block_heap_sizes::class_of(bytes);
      lane& l = lanes_[size_class];
      if (void* unused = fresh_.try_allocate(bytes)) return unused;
      cell* batch = std::exchange(l.spare, nullptr);
      if (batch == nullptr) batch = store_.take(size_class);
      if (batch != nullptr) {
        l.first = batch->next.load(std::memory_order_relaxed);
        l.count = batch_of(block_heap_sizes::cells_in_block(size_class)) - 1;
        return batch;
      }
    }
    void* unused = fresh_.allocate(bytes);
    if (unused == nullptr) throw heap_exhausted();
    return unused;
  }
  [[gnu::noinline]] void set_aside(lane& l, std::size_t size_class) {
    if (l.spare != nullptr) store_.put(size_class, l.spare);
    l.spare = std::exchange(l.first, nullptr);
    l.count = 0;
  }

  cell_store& store_;
  typename block_heap<M>::allocator fresh_;
  std::array<lane, block_heap_sizes::class_count> lanes_{};
};

}  // namespace tally
