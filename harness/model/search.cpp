// The search: a program is run under one schedule after another, each from a fresh state, until one fails.
#include "harness/model/search.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "harness/model/checker.hpp"
#include "harness/model/schedules.hpp"
#include "harness/model/threads.hpp"

namespace tally::model {
namespace checker {

state s;

void fail(rl::test_result_e what, const char* why) {
  rl::ctx().fail_test(why, what, nowhere());
  std::abort();  // not reached: the schedule ends in fail_test
}
void fail(rl::test_result_e what, const char* why, std::string_view field) {
  fail(what, (std::string(why) + std::string(field)).c_str());
}

}  // namespace checker
using namespace checker;

namespace {

// A mutant may follow any pointer. What it hits is a fault of that schedule, not of the checker.
struct faults_are_failures {
  struct sigaction old_segv{}, old_bus{};
  faults_are_failures() {
    struct sigaction a{};
    a.sa_flags = SA_NODEFER;
    a.sa_handler = [](int) {
      if (!rl::is_ctx() || rl::ctx().threadx_ == nullptr) std::abort();
      fail(rl::test_result_access_to_freed_memory, "a pointer to nothing");
    };
    sigaction(SIGSEGV, &a, &old_segv);
    sigaction(SIGBUS, &a, &old_bus);
  }
  ~faults_are_failures() {
    sigaction(SIGSEGV, &old_segv, nullptr);
    sigaction(SIGBUS, &old_bus, nullptr);
  }
};

const std::function<std::unique_ptr<program>()>* maker = nullptr;

// Relacy counts the allocations of operator new, too: not ours.
struct opened : rl::context {
  static void keep_out(rl::context& c) { ++(c.*(&opened::disable_alloc_)); }
};

template <int Threads>
struct suite : rl::test_suite<suite<Threads>, Threads> {
  std::unique_ptr<program> what;
  suite() {
    ++s.schedule;
    opened::keep_out(rl::ctx());
    what = (*maker)();
    act_as(-1);
  }
  ~suite() {
    act_as(-1);
    what.reset();
    act_as(-1);
    if (s.live_blocks != 0) fail(rl::test_result_memory_leak, "");
    for (std::size_t i = 0; i < s.cells_used; ++i) {
      if (s.cells[i].home != nullptr) end_cell(s.cells[i]);
    }
  }
  void thread(unsigned number) {
    what->thread(static_cast<int>(number));
    catch_up();
  }
  void after() { what->end(); }
};

// What a schedule that was cut short by a failure left behind. The checker that knew its words is gone.
void start_afresh() {
  std::fill(s.cells.begin(), s.cells.begin() + static_cast<std::ptrdiff_t>(s.cells_used), cell{});
  s.cells_used = 0;
  s.free_cells = nullptr;
}
void begin_schedule() {
  begin_memory();
  s.stacks = {};
  s.depth = {};
  s.late = {};
  s.acting = -1;
  s.clock = s.accesses = s.writes = 0;
  s.waits_at = {};
}

template <int Threads, template <rl::thread_id_t> class Search>
outcome run(const plan& p, bool with_history) {
  using suite_t = suite<Threads>;
  std::ostringstream nothing, told;
  rl::test_params params;
  params.output_stream = params.progress_stream = &nothing;
  params.iteration_count = p.schedules;
  params.execution_depth_limit = most_points;
  params.search_type = p.kind == search::random ? rl::random_scheduler_type : rl::fair_full_search_scheduler_type;
  rl::ostringstream trail;
  outcome out;
  const faults_are_failures here;
  start_afresh();
  s.schedule = 0;
  const rl::test_result_e result = rl::run_test<suite_t, Search<Threads>>(params, trail, false);
  out.schedules = s.schedule;
  if (result == rl::test_result_success) return out;
  out.failure = rl::test_result_str(result);
  if (with_history) {
    params.initial_state = trail.str();
    params.collect_history = true;
    params.output_stream = &told;
    start_afresh();
    static_cast<void>(rl::run_test<suite_t, Search<Threads>>(params, trail, true));
    out.history = told.str();
  }
  start_afresh();
  return out;
}

}  // namespace

outcome check(const plan& p, const std::function<std::unique_ptr<program>()>& make, bool with_history) {
  const std::function<std::unique_ptr<program>()> fresh = [&make] {
    begin_schedule();
    return make();
  };
  planned = &p;
  maker = &fresh;
  if (p.kind == search::random) {
    return p.threads == 2 ? run<2, random_search>(p, with_history) : run<3, random_search>(p, with_history);
  }
  bool& complete = p.threads == 2 ? tree_search<2>::complete : tree_search<3>::complete;
  complete = false;
  outcome out = p.threads == 2 ? run<2, tree_search>(p, with_history) : run<3, tree_search>(p, with_history);
  out.complete = complete;
  return out;
}

}  // namespace tally::model

// assert() in a header that is checked: a failure of the schedule, like any other.
extern "C" [[noreturn]] void __assert_fail(const char* what, const char* file, unsigned line, const char*) noexcept(false) {
  if (rl::is_ctx() && rl::ctx().threadx_ != nullptr) tally::model::checker::fail(rl::test_result_user_assert_failed, what);
  std::fprintf(stderr, "%s:%u: assertion failed: %s\n", file, line, what);
  std::abort();
}
