#include "harness/sim/cores/space.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>

namespace tally::sim {
namespace {

// Far from where Linux puts programs, heaps and libraries, on x86-64 and on AArch64 with 48 bits.
constexpr std::uintptr_t region_start = std::uintptr_t{1} << 44;
constexpr std::size_t region_bytes = space::slot_bytes * space::most_slots;
constexpr std::size_t stacks_at = space::small_bytes;
constexpr std::size_t reserve_at = stacks_at + space::stack_bytes * space::most_fibers;

std::mutex slots_lock;
std::array<bool, space::most_slots> slots_taken{};

// The whole region, once; the kernel commits what is touched.
void obtain_region() {
  static const bool obtained = [] {
    void* at = ::mmap(reinterpret_cast<void*>(region_start), region_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) return false;
    return reinterpret_cast<std::uintptr_t>(at) == region_start;  // a kernel that does not know the flag
  }();
  if (!obtained)
    throw std::runtime_error(
        "the address range of the simulator could not be had (vm.overcommit_memory=2, or a limit on addresses)");
}

void zero(std::uintptr_t from, std::size_t bytes) {
  if (bytes != 0) ::madvise(reinterpret_cast<void*>(from), bytes, MADV_DONTNEED);
}

std::size_t whole_pages(std::size_t bytes) { return (bytes + space::page_bytes - 1) / space::page_bytes; }

}  // namespace

space::space() {
  obtain_region();
  const std::lock_guard hold(slots_lock);
  const auto free = std::ranges::find(slots_taken, false);
  if (free == slots_taken.end()) throw std::runtime_error("all slots of the simulator's address range are taken");
  *free = true;
  slot_ = static_cast<int>(free - slots_taken.begin());
  start_ = region_start + static_cast<std::uintptr_t>(slot_) * slot_bytes;
  for (int i = 0; i < most_fibers; ++i) {
    ::mprotect(reinterpret_cast<void*>(start_ + stacks_at + static_cast<std::size_t>(i) * stack_bytes), page_bytes, PROT_NONE);
  }
}

space::~space() {
  wipe();
  const std::lock_guard hold(slots_lock);
  slots_taken[static_cast<std::size_t>(slot_)] = false;
}

bool space::anywhere(const void* at) { return reinterpret_cast<std::uintptr_t>(at) - region_start < region_bytes; }

// Steps of 16 up to 256, then four to each power of two.
std::size_t space::class_of(std::size_t bytes) {
  if (bytes <= 256) return bytes == 0 ? 0 : (bytes - 1) / 16;
  const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power+1)
  return 16 + (power - 8) * 4 + (((bytes - 1) >> (power - 2)) & 3);
}
std::size_t space::class_bytes(std::size_t c) {
  if (c < 16) return (c + 1) * 16;
  const std::size_t power = 8 + (c - 16) / 4;
  return (std::size_t{1} << power) + ((c - 16) % 4 + 1) * (std::size_t{1} << (power - 2));
}

std::byte* space::take_pages(std::size_t pages, std::uint8_t size_class, int core) {
  if ((pages_used_ + pages) * page_bytes > small_bytes) throw std::bad_alloc();
  auto* at = reinterpret_cast<std::byte*>(start_ + pages_used_ * page_bytes);
  pages_.resize(pages_used_ + pages, {size_class, static_cast<std::uint8_t>(core)});
  pages_used_ += pages;
  return at;
}

void* space::allocate(std::size_t bytes, int core) {
  if (bytes > greatest_class_bytes) {
    const std::size_t pages = whole_pages(bytes);
    if (auto& free = large_free_[pages]; !free.empty()) {
      std::byte* at = free.back();
      free.pop_back();
      large_[at] = pages;
      return at;
    }
    std::byte* at = take_pages(pages, class_count, core);
    large_[at] = pages;
    return at;
  }
  if (static_cast<std::size_t>(core) >= lanes_.size()) lanes_.resize(static_cast<std::size_t>(core) + 1);
  const std::size_t c = class_of(bytes);
  lane& l = lanes_[static_cast<std::size_t>(core)][c];
  if (l.freed != nullptr) {
    void* p = l.freed;
    std::memcpy(&l.freed, p, sizeof(void*));
    return p;
  }
  const std::size_t cell = class_bytes(c);
  if (static_cast<std::size_t>(l.end - l.cursor) < cell) {
    const std::size_t pages = cell <= 512 ? 1 : whole_pages(cell * 8);
    l.cursor = take_pages(pages, static_cast<std::uint8_t>(c), core);
    l.end = l.cursor + pages * page_bytes;
  }
  void* p = l.cursor;
  l.cursor += cell;
  return p;
}

// Cells of a power of two are aligned to themselves within a page; beyond a page, whole pages are.
void* space::allocate_aligned(std::size_t bytes, std::size_t alignment, int core) {
  if (alignment <= 16) return allocate(bytes, core);
  if (alignment > page_bytes) throw std::bad_alloc();
  const std::size_t size = std::bit_ceil(std::max(bytes, alignment));
  return allocate(size, core);
}

void space::free(void* p) {
  if (p == nullptr) return;
  const page_info page = pages_.at(offset(p) / page_bytes);
  if (page.size_class == class_count) {
    const auto at = large_.find(static_cast<std::byte*>(p));
    if (at == large_.end()) return;
    large_free_[at->second].push_back(at->first);
    large_.erase(at);
    return;
  }
  lane& l = lanes_[page.core][page.size_class];
  std::memcpy(p, &l.freed, sizeof(void*));
  l.freed = p;
}

std::byte* space::reserve(std::size_t bytes) {
  const std::size_t want = whole_pages(bytes) * page_bytes;
  if (want > slot_bytes - reserve_at - reserved_) throw std::bad_alloc();
  auto* at = reinterpret_cast<std::byte*>(start_ + reserve_at + reserved_);
  reserved_ += want;
  return at;
}

// Last in, first out gives the addresses back, too.
void space::unreserve(std::byte* at, std::size_t bytes) {
  const std::size_t had = whole_pages(bytes) * page_bytes;
  zero(reinterpret_cast<std::uintptr_t>(at), had);
  if (offset(at) + had == reserve_at + reserved_) reserved_ -= had;
}

stack_range space::stack(int fiber) const {
  const std::uintptr_t low = start_ + stacks_at + static_cast<std::size_t>(fiber) * stack_bytes + page_bytes;
  return {reinterpret_cast<const std::byte*>(low), reinterpret_cast<const std::byte*>(low + stack_bytes - page_bytes)};
}

void space::clear_stack(int fiber) {
  const stack_range s = stack(fiber);
  zero(reinterpret_cast<std::uintptr_t>(s.low), static_cast<std::size_t>(s.high - s.low));
}

void space::wipe() {
  zero(start_, pages_used_ * page_bytes);
  for (int i = 0; i < most_fibers; ++i) clear_stack(i);
  zero(start_ + reserve_at, slot_bytes - reserve_at);
  pages_used_ = reserved_ = 0;
  pages_.clear();
  lanes_.clear();
  large_free_.clear();
  large_.clear();
}

}  // namespace tally::sim
