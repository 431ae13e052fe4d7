// Relacy, and the state of the schedule that runs; for the sources of this folder only.
//
// Relacy has the memory model (which stores a load may return, who happens before whom), mutexes, fibers and the loop over
// schedules. Ours are: the words, since a strategy's memory is zeroed, freed and used again under them; memory, so that a free is
// checked against every access to the words in it; and the choice of schedules.
//
// Its operator new and its macros (new, free, assert, the names of the memory orders, $) are kept out: we include the parts that
// we need and not the header that defines most of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/model/words.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#include <relacy/atomic.hpp>
#include <relacy/base.hpp>
#include <relacy/context.hpp>
#include <relacy/context_base_impl.hpp>
#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/event.hpp>
#include <relacy/stdlib/mutex.hpp>
#include <relacy/stdlib/semaphore.hpp>
#include <relacy/test_suite.hpp>
#include <relacy/thread_local.hpp>
#include <relacy/var.hpp>
#pragma GCC diagnostic pop
#undef $

namespace tally::model::checker {

inline constexpr int most_threads = 3;
inline constexpr unsigned most_points = 20000;  // scheduling points of one schedule beyond which a wait is taken to be endless
inline constexpr std::uint64_t most_accesses = 200000;  // the same for accesses

using std::memory_order;

inline rl::debug_info nowhere() { return {"", "", 0}; }
// Out of line, as is all that only failing schedules do: the way of the others is what a search's time goes to.
[[noreturn, gnu::cold]] void fail(rl::test_result_e what, const char* why);
[[noreturn, gnu::cold]] void fail(rl::test_result_e what, const char* why, std::string_view field);

enum class kind : std::uint8_t { none, atomic, var, mutex };

struct cell {
  handle* home = nullptr;  // the handle that refers to this cell; any other is a copy of its bytes
  kind is = kind::none;
  bool failed_once = false;
  std::uint64_t value = 0;
  std::array<std::uint64_t, rl::atomic_history_size> history{};
  rl::atomic_data* atomic = nullptr;
  rl::var_data* var = nullptr;  // of an atomic: all accesses as reads, so that a free can be checked against them
  rl::generic_mutex_data* mutex = nullptr;
  cell* next = nullptr;
};

struct region {
  std::byte* at = nullptr;
  std::size_t bytes = 0;
  bool used = false;
};

struct delayed {
  handle* word = nullptr;
  std::uint64_t value = 0;
  memory_order order = std::memory_order_relaxed;
};

// Everything that a schedule starts with afresh.
struct state {
  std::vector<cell> cells = std::vector<cell>(1 << 15);
  std::size_t cells_used = 0;
  cell* free_cells = nullptr;
  std::vector<std::byte*> blocks;                                     // of this schedule
  std::unordered_map<std::size_t, std::vector<std::byte*>> reusable;  // freed in this schedule, by size
  std::unordered_map<std::size_t, std::vector<std::byte*>> cached;    // of earlier schedules
  std::size_t live_blocks = 0;
  std::vector<region> regions;
  std::array<std::array<handle, 32>, most_threads> stacks{};
  std::array<std::size_t, most_threads> depth{};
  std::array<delayed, most_threads> late{};
  int acting = -1;
  std::uint64_t clock = 0, accesses = 0;
  std::uint64_t writes = 0;                            // to shared words and locks: who waits waits for one
  std::array<std::uint64_t, most_threads> waits_at{};  // writes that there were when the thread began to wait, and one
  std::string failure;
  std::uint64_t schedule = 0;
};
extern state s;

inline rl::thread_info_base& thread() { return *rl::ctx().threadx_; }
inline int current() { return s.acting >= 0 ? s.acting : rl::ctx().threadx_->index_; }

inline bool is_cell(handle h) {
  const auto first = reinterpret_cast<handle>(s.cells.data());
  return h >= first && h < first + s.cells_used * sizeof(cell) && (h - first) % sizeof(cell) == 0;
}
void end_cell(cell& c);
void begin_memory();  // what earlier schedules allocated is there to be used again

// The store that a mutation delayed: it is made behind the thread's next write.
[[gnu::cold]] void catch_up_with(delayed& d);
inline void catch_up() {
  delayed& d = s.late[static_cast<std::size_t>(thread().index_)];
  if (d.word != nullptr) catch_up_with(d);
}

}  // namespace tally::model::checker
