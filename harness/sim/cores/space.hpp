// The address space of simulated runs: everything that a simulated program allocates is in here, at the same distance from
// the start in every run.
//
// One reservation for the process, at an address of our own choice; a run has one slot of it. A slot has a part for small
// memory (what M::alloc, operator new and the stacks of guest objects come from), one for the stacks of fibers, and one for
// M::reserve. Line numbers are distances from the slot's start, so neither ASLR nor the slot that a run happens to get can
// change a result.
//
// Small memory is per virtual core and size class, in pages of 4 KiB that belong to one core, as in mimalloc or jemalloc: a
// global bump allocator would invent false sharing between cores. What another core frees goes back to the core that the
// page belongs to, at once. The allocator's own traffic is not modelled.
//
// While a fiber of a simulated program runs, operator new is M::alloc (new.cpp): contexts, tables and containers of strategies
// and workloads are on the simulated machine without their knowing. A run that is given up half-way (a deadlock) needs no
// destructor: its slot is wiped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "harness/memory/policy.hpp"

namespace tally::sim {

class space {
 public:
  static constexpr std::size_t page_bytes = 4096;
  static constexpr std::size_t slot_bytes = std::size_t{1} << 38;  // 256 GiB of addresses
  static constexpr std::size_t small_bytes = std::size_t{1} << 35;
  static constexpr std::size_t stack_bytes = std::size_t{1} << 20;  // of one fiber, its guard page included
  static constexpr int most_fibers = 256;
  static constexpr int most_slots = 64;

  // Takes a free slot; throws std::runtime_error if the address range can't be had, or all slots are taken.
  space();
  ~space();
  space(const space&) = delete;
  space& operator=(const space&) = delete;

  [[nodiscard]] std::uintptr_t start() const { return start_; }
  // Of an address in this slot; anything else is at least slot_bytes.
  [[nodiscard]] std::uintptr_t offset(const void* at) const { return reinterpret_cast<std::uintptr_t>(at) - start_; }
  [[nodiscard]] static bool anywhere(const void* at);
  [[nodiscard]] bool contains(const void* at) const { return offset(at) < slot_bytes; }

  [[nodiscard]] void* allocate(std::size_t bytes, int core);
  [[nodiscard]] void* allocate_aligned(std::size_t bytes, std::size_t alignment, int core);
  void free(void* p);

  // Page-aligned, in the part for M::reserve.
  [[nodiscard]] std::byte* reserve(std::size_t bytes);
  void unreserve(std::byte* at, std::size_t bytes);

  // The stack of a fiber; zero.
  [[nodiscard]] stack_range stack(int fiber) const;
  void clear_stack(int fiber);

  // Everything is zero again, and nothing is allocated.
  void wipe();

 private:
  static constexpr std::size_t class_count = 44;  // the last is that of 32 KiB
  static constexpr std::size_t greatest_class_bytes = 32 * 1024;
  struct page_info {
    std::uint8_t size_class;  // class_count: part of a large piece
    std::uint8_t core;
  };
  struct lane {
    void* freed = nullptr;  // linked through the first word
    std::byte* cursor = nullptr;
    std::byte* end = nullptr;
  };
  static std::size_t class_of(std::size_t bytes);
  static std::size_t class_bytes(std::size_t c);
  std::byte* take_pages(std::size_t pages, std::uint8_t size_class, int core);

  std::uintptr_t start_ = 0;
  int slot_ = 0;
  std::size_t pages_used_ = 0, reserved_ = 0;
  std::vector<page_info> pages_;
  std::vector<std::array<lane, class_count>> lanes_;           // by core
  std::map<std::size_t, std::vector<std::byte*>> large_free_;  // by pages
  std::map<std::byte*, std::size_t> large_;                    // pages of a large piece
};

}  // namespace tally::sim
