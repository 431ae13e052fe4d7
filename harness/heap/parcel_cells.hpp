// Rooted cells: where refs are while they travel between threads, for strategies that find roots by scanning.
//
// A scan of stacks does not see a ref in a queue, a task or a std::vector on the C++ heap. So a ref that leaves the stack is
// put into a cell, and what travels is the cell's address, which is trivially copyable and means nothing to the collector; the
// collector visits all cells instead. A cell is filled by one thread (pack) and emptied by another (unpack) in the normal
// case, so both ends must be cheap:
//
//   * cells come in chunks that belong to a pool; each context holds one pool and takes cells from its private free list;
//   * a cell in use remembers its pool. Emptied by the pool's holder, it goes to the private list; by anyone else, onto the
//     pool's stack of returned cells: one CAS to push, and only the holder takes, all at once, so there is no ABA;
//   * a pool outlives its holder: the next context to attach gets it, with the cells that came back meanwhile. Chunks are
//     freed with the heap, so the number of cells is the peak number of travelling refs, rounded up per pool.
//
// A cell is 16 bytes: the object, and one word that is the pool while the cell is in use and the next free cell otherwise.
#pragma once

#include <cstddef>
#include <mutex>
#include <new>
#include <vector>

#include "harness/memory/policy.hpp"

namespace tally {

template <class M>
class parcel_cells {
 public:
  class pool;
  struct cell {
    var<M, void*, "parcel"> object;  // null: free
    var<M, void*, "parcel"> link;    // in use: its pool; free: the next free cell
  };

  parcel_cells() = default;
  parcel_cells(const parcel_cells&) = delete;
  parcel_cells& operator=(const parcel_cells&) = delete;
  ~parcel_cells() {
    for (pool* p : pools_) {
      p->~pool();
      M::free(p);
    }
  }

  // A pool for a context that attaches, and back when it detaches.
  [[nodiscard]] pool& attach() {
    const std::lock_guard hold(lock_);
    if (idle_.empty()) {
      idle_.reserve(pools_.size() + 1);  // so that detach() can't fail
      pools_.reserve(pools_.size() + 1);
      pools_.push_back(new (M::alloc(sizeof(pool))) pool);
      return *pools_.back();
    }
    pool* p = idle_.back();
    idle_.pop_back();
    return *p;
  }
  void detach(pool& p) {
    const std::lock_guard hold(lock_);
    idle_.push_back(&p);
  }

  // A context's hold on a pool.
  class lease {
   public:
    explicit lease(parcel_cells& cells) : cells_(cells), pool_(cells.attach()) {}
    ~lease() { cells_.detach(pool_); }
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    operator pool&() const { return pool_; }
    pool* operator->() const { return &pool_; }

   private:
    parcel_cells& cells_;
    pool& pool_;
  };

  // With the world stopped, or no context attached: f(object) for every cell in use.
  template <class F>
  void for_each(F&& f) {
    for (pool* p : pools_) p->for_each([&f](cell& c) { f(c.object.load()); });
  }
  // The same, f(cell&): it may change what the cell holds, or empty it.
  template <class F>
  void for_each_cell(F&& f) {
    for (pool* p : pools_) p->for_each(f);
  }

 private:
  typename M::mutex lock_;
  std::vector<pool*> pools_, idle_;
};

template <class M>
class parcel_cells<M>::pool {
 public:
  static constexpr std::size_t cells_in_chunk = crowded<M> ? 2 : 255;  // a page, less the allocator's own words

  pool() = default;
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;
  ~pool() {
    for (chunk* c : chunks_) M::free(c);
  }

  // A cell that holds `object`. By the pool's holder.
  [[nodiscard]] cell* fill(void* object) {
    if (free_ == nullptr) [[unlikely]]
      refill();
    cell* c = free_;
    free_ = static_cast<cell*>(c->link.load());
    c->link.store(this);
    c->object.store(object);
    return c;
  }
  // The object of a cell, which is free from now on. By the holder of this pool; the cell may be any pool's.
  [[nodiscard]] void* empty(cell* c) {
    void* object = c->object.load();
    c->object.store(nullptr);
    auto* home = static_cast<pool*>(c->link.load());
    if (home == this || mutant<M, "parcels: a cell goes to who emptied it">()) {
      c->link.store(free_);
      free_ = c;
    } else {
      home->give_back(c);
    }
    return object;
  }

 private:
  friend class parcel_cells;
  struct chunk {
    cell cells[cells_in_chunk];
  };

  void give_back(cell* c) {
    // relaxed: only a guess for the CAS
    cell* top = returned_.load(std::memory_order_relaxed);
    do {
      c->link.store(top);
      // release: pairs with the acquire in refill(), so that the holder sees the link and the emptied cell
    } while (!returned_.compare_exchange_weak(top, c, std::memory_order_release, std::memory_order_relaxed));
  }
  [[gnu::noinline]] void refill() {
    free_ = returned_.exchange(nullptr, std::memory_order_acquire);  // acquire: pairs with the release in give_back()
    if (free_ != nullptr) return;
    if (chunks_.size() == chunks_.capacity()) chunks_.reserve(2 * chunks_.size() + 8);
    auto* fresh = new (M::alloc(sizeof(chunk))) chunk;
    chunks_.push_back(fresh);
    for (cell& c : fresh->cells) {
      c.link.store(free_);
      free_ = &c;
    }
  }
  template <class F>
  void for_each(F&& f) {
    for (chunk* k : chunks_) {
      for (cell& c : k->cells) {
        if (c.object.load() != nullptr) f(c);
      }
    }
  }

  cell* free_ = nullptr;  // private to the holder
  std::vector<chunk*> chunks_;
  atomic<M, cell*, "parcel"> returned_;
};

}  // namespace tally
