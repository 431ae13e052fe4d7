// Memory: what is freed is checked against every access to the words in it, and is used again at once or never in this schedule.
#include "harness/model/memory.hpp"

#include <cstring>
#include <new>

#include "harness/model/checker.hpp"

namespace tally::model {
using namespace checker;

namespace {
struct block {
  std::size_t bytes = 0;
  bool live = false;
};
constexpr std::size_t before_block = 32;

block& block_of(std::byte* p) { return *reinterpret_cast<block*>(p - before_block); }
void end_words(std::byte* p, std::size_t bytes, bool check) {
  for (std::size_t i = 0; i + sizeof(handle) <= bytes; i += sizeof(handle)) {
    auto& h = *reinterpret_cast<handle*>(p + i);
    if (!is_cell(h)) continue;
    cell& c = *reinterpret_cast<cell*>(h);
    if (c.home != &h) continue;
    if (check && c.var != nullptr && !c.var->store(thread())) {
      fail(rl::test_result_data_race, "freeing memory that another thread's access is not ordered before");
    }
    end_cell(c);
  }
}
std::byte* take(std::unordered_map<std::size_t, std::vector<std::byte*>>& from, std::size_t bytes) {
  const auto at = from.find(bytes);
  if (at == from.end() || at->second.empty()) return nullptr;
  std::byte* p = at->second.back();
  at->second.pop_back();
  return p;
}
}  // namespace

void* alloc(std::size_t bytes) {
  bytes = (bytes + 15) & ~std::size_t{15};
  std::byte* p = take(s.reusable, bytes);
  if (p == nullptr) {
    p = take(s.cached, bytes);
    if (p == nullptr) {
      auto* raw = static_cast<std::byte*>(std::aligned_alloc(64, (before_block + 32 + bytes + 63) & ~std::size_t{63}));
      if (raw == nullptr) throw std::bad_alloc();
      p = raw + 64;  // contexts have parts aligned to 64
    }
    s.blocks.push_back(p);
  }
  std::memset(p, 0, bytes);
  block_of(p) = {bytes, true};
  ++s.live_blocks;
  return p;
}

// Freed memory is used again at once or never in this schedule: the first shows what the wrong object in the right place does,
// the second every access to it. A search that visits all schedules does the second.
void free(void* at) {
  if (at == nullptr) return;
  auto* p = static_cast<std::byte*>(at);
  block& b = block_of(p);
  if (!b.live) fail(rl::test_result_double_free, "");
  b.live = false;
  --s.live_blocks;
  end_words(p, b.bytes, true);
  rl::context& checker = rl::ctx();
  if (checker.is_random_sched() && checker.rand(4, rl::sched_type_mem_realloc) == 0) s.reusable[b.bytes].push_back(p);
}

std::byte* reserve(std::size_t bytes) {
  for (region& r : s.regions) {
    if (!r.used && r.bytes == bytes) {
      r.used = true;
      return r.at;
    }
  }
  auto* at = static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) & ~std::size_t{4095}));
  if (at == nullptr) throw std::bad_alloc();
  s.regions.push_back({at, bytes, true});
  return at;
}
void commit(std::byte* at, std::size_t bytes) { std::memset(at, 0, bytes); }
void unreserve(std::byte* at, std::size_t) {
  for (region& r : s.regions) {
    if (r.at == at) r.used = false;
  }
}

void checker::begin_memory() {
  for (std::byte* p : s.blocks) s.cached[block_of(p).bytes].push_back(p);
  s.blocks.clear();
  for (auto& [bytes, list] : s.reusable) list.clear();
  s.live_blocks = 0;
  for (region& r : s.regions) r.used = false;
}

}  // namespace tally::model
