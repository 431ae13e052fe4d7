// The block heap: precise memory for strategies that look for roots conservatively.
//
// Blocks of 32 KiB hold cells of one size (block_heap_sizes.hpp); an object above half a block gets blocks of its own. Any word
// is turned into the object that it points to, or into, or is rejected exactly: resolve() knows for each cell whether it is an
// object, so that a scan of a stack never revives a freed cell or reads a stale one.
//
//   * A thread takes cells from an allocator of its own, which owns one block per class. It claims runs of free cells from the
//     block's bitmap, a few KiB at a time, zeroes them, and bumps a cursor through them: a handful of instructions an object,
//     no atomics, no links. Zeroing a run just before its use leaves it in the cache.
//   * A cell's first word says what it is (object_word): zero is a claimed cell that is no object yet, type `freed` is one
//     that was freed explicitly, anything else is an object.
//   * Who traces calls sweep() when marking is done: mark bits become the used bits (word by word: nothing in a block is
//     touched), empty blocks are free for every class and for large objects, and blocks with holes are listed by class. Finding
//     the holes and zeroing them, the part that touches memory, is left to the allocator that gets the block.
//   * Who counts calls free(): the cell goes to the caller's allocator, last in first out, and beyond a bound back to its
//     block. `Frees` says that this heap has explicit frees; one without pays nothing for them.
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
#include "harness/object.hpp"

namespace tally {

template <class M, bool Frees = false>
class block_heap {
 public:
  using arena = block_arena<M>;
  using entry = block_entry<M>;
  using word = object_word<M>;
  class allocator;
  static constexpr std::size_t block_bytes = block_heap_sizes::block_bytes;
  static constexpr std::size_t class_count = block_heap_sizes::class_count;

  // `limit` in bytes; 0: as much as the address space of one heap allows (default_reserve).
  explicit block_heap(std::size_t limit) : arena_(limit == 0 ? default_reserve : limit), threshold_(arena_.limit()) {
    class_lists_.fill(none);
  }

  [[nodiscard]] std::size_t limit() const { return arena_.limit(); }
  [[nodiscard]] std::size_t committed() const { return arena_.committed(); }
  // allocate() fails rather than commit more than this: when to collect, at most the limit.
  [[nodiscard]] std::size_t threshold() const { return threshold_; }
  void set_threshold(std::size_t bytes) { threshold_ = std::min(bytes, arena_.limit()); }

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
  // Objects and bytes of cells that allocators claimed since the last sweep: an estimate of what was made, from any thread.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> claimed() const;

  // For the marker (block_heap_mark.hpp).
  [[nodiscard]] arena& blocks() { return arena_; }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::size_t default_reserve = std::size_t{1} << 36;
  static constexpr std::uint32_t commit_blocks = 32;  // 1 MiB at a time

  template <class Words>
  static bool bit(const Words& words, std::size_t cell) {
    // relaxed: set by the thread that reads, or by threads that are stopped
    return (words[cell / 64].load(std::memory_order_relaxed) >> (cell % 64) & 1) != 0;
  }

  // All of these under the lock.
  void push(std::uint32_t& list, std::uint32_t number);
  void unlink(std::uint32_t& list, std::uint32_t number);
  std::uint32_t take_free();
  std::uint32_t find_run(std::uint32_t count);
  void give_back(std::uint32_t number);  // a block that nobody owns: to where it belongs
  void make_free(std::uint32_t number);

  std::uint32_t acquire(std::size_t size_class);
  void release(std::uint32_t number);
  void* allocate_large(std::size_t bytes);
  void free_large(void* object);

  arena arena_;
  std::size_t threshold_;
  mutable typename M::mutex lock_;
  std::uint32_t free_list_ = none;
  std::array<std::uint32_t, class_count> class_lists_;  // blocks with holes that nobody owns
  std::vector<allocator*> allocators_;
  std::int64_t left_cells_ = 0, left_bytes_ = 0;         // claimed by allocators that are gone, and large objects
};

// One thread's way into the heap. Made, used and destroyed on one thread; may outlive nothing of the heap.
template <class M, bool Frees>
class block_heap<M, Frees>::allocator {
 public:
  explicit allocator(block_heap& heap) : heap_(heap) {
    const std::lock_guard hold(heap_.lock_);
    heap_.allocators_.push_back(this);
  }
  ~allocator();
  allocator(const allocator&) = delete;
  allocator& operator=(const allocator&) = delete;

  // At least `bytes` zero bytes, aligned to 8; null at the threshold. The caller writes the object_word before the next
  // safepoint. `bytes` is a constant in most callers: everything but the cursor folds.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (void* cell = try_allocate(bytes)) [[likely]] return cell;
    return allocate_slowly(bytes);
  }
  // The fast path alone: null when the run is at its end, or for a large object. For a caller that has something to do before
  // the slow one.
  [[nodiscard, gnu::always_inline]] void* try_allocate(std::size_t bytes) {
    if (bytes > block_heap_sizes::greatest_cell) [[unlikely]] return nullptr;
    const std::size_t c = block_heap_sizes::class_of(bytes);
    return take(lanes_[c], c, bytes);
  }

  // The cell of an object that was allocated with `bytes`, by whatever thread.
  void free(void* cell, std::size_t bytes)
    requires Frees
  {
    if (bytes > block_heap_sizes::greatest_cell) [[unlikely]] return heap_.free_large(cell);
    const std::size_t c = block_heap_sizes::class_of(bytes);
    lane& l = lanes_[c];
    static_cast<word*>(cell)->set_freed(l.freed);
    l.freed = cell;
    if (++l.freed_count > kept_bytes / block_heap_sizes::cell_bytes[c]) [[unlikely]] age(l);
  }

 private:
  friend class block_heap;
  static constexpr std::size_t run_bytes = 4096;           // claimed and zeroed at a time
  static constexpr std::size_t kept_bytes = 4 * block_bytes;  // of freed cells a class: twice as much stays with an allocator

  struct lane {
    std::byte* cursor = nullptr;   // the next cell of the run
    std::byte* end = nullptr;
    std::uint32_t block = none;    // the block that this allocator owns
    std::uint32_t position = 0;    // cells below it have been looked at
    void* freed = nullptr;         // list of freed cells, linked by their object_words
    void* older = nullptr;         // a full list, freed before those
    std::uint32_t freed_count = 0, older_count = 0;
  };

  [[nodiscard, gnu::always_inline]] void* take(lane& l, std::size_t size_class, std::size_t bytes) {
    if constexpr (Frees) {
      if (void* cell = l.freed) {
        l.freed = static_cast<word*>(cell)->template link<void>();
        --l.freed_count;
        std::memset(cell, 0, (bytes + 7) & ~std::size_t{7});
        return cell;
      }
    }
    std::byte* cell = l.cursor;
    if (cell == l.end) [[unlikely]] return nullptr;
    if (cell == nullptr) __builtin_unreachable();  // a run is never at null: spares callers a second test
    l.cursor = cell + block_heap_sizes::cell_bytes[size_class];
    return cell;
  }
  [[gnu::noinline]] void* allocate_slowly(std::size_t bytes) {
    if (bytes > block_heap_sizes::greatest_cell) return heap_.allocate_large(bytes);
    const std::size_t c = block_heap_sizes::class_of(bytes);
    return refill(lanes_[c], c) ? take(lanes_[c], c, bytes) : nullptr;
  }
  bool refill(lane& l, std::size_t size_class);
  bool claim(lane& l);
  void unclaim(lane& l);
  void age(lane& l);
  void flush(void* list);
  void reset() {
    for (lane& l : lanes_) l = {};
    claimed_cells_.store(0, std::memory_order_relaxed);
    claimed_bytes_.store(0, std::memory_order_relaxed);
  }

  block_heap& heap_;
  std::array<lane, class_count> lanes_{};
  // relaxed: estimates, written by this thread only
  atomic<M, std::int64_t, "freelist"> claimed_cells_, claimed_bytes_;
};

}  // namespace tally

#include "harness/heap/block_heap_parts.hpp"  // the slow paths
