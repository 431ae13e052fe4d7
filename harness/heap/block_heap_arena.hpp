// The address range of a block heap: blocks, what is known of each, and how much is committed.
//
// One reservation holds the blocks and, behind them, a table with an entry a block. So block_of(address) is a subtraction and a
// shift, an entry a multiplication, and no address in the process is read to find out whether a word points into the heap.
// Entries are beside the blocks and not in them: at the same offset in every aligned block they would share a few cache sets.
//
// Committed bytes are the blocks that were ever handed out plus the pages of the table that describe them; they never exceed
// `limit`, and are never given back: the limit is what a heap may use, and a block that is free is used before a new one is
// committed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <new>

#include "harness/heap/block_heap_sizes.hpp"
#include "harness/memory/policy.hpp"

namespace tally {

enum class block_kind : std::uint8_t { uncommitted, free, cells, large, large_tail };

// The lists of blocks that no allocator owns. By class: those with room, and those that have little.
enum class block_list : std::uint8_t { none, free, roomy, dense };

// What is known of one block. Bitmaps are by cell number.
template <class M>
struct block_entry {
  std::uint32_t reciprocal = 0;  // of the cell size; 0 for large objects
  std::uint32_t cell_count = 0;  // 1 for the first block of a large object
  std::uint32_t cell_bytes = 0;
  block_kind kind = block_kind::free;
  std::uint8_t size_class = 0;
  bool fresh = true;   // zero from the operating system: never used
  bool owned = false;  // an allocator takes cells from it
  block_list listed = block_list::none;
  bool changed = false;              // in the list of blocks that the next sweep_changed() looks at
  std::uint32_t home = 0;            // whose lists it is in, or was in last
  std::uint32_t next = 0, prev = 0;  // of the list that it is in
  std::uint32_t next_changed = 0;
  std::uint32_t run = 0;                        // large: blocks of the object; large_tail: distance to its first block
  atomic<M, std::uint32_t, "freelist"> taken;   // cells whose `used` bit is set
  atomic<M, std::uint32_t, "mark"> overflowed;  // has marked objects whose slots were not followed: see block_heap_mark.hpp
  alignas(64) atomic<M, std::uint64_t, "mark"> mark[block_heap_sizes::bitmap_words];
  // Set: the cell is an object, or zero and waiting in an allocator (its first word says which).
  atomic<M, std::uint64_t, "freelist"> used[block_heap_sizes::bitmap_words];
};

template <class M>
class block_arena {
 public:
  using entry = block_entry<M>;
  static constexpr std::size_t block_bytes = block_heap_sizes::block_bytes;
  static constexpr std::size_t page_bytes = 4096;

  // Room for as many blocks as `limit` bytes can hold, table included.
  explicit block_arena(std::size_t limit) : limit_(limit) {
    most_ = limit / (block_bytes + sizeof(entry));
    while (most_ != 0 && cost(most_) > limit) --most_;
    most_ = std::min<std::size_t>(most_, UINT32_MAX - 1);
    reserved_ = (most_ + 1) * block_bytes + table_bytes(most_);  // one more, to align
    memory_ = M::reserve(reserved_);
    const auto at = reinterpret_cast<std::uintptr_t>(memory_);
    base_ = (at + block_bytes - 1) & ~(block_bytes - 1);
    table_ = reinterpret_cast<entry*>(base_ + most_ * block_bytes);
  }
  ~block_arena() { M::unreserve(memory_, reserved_); }
  block_arena(const block_arena&) = delete;
  block_arena& operator=(const block_arena&) = delete;

  [[nodiscard]] std::size_t limit() const { return limit_; }
  // relaxed: an estimate for those who do not hold the heap's lock.
  [[nodiscard]] std::size_t committed() const { return committed_.load(std::memory_order_relaxed); }
  // Blocks that were ever committed; those below this number have entries.
  [[nodiscard]] std::uint32_t blocks() const { return blocks_; }
  [[nodiscard]] std::size_t most_blocks() const { return most_; }

  // Commits `want` blocks, or as many as fit in `most_bytes` committed in all, at least `least`; returns how many: 0 when that
  // is not possible. They are entered as free and fresh, and follow all others in address. Under the heap's lock.
  std::uint32_t commit(std::uint32_t want, std::uint32_t least, std::size_t most_bytes) {
    most_bytes = std::min(most_bytes, limit_);
    std::size_t n = std::min<std::size_t>(want, most_ - blocks_);
    while (n >= least && cost(blocks_ + n) > most_bytes) --n;
    if (n < least || n == 0) return 0;
    M::commit(block(blocks_), n * block_bytes);
    const std::size_t had = table_bytes(blocks_), has = table_bytes(blocks_ + n);
    if (has != had) M::commit(reinterpret_cast<std::byte*>(table_) + had, has - had);
    for (std::size_t i = 0; i < n; ++i) new (table_ + blocks_ + i) entry;
    blocks_ += static_cast<std::uint32_t>(n);
    committed_.store(cost(blocks_), std::memory_order_relaxed);
    return static_cast<std::uint32_t>(n);
  }

  [[nodiscard]] entry& at(std::uint32_t number) { return table_[number]; }
  [[nodiscard]] const entry& at(std::uint32_t number) const { return table_[number]; }
  [[nodiscard]] std::byte* block(std::uint32_t number) const {
    return reinterpret_cast<std::byte*>(base_ + std::size_t{number} * block_bytes);
  }
  // Where `word` would be in the heap, in bytes from its start; inside when below span().
  [[nodiscard]] std::uintptr_t offset(std::uintptr_t word) const { return word - base_; }
  [[nodiscard]] std::uintptr_t offset(const void* at) const { return offset(reinterpret_cast<std::uintptr_t>(at)); }
  [[nodiscard]] std::uintptr_t span() const { return std::uintptr_t{blocks_} * block_bytes; }
  [[nodiscard]] static std::uint32_t number_at(std::uintptr_t offset) { return static_cast<std::uint32_t>(offset / block_bytes); }
  [[nodiscard]] std::uint32_t number_of(const void* p) const { return number_at(offset(p)); }
  [[nodiscard]] std::uint32_t number_of(const entry& e) const { return static_cast<std::uint32_t>(&e - table_); }

  // What n blocks commit.
  [[nodiscard]] static std::size_t cost(std::size_t n) { return n * block_bytes + table_bytes(n); }

 private:
  [[nodiscard]] static std::size_t table_bytes(std::size_t n) { return (n * sizeof(entry) + page_bytes - 1) & ~(page_bytes - 1); }

  std::size_t limit_, most_ = 0, reserved_ = 0;
  std::byte* memory_ = nullptr;
  std::uintptr_t base_ = 0;
  entry* table_ = nullptr;
  std::uint32_t blocks_ = 0;
  atomic<M, std::size_t, "freelist"> committed_;
};

}  // namespace tally
