// The block heap: precise memory for strategies that look for roots conservatively.
//
// Blocks of 32 KiB hold cells of one size (block_heap_sizes.hpp); an object above half a block gets blocks of its own. Any word
// is turned into the object that it points to, or into, or is rejected exactly: resolve() knows for each cell whether it is an
// object, so that a scan of a stack never revives a freed cell or reads a stale one.
//
//   * A thread takes cells from an allocator of its own, which owns one block per class. It claims runs of free cells from the
//     block's bitmap, a few KiB at a time, zeroes them, and bumps a cursor through them: a handful of instructions an object,
//     no atomics, no links. Zeroing a run just before its use leaves it in the cache.
//   * A cell's first word says what it is (object_word): zero is a claimed cell that is no object yet, anything else an object.
//   * Who traces calls sweep() when marking is done: mark bits become the used bits (word by word: nothing in a block is
//     touched), empty blocks are free for every class and for large objects, and blocks with holes are listed by class. Finding
//     the holes and zeroing them, the part that touches memory, is left to the allocator that gets the block.
//   * Who counts lets marks outlive the sweep: keep() sets one when an object's first reference is found, let_go() clears it,
//     and sweep_changed() does what sweep() does for the blocks in which something was made or let go since the last one. What
//     was made and never kept is gone with it: unmarked cells are free, and nobody has looked at them.
//
// The limit is on committed bytes, table included (block_heap_arena.hpp). allocate() returns null at the limit: the strategy
// collects and tries again. Not given back to the operating system: memory, before the heap ends. Not moved: objects.
//
// Progress: allocate is wait-free while its run lasts, and takes the heap's lock once a block. Sources: [Boehm88], [Immix]
// (runs of free cells instead of lists), [Oilpan] (conservative stacks over a precise heap).
#pragma once

#include <array>
#include <cstring>
#include <mutex>
#include <vector>

#include "harness/heap/block_heap_arena.hpp"
#include "harness/heap/object.hpp"

namespace tally {

template <class M>
class block_heap {
 public:
  using arena = block_arena<M>;
  using entry = block_entry<M>;
  using word = object_word<M>;
  class allocator;
  static constexpr std::size_t block_bytes = block_heap_sizes::block_bytes;
  static constexpr std::size_t class_count = block_heap_sizes::class_count;

  // `limit` in bytes; 0: as much as the address space of one heap allows (default_reserve).
  explicit block_heap(std::size_t limit) : arena_(limit == 0 ? default_reserve : limit), threshold_(arena_.limit()) {}

  [[nodiscard]] std::size_t limit() const { return arena_.limit(); }
  [[nodiscard]] std::size_t committed() const { return arena_.committed(); }
  // allocate() fails rather than commit more than the threshold: when to collect, at most the limit.
  void set_threshold(std::size_t bytes) {
    const std::lock_guard hold(lock_);
    threshold_ = std::min(bytes, arena_.limit());
  }
  // Lets at least `more` bytes be committed beyond what is now; never lowers the threshold, so that threads may race here, and
  // with threads that allocate. False: it is the limit already.
  [[nodiscard]] bool raise_threshold(std::size_t more) {
    const std::lock_guard hold(lock_);
    if (threshold_ == arena_.limit()) return false;
    threshold_ = std::max(threshold_, std::min(arena_.committed() + more, arena_.limit()));
    return true;
  }

  // The object whose cell holds the address `w`, or null. With all allocators' threads stopped (or none).
  [[nodiscard]] word* resolve(std::uintptr_t w) const {
    const std::uintptr_t offset = arena_.offset(w);
    if (offset >= arena_.span()) return nullptr;
    std::uint32_t number = arena::number_at(offset);
    const entry* e = &arena_.at(number);
    std::size_t cell = 0;
    if (e->kind == block_kind::cells) {
      cell = block_heap_sizes::cell_at(offset % block_bytes, e->reciprocal);
      if (cell >= e->cell_count) return nullptr;
    } else if (e->kind == block_kind::large_tail) {
      number -= e->run;
      e = &arena_.at(number);
    } else if (e->kind != block_kind::large) {
      return nullptr;
    }
    if (!bit(e->used, cell)) return nullptr;
    auto* object = reinterpret_cast<word*>(arena_.block(number) + cell * e->cell_bytes);
    return object->is_object() ? object : nullptr;
  }

  // f(object_word&) for every object. With all allocators' threads stopped (or none).
  template <class F>
  void for_each_object(F&& f) {
    for (std::uint32_t n = 0; n < arena_.blocks(); ++n) for_each_object_in(n, &entry::used, f);
  }
  // The same for one block, of the cells whose bit is set in `bits` (used or mark).
  template <class Bits, class F>
  void for_each_object_in(std::uint32_t number, Bits bits, F&& f) {
    entry& e = arena_.at(number);
    if (e.kind != block_kind::cells && e.kind != block_kind::large) return;
    for (std::uint32_t i = 0; i * 64 < e.cell_count; ++i) {
      for (std::uint64_t w = (e.*bits)[i].load(std::memory_order_relaxed); w != 0; w &= w - 1) {
        const auto cell = i * 64 + static_cast<std::uint32_t>(std::countr_zero(w));
        auto& object = *reinterpret_cast<word*>(arena_.block(number) + std::size_t{cell} * e.cell_bytes);
        if (object.is_object()) f(object);
      }
    }
  }

  // For a tracing strategy. Inside a stop, with marking done: objects are what is marked, marks are cleared, and all
  // allocators start afresh. Returns the number of objects.
  std::size_t sweep();
  // For a counting strategy, inside a stop or with no allocator attached; one thread.
  void keep(const word& o) {
    const mark_place at(arena_, &o);
    // relaxed here and below: the world is stopped
    at.bits->store(at.bits->load(std::memory_order_relaxed) | at.mask, std::memory_order_relaxed);
  }
  void let_go(const word& o) {
    const mark_place at(arena_, &o);
    at.bits->store(at.bits->load(std::memory_order_relaxed) & ~at.mask, std::memory_order_relaxed);
    if (!mutant<M, "block heap: a death does not mark its block as changed">()) note_change(arena_.number_of(*at.of));
  }
  [[nodiscard]] bool kept(const word& o) {
    const mark_place at(arena_, &o);
    return (at.bits->load(std::memory_order_relaxed) & at.mask) != 0;
  }
  // Blocks are shared out among allocators: each has a home, and so has each block. Those who keep() and let_go() at the same
  // time in a stop do it in blocks of different homes.
  [[nodiscard]] std::uint32_t home_of(const word& o) const { return arena_.at(arena_.number_of(&o)).home; }
  [[nodiscard]] std::size_t homes() const { return homes_.size(); }

  // Lets go of all objects: keep() those that live before the next sweep_changed().
  void let_all_go();
  // What is kept is used, all else is free; all allocators start afresh.
  void sweep_changed();

  // Objects and bytes of cells that allocators claimed since the last sweep: an estimate of what was made, from any thread.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> claimed() const;

  // For who frees objects one at a time (cell_cache.hpp): gives back a large one, by its first block. From any thread.
  void free_large(std::uint32_t number);

  // For the marker (block_heap_mark.hpp): the blocks, and where an object's mark bit is.
  [[nodiscard]] arena& blocks() { return arena_; }
  struct mark_place {
    mark_place(arena& blocks, const word* o) {
      const std::uintptr_t offset = blocks.offset(o);
      of = &blocks.at(arena::number_at(offset));
      const std::size_t cell = block_heap_sizes::cell_at(offset % block_bytes, of->reciprocal);
      bits = &of->mark[cell / 64];
      mask = std::uint64_t{1} << (cell % 64);
    }
    entry* of;
    atomic<M, std::uint64_t, "mark">* bits;
    std::uint64_t mask;
  };

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::size_t default_reserve = std::size_t{1} << 36;
  static constexpr std::uint32_t commit_blocks = 32;  // 1 MiB at a time
  static constexpr std::uint32_t roomy_share = 2;     // a block is roomy when half of its cells is free

  template <class Words>
  static bool bit(const Words& words, std::size_t cell) {
    // relaxed: set by the thread that reads, or by threads that are stopped
    return (words[cell / 64].load(std::memory_order_relaxed) >> (cell % 64) & 1) != 0;
  }

  // An allocator's lists. A block goes back to those of the allocator that owned it last, whose core has it in its caches.
  struct lists {
    lists() { empty(); }
    void empty() {
      free = none;
      roomy.fill(none);
      dense.fill(none);
    }
    std::uint32_t& of(block_list kind, std::size_t size_class) {
      return kind == block_list::free ? free : kind == block_list::roomy ? roomy[size_class] : dense[size_class];
    }
    std::uint32_t changed = none;  // blocks for the next sweep_changed(), through next_changed
    std::uint32_t free;
    std::array<std::uint32_t, class_count> roomy, dense;
    bool taken = false;  // by an allocator
  };

  // All of these under the lock.
  std::uint32_t move_in();
  void push(block_list kind, std::uint32_t number);
  void unlink(std::uint32_t number);
  std::uint32_t first_of(block_list kind, std::size_t size_class, std::uint32_t home);
  std::uint32_t commit_more(std::uint32_t home);
  std::uint32_t take(std::size_t size_class, std::uint32_t home);
  std::uint32_t find_run(std::uint32_t count, std::uint32_t home);
  void give_back(std::uint32_t number);  // a block that nobody owns: to where it belongs
  void make_free(std::uint32_t number);
  void note_change(std::uint32_t number);
  std::uint32_t settle(entry& e);
  void dispose(std::uint32_t number, std::uint32_t live);

  std::uint32_t exchange(std::uint32_t full, std::size_t size_class, std::uint32_t home);
  void* allocate_large(std::size_t bytes, std::uint32_t home);

  arena arena_;
  mutable typename M::mutex lock_;  // outside stops it guards what follows, and the arena's growth
  std::size_t threshold_;
  std::vector<lists> homes_;
  std::vector<allocator*> allocators_;
  std::int64_t left_cells_ = 0, left_bytes_ = 0;  // claimed by allocators that are gone
};

// One thread's way into the heap. Made, used and destroyed on one thread; may outlive nothing of the heap.
template <class M>
class block_heap<M>::allocator {
 public:
  explicit allocator(block_heap& heap) : heap_(heap) {
    const std::lock_guard hold(heap_.lock_);
    heap_.allocators_.push_back(this);
    try {
      home_ = heap_.move_in();
    } catch (...) {
      heap_.allocators_.pop_back();
      throw;
    }
  }
  ~allocator();
  allocator(const allocator&) = delete;
  allocator& operator=(const allocator&) = delete;

  // At least `bytes` zero bytes, aligned to 8; null at the threshold. The caller writes the object_word before the next
  // safepoint. `bytes` is a constant in most callers: everything but the cursor folds.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (void* cell = try_allocate(bytes)) [[likely]]
      return cell;
    return allocate_slowly(bytes);
  }
  // The fast path alone: null when the run is at its end, or for a large object. For a caller that has something to do before
  // the slow one.
  [[nodiscard, gnu::always_inline]] void* try_allocate(std::size_t bytes) {
    if (bytes > block_heap_sizes::greatest_cell) [[unlikely]]
      return nullptr;
    const std::size_t c = block_heap_sizes::class_of(bytes);
    return take(lanes_[c], c);
  }

  [[nodiscard]] std::uint32_t home() const { return home_; }
  // Bytes of cells that this allocator claimed since the last sweep. By its own thread, or in a stop.
  [[nodiscard]] std::size_t claimed_bytes() const {
    return static_cast<std::size_t>(claimed_bytes_.load(std::memory_order_relaxed));
  }

 private:
  friend class block_heap;
  static constexpr std::size_t run_bytes = 4096;  // claimed and zeroed at a time

  struct lane {
    std::byte* cursor = nullptr;  // the next cell of the run
    std::byte* end = nullptr;
    std::uint32_t block = none;  // the block that this allocator owns
    std::uint32_t position = 0;  // cells below it have been looked at
  };

  [[nodiscard, gnu::always_inline]] void* take(lane& l, std::size_t size_class) {
    std::byte* cell = l.cursor;
    if (cell == l.end) [[unlikely]]
      return nullptr;
    if (cell == nullptr) __builtin_unreachable();  // a run is never at null: spares callers a second test
    l.cursor = cell + block_heap_sizes::cell_bytes[size_class];
    return cell;
  }
  [[gnu::noinline]] void* allocate_slowly(std::size_t bytes) {
    if (bytes > block_heap_sizes::greatest_cell) {
      void* cell = heap_.allocate_large(bytes, home_);
      if (cell != nullptr) count_claimed(1, bytes);
      return cell;
    }
    const std::size_t c = block_heap_sizes::class_of(bytes);
    return refill(lanes_[c], c) ? take(lanes_[c], c) : nullptr;
  }
  bool refill(lane& l, std::size_t size_class);
  bool claim(lane& l);
  void unclaim(lane& l);
  void count_claimed(std::int64_t cells, std::size_t bytes) {
    claimed_cells_.store(claimed_cells_.load(std::memory_order_relaxed) + cells, std::memory_order_relaxed);
    claimed_bytes_.store(claimed_bytes_.load(std::memory_order_relaxed) + static_cast<std::int64_t>(bytes),
                         std::memory_order_relaxed);
  }
  void reset() {
    for (lane& l : lanes_) l = {};
    claimed_cells_.store(0, std::memory_order_relaxed);
    claimed_bytes_.store(0, std::memory_order_relaxed);
  }

  block_heap& heap_;
  std::uint32_t home_ = 0;
  std::array<lane, class_count> lanes_{};
  // relaxed: estimates, written by this thread only
  atomic<M, std::int64_t, "freelist"> claimed_cells_, claimed_bytes_;
};

}  // namespace tally
