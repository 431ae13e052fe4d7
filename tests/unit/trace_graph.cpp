// Recordings with slot writes, replayed: what counting frees is freed, what it leaks is what the model says, and heaps that collect
// cycles leak nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "harness/base/errors.hpp"
#include "harness/trace/info.hpp"
#include "harness/trace/replay_plan.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/none.hpp"
#include "strategies/plain.hpp"
#include "strategies/rc_arc.hpp"
#include "strategies/shared_ptr.hpp"
#include "tests/support/object_recording.hpp"
#include "tests/support/recordings.hpp"
#include "tests/support/replays.hpp"

namespace tally::recorded::unit_trace_graph {
namespace {

using tally::testing::path_for_recording;
using tally::testing::record_random_objects;
using tally::testing::replay;

// A file that is there while the test runs.
struct recorded_file {
  recorded_file(const recorder& r, const std::string& name) : path(path_for_recording(name)) { r.write(path); }
  recorded_file(const recorded_file&) = delete;
  recorded_file& operator=(const recorded_file&) = delete;
  ~recorded_file() { std::filesystem::remove(path); }
  std::string path;
};

plan plan_for(const recorder& r, layout how) {
  const recorded_file file(r, "plan");
  return make_plan(read_recording(file.path), how);
}

TEST(GraphPlan, LeaksWhatTheProgramLeaked) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    recorder dropped("dropped"), kept("kept");
    const int leaked = record_random_objects(dropped, seed, 2000, true).leaked;
    const int alive = record_random_objects(kept, seed, 2000, false).leaked;
    for (const layout how : {layout::one_stream, layout::rooted}) {
      const plan p = plan_for(dropped, how);
      EXPECT_EQ(p.graph->leaked, leaked) << seed;
      EXPECT_EQ(p.graph->alive, leaked) << seed;
      EXPECT_EQ(p.graph->reachable, 0U) << seed;
      const plan q = plan_for(kept, how);
      EXPECT_EQ(q.graph->leaked, leaked) << seed;
      EXPECT_EQ(q.graph->alive, alive) << seed;
      EXPECT_GE(q.graph->reachable, 16U) << seed;
    }
  }
}

TEST(GraphPlan, TellsWhatThreadsBeginAndCeaseToReferTo) {
  recorder r("roots");
  tally::testing::recorded_objects o(r);
  auto* const a = o.make(1);
  auto* const b = o.make(0);
  r.store(a, 0, b);        // the only reference to b moves: it is released
  r.store(a, 0, nullptr);  // and comes back: it is held
  r.store(a, 0, b);
  r.decrement(a);
  const plan p = plan_for(r, layout::rooted);
  std::string ops;
  for (std::size_t i = 0; i < p.graph->words.size(); ++i) {
    const auto op = static_cast<graph_op>(p.graph->words[i] >> position_bits);
    ops += "tdmsphr"[static_cast<std::size_t>(op)];
    if (op == graph_op::store) i += 2;
  }
  EXPECT_EQ(ops,
            "mmp"
            "sr"
            "hs"
            "sr"
            "dr");
  EXPECT_EQ(plan_for(r, layout::one_stream).graph->words.size(), p.graph->words.size() - 4);
}

TEST(GraphPlan, HasOneStreamOnly) {
  recorder r("one stream");
  record_random_objects(r, 1, 100, true);
  EXPECT_THROW((void)plan_for(r, layout::stream_per_thread), usage_error);
}

template <class Heap>
struct GraphReplay : ::testing::Test {};
using heaps =
    ::testing::Types<strategies::atomic_heap<native>, strategies::biased_heap<native>, strategies::deferred_heap<native>,
                     strategies::gil_heap<native>, strategies::mark_sweep_heap<native>, strategies::none_heap<native>,
                     strategies::plain_heap<native>, strategies::rc_arc_heap<native>, strategies::shared_ptr_heap<native>>;
TYPED_TEST_SUITE(GraphReplay, heaps);

// Objects from before and immortal ones, in slots and out of them; a cycle that refers to one of them.
void record_objects_from_before(recorder& r) {
  tally::testing::recorded_objects o(r);
  int before = 0, declared = 0, none = 0;
  r.existing(&declared, 3);
  auto* const a = o.make(2);
  auto* const b = o.make(2);
  r.increment(&before);
  r.store(a, 0, &before);
  r.store(b, 1, &declared);
  r.immortal_increment(&none);
  r.store(a, 1, &none);
  o.write(a, 1, b);
  o.write(b, 0, a);
  r.decrement(&declared);
  o.drop(a);
  o.drop(b);
  r.decrement(&declared);
}

TYPED_TEST(GraphReplay, EndsWithWhatTheModelSays) {
  int name = 0;
  const auto run = [&](const recorder& r) {
    const recorded_file file(r, "replay" + std::to_string(++name));
    for (const auto& [mode, lanes] : {std::pair{"single", 1}, std::pair{"copies", single_threaded<TypeParam> ? 1 : 3}}) {
      const auto found = replay<TypeParam>(file.path, mode, lanes);
      EXPECT_TRUE(found.oracle.ok) << mode << ": " << found.oracle.message;
      EXPECT_EQ(found.failure, "");
    }
  };
  for (const bool drop_all : {true, false}) {
    recorder r("random");
    record_random_objects(r, 7, 3000, drop_all);
    run(r);
  }
  recorder r("before");
  record_objects_from_before(r);
  run(r);
}

// In so little memory that it collects all the time: what threads or slots refer to must be found.
TEST(GraphReplayTraced, KeepsWhatLivesWhileItCollects) {
  using heap = strategies::mark_sweep_heap<native>;
  for (const bool drop_all : {true, false}) {
    recorder r("traced");
    record_random_objects(r, 11, 20000, drop_all);
    const recorded_file file(r, drop_all ? "traced" : "traced_and_kept");
    body_spec spec;
    spec.params = parameters(workloads::trace::info, {{"file", file.path}});
    spec.lanes = 1;
    spec.heap_limit_bytes = 1 << 20;
    bound_run<heap, workloads::trace> body(spec);
    window_spec window;
    window.lanes = 1;
    window.ramp_ns = 1'000'000;
    window.window_ns = 50'000'000;
    const auto found = run_window(body, window);
    EXPECT_TRUE(found.oracle.ok) << found.oracle.message;
    EXPECT_EQ(found.failure, "");
    EXPECT_FALSE(found.exhausted);
  }
}

TYPED_TEST(GraphReplay, OfRealPrograms) {
  for (const char* file : {"ast_parents", "dom_edit", "lru_links"}) {
    const auto found = replay<TypeParam>(file, "single", 1);
    EXPECT_TRUE(found.oracle.ok) << file << ": " << found.oracle.message;
    EXPECT_EQ(found.failure, "") << file;
  }
}

TEST(GraphOracle, ALeakTooFewIsCaught) {
  recorder r("leak");
  ASSERT_GT(record_random_objects(r, 7, 3000, true).leaked, 0);
  plan p = plan_for(r, layout::one_stream);
  p.graph->leaked = 0, p.graph->cyclic.clear();
  keep_plan("no_leak", layout::one_stream, p);
  EXPECT_THAT(replay<strategies::atomic_heap<native>>("no_leak", "single", 1).oracle.message,
              ::testing::HasSubstr("objects live, expected"));
}

TEST(GraphWorkload, SaysWhatItNeeds) {
  recorder r("needs");
  record_random_objects(r, 1, 100, true);
  const recorded_file file(r, "needs");
  const auto params = [&](const std::string& of, const char* mode) {
    return parameters(workloads::trace::info, {{"file", of}, {"mode", mode}});
  };
  using tracing = strategies::mark_sweep_heap<native>;
  using counting = strategies::atomic_heap<native>;
  EXPECT_EQ(workloads::trace::unmet_for<tracing>(params("json_cycle", "single")), "the recording has no object graph");
  EXPECT_EQ(workloads::trace::unmet_for<tracing>(params(file.path, "single")), "");
  EXPECT_EQ(workloads::trace::unmet_for<counting>(params("json_cycle", "single")), "");
  EXPECT_EQ(workloads::trace::unmet_lanes<counting>(params(file.path, "threads"), 1),
            "slot writes replay in the recorded order only (mode=single or mode=copies)");
}

TEST(GraphInfo, SaysWhatCountingFreesAndWhatIsCyclic) {
  recorder r("info");
  tally::testing::recorded_objects o(r);
  auto* const a = o.make(2);
  auto* const b = o.make(1);
  auto* const tail = o.make(0);
  auto* const kept = o.make(0);
  (void)kept;
  o.write(a, 0, b);
  o.write(b, 0, a);
  o.write(a, 1, tail);
  o.drop(o.make(1));
  o.drop(a), o.drop(b), o.drop(tail);
  const recorded_file file(r, "info");
  const std::string text = info_text(file.path);
  EXPECT_THAT(text, ::testing::HasSubstr("  version         2\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("  slots           4, written 3 times\n"));
  EXPECT_THAT(text,
              ::testing::HasSubstr("  freed           2 objects made by counting alone, 1 of them in the recording and 1 when"));
  EXPECT_THAT(text, ::testing::HasSubstr("  cyclic          3 objects made are on cycles that nothing else frees"));
  EXPECT_THAT(info_json(file.path), ::testing::HasSubstr("\"cyclic\": 3"));
  EXPECT_THAT(info_text("json_cycle"), ::testing::HasSubstr("  version         1: nothing says what refers to what\n"));
}

}  // namespace
}  // namespace tally::recorded::unit_trace_graph
