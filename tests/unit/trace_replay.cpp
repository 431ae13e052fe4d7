// The plan of a replay (pairs, waits, positions) held against the recording, and the replay against the oracle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "harness/trace/info.hpp"
#include "harness/trace/recorder.hpp"
#include "harness/trace/replay_plan.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/none.hpp"
#include "strategies/plain.hpp"
#include "tests/support/replays.hpp"

namespace tally::recorded::unit_trace_replay {
namespace {

using tally::testing::replay;

const std::vector<std::string> bundled{"deepcopy_pickle", "json_cycle", "lru_cache_threads", "threadpool_wordcount",
                                       "tokenize_pipeline"};
const std::vector<std::string> threaded{"lru_cache_threads", "threadpool_wordcount", "tokenize_pipeline"};

// An interpreter of plans that knows nothing of how they are made: a table of counts, run by any schedule that the waits allow.
class checker {
 public:
  explicit checker(const plan& p) : plan_(p), table_(p.positions), at_(p.streams.size()) {
    for (std::size_t i = 0; i < p.existing.size(); ++i) table_[i] = {p.existing[i].start, p.existing[i].start, true};
    held_.resize(p.streams.size());
  }
  // Runs up to `most` words of the lane; false: it can't move.
  bool run(std::size_t lane, std::size_t most) {
    auto& a = at_[lane];
    const stream& s = plan_.streams[lane];
    bool moved = false;
    for (; most > 0 && a.word < s.words.size(); --most, ++a.word, moved = true) {
      const std::uint32_t w = s.words[a.word];
      const std::uint32_t position = w & position_mask;
      const op o = op_of(w);
      if (o == op::wait) {
        const auto& wait = s.waits[position];
        if (at_[wait.lane].posts < wait.posts) return moved;
        continue;
      }
      if (o == op::post) {
        ++a.posts;
        continue;
      }
      if (o == op::sample) continue;
      ++operations;
      one(lane, o, position);
      if (!error.empty()) return false;
    }
    return moved;
  }
  [[nodiscard]] bool finished() const {
    for (std::size_t i = 0; i < at_.size(); ++i) {
      if (at_[i].word != plan_.streams[i].words.size()) return false;
    }
    return true;
  }
  // What is alive is what the recording left, with the same references.
  void check_end() {
    std::uint64_t left = 0;
    for (const auto& o : plan_.left) {
      if (!table_[o.position].alive || table_[o.position].total != o.references) error = "a left object differs";
    }
    for (std::size_t i = 0; i < plan_.existing.size(); ++i) {
      if ((plan_.existing[i].end != 0) != table_[i].alive) error = "an object from before differs";
      if (table_[i].alive && table_[i].total != plan_.existing[i].end) error = "its references differ";
    }
    for (const auto& e : table_) left += e.alive ? 1 : 0;
    const auto before = std::ranges::count_if(plan_.existing, [](const auto& e) { return e.end != 0; });
    if (left != plan_.left.size() + static_cast<std::uint64_t>(before)) error = "too much is alive";
    for (const auto& h : held_) {
      if (!h.empty()) error = "a reference stack is not empty";
    }
  }
  std::string error;
  std::uint64_t operations = 0, takes = 0, drops_ = 0, lasts = 0, births = 0;

 private:
  struct entry {
    std::int64_t total = 0, counted = 0;
    bool alive = false;
  };
  struct cursor {
    std::size_t word = 0, place = 0;
    std::uint32_t posts = 0;
  };
  void one(std::size_t lane, op o, std::uint32_t position) {
    entry& e = table_[position];
    if (o == op::make || o == op::make_shared) {
      if (e.alive) error = "a position is used twice";
      e = {1, 1, true};
      ++births;
      return;
    }
    if (!e.alive) {
      error = "a dead object is used";
      return;
    }
    const std::int64_t by = drops(o) ? -1 : 1;
    e.total += by;
    (by > 0 ? takes : drops_) += 1;
    if (paired(o)) {
      const std::uint16_t place = plan_.streams[lane].places[at_[lane].place++];
      if (place >= held_capacity) error = "no such place";
      if (by > 0 && !held_[lane].emplace(place, position).second) error = "a place is taken twice";
      if (by < 0 && (!held_[lane].contains(place) || held_[lane][place] != position)) error = "a pair's ends differ";
      if (by < 0) held_[lane].erase(place);
    } else {
      e.counted += by;
    }
    const bool last = o == op::last_drop || o == op::paired_last_drop;
    if (e.counted < 0) error = "more is dropped than counted";
    if (last != (e.total == 0)) error = last ? "a last drop leaves references" : "an object dies before its last drop";
    if (last) e.alive = false, ++lasts;
  }
  const plan& plan_;
  std::vector<entry> table_;
  std::vector<cursor> at_;
  std::vector<std::map<std::uint16_t, std::uint32_t>> held_;
};

std::string run_random(const plan& p, unsigned seed, std::size_t burst) {
  checker c(p);
  std::mt19937 random(seed);
  while (!c.finished()) {
    // From a random lane on, the first that can move does: a lane may run far ahead of the others.
    const std::size_t from = random() % p.streams.size();
    bool moved = false;
    for (std::size_t i = 0; i < p.streams.size() && !moved; ++i) {
      moved = c.run((from + i) % p.streams.size(), 1 + random() % burst);
      if (!c.error.empty()) return c.error;
    }
    if (!moved) return "deadlock";
  }
  c.check_end();
  return c.error;
}

TEST(TracePlan, TheDecodedStreamHasTheHeadersTotals) {
  for (const auto& name : bundled) {
    const auto p = plan_of(name, layout::one_stream);
    checker c(*p);
    while (c.run(0, 1 << 20)) {}
    EXPECT_EQ(c.error, "") << name;
    EXPECT_TRUE(c.finished());
    c.check_end();
    EXPECT_EQ(c.error, "") << name;
    const totals& t = p->sums;
    EXPECT_EQ(c.takes, t.increfs + t.immortal_increfs);
    EXPECT_EQ(c.drops_, t.decrefs + t.last_decrefs + t.immortal_decrefs);
    EXPECT_EQ(c.lasts, t.died);
    EXPECT_EQ(c.births, t.created);
    EXPECT_EQ(c.operations, t.events - t.thread_switches - t.existing);
    const paths& b = p->by_path;
    EXPECT_EQ(b.owner + b.foreign + b.paired_owner + b.paired_foreign + b.immortal + b.last + b.born, p->operations);
  }
}

TEST(TracePlan, NoScheduleThatTheWaitsAllowEndsAnObjectEarly) {
  for (const auto& name : threaded) {
    const auto p = plan_of(name, layout::stream_per_thread);
    EXPECT_EQ(p->streams.size(), 5U);
    // From single steps to lanes that run as far ahead as they can.
    for (const std::size_t burst : {std::size_t{2}, std::size_t{3000}, std::size_t{10000000}}) {
      for (unsigned seed = 1; seed <= 2; ++seed) EXPECT_EQ(run_random(*p, seed, burst), "") << name << " burst " << burst;
    }
  }
}

TEST(TracePlan, WithoutItsWaitsAReplayIsUnsound) {
  for (const auto& name : threaded) {
    plan p = *plan_of(name, layout::stream_per_thread);
    for (auto& s : p.streams) {
      for (auto& w : s.waits) w.posts = 0;
    }
    EXPECT_NE(run_random(p, 1, 10000000), "") << name;
  }
}

TEST(TracePlan, TheWaitsAllowTheParallelismThatTheRecordingsAreKnownFor) {
  const auto parallelism = [](const char* name) { return plan_of(name, layout::stream_per_thread)->parallelism; };
  EXPECT_NEAR(parallelism("tokenize_pipeline"), 1.8, 0.05);
  EXPECT_NEAR(parallelism("threadpool_wordcount"), 1.9, 0.05);
  EXPECT_NEAR(parallelism("lru_cache_threads"), 3.2, 0.05);
  EXPECT_EQ(recorded_threads("lru_cache_threads"), 5);
  EXPECT_EQ(recorded_threads("json_cycle"), 1);
}

// A replay of nothing would never end an operation.
TEST(TracePlan, ARecordingWithoutOperationsIsRefusedAtOnce) {
  recorder r("nothing");
  int files = 0;  // a file's plan is kept
  const auto refusal = [&](layout how) {
    const auto name = "tally_nothing_" + std::to_string(getpid()) + "_" + std::to_string(++files);
    const std::string path = (std::filesystem::temp_directory_path() / name).string();
    r.write(path);
    std::string why;
    try {
      (void)plan_of(path, how);
    } catch (const usage_error& e) {
      why = e.what();
      EXPECT_THAT(why, ::testing::HasSubstr(path));
      EXPECT_THAT(info_text(path), ::testing::HasSubstr("a replay        0 operations"));
    }
    std::filesystem::remove(path);
    return why;
  };
  const auto says_so = ::testing::HasSubstr("nothing to replay: the recording has no birth, no increment and no decrement");
  EXPECT_THAT(refusal(layout::one_stream), says_so);
  int a = 0, b = 0;
  r.existing(&a, 3);
  EXPECT_THAT(refusal(layout::one_stream), says_so);
  std::thread([&] { r.existing(&b, 0); }).join();
  EXPECT_THAT(refusal(layout::stream_per_thread), says_so);
  r.immortal_increment(&b);
  EXPECT_EQ(refusal(layout::stream_per_thread), "");
}

// A creator's own drop must not come before another thread's take that the recording has in front of it.
TEST(TracePlan, ACreatorThatRunsAheadWaitsForTheTakeThatKeptTheObject) {
  const auto path = (std::filesystem::temp_directory_path() / ("tally_ahead_" + std::to_string(getpid()))).string();
  recorder r("ahead");
  int a = 0;
  r.birth(&a, 32);
  std::thread([&] { r.increment(&a); }).join();
  r.decrement(&a);  // the creator's: its first reference
  std::thread([&] { r.decrement(&a); }).join();
  r.write(path);
  const plan p = make_plan(read_recording(path), layout::stream_per_thread);
  std::filesystem::remove(path);
  for (unsigned seed = 0; seed < 20; ++seed) EXPECT_EQ(run_random(p, seed, 4), "");
  ASSERT_GE(p.streams[0].words.size(), 3U);
  EXPECT_EQ(p.streams[0].waits.size(), 1U);
}

// C code that drops what the interpreter took: the pair is dissolved, or the count of a deferring scheme would fall too far.
TEST(TracePlan, APairWhoseReferenceWasDroppedByOthersIsCounted) {
  const auto path = (std::filesystem::temp_directory_path() / ("tally_steal_" + std::to_string(getpid()))).string();
  recorder r("steal");
  int a = 0;
  r.birth(&a, 32);
  r.increment(&a, true);
  r.increment(&a, true);
  r.decrement(&a, false);
  r.decrement(&a, false);
  r.increment(&a, false);
  r.decrement(&a, true);
  r.decrement(&a, true);
  r.write(path);
  const plan p = make_plan(read_recording(path), layout::one_stream);
  std::filesystem::remove(path);
  EXPECT_EQ(p.pairs, 1U);
  EXPECT_EQ(p.dissolved_pairs, 1U);
  EXPECT_EQ(run_random(p, 1, 100), "");
}

template <class Heap>
struct Replay : ::testing::Test {};
using heaps = ::testing::Types<strategies::atomic_heap<native>, strategies::biased_heap<native>,
                               strategies::deferred_heap<native>, strategies::none_heap<native>, strategies::plain_heap<native>>;
TYPED_TEST_SUITE(Replay, heaps);

TYPED_TEST(Replay, WhatDiedIsDeadAndWhatLivedIsAlive) {
  for (const auto& name : bundled) {
    const auto r = replay<TypeParam>(name, "single", 1);
    EXPECT_TRUE(r.oracle.ok) << name << ": " << r.oracle.message;
    EXPECT_EQ(r.failure, "") << name;
  }
}
TYPED_TEST(Replay, OnTheRecordedThreads) {
  if (single_threaded<TypeParam>) GTEST_SKIP() << "one thread only";
  for (const auto& name : threaded) {
    const auto r = replay<TypeParam>(name, "threads", 5);
    EXPECT_TRUE(r.oracle.ok) << name << ": " << r.oracle.message;
    EXPECT_EQ(r.failure, "") << name;
  }
}
TYPED_TEST(Replay, AsCopiesThatShareTheObjectsFromBefore) {
  if (single_threaded<TypeParam>) GTEST_SKIP() << "one thread only";
  for (const auto& name : {"json_cycle", "tokenize_pipeline"}) {
    const auto r = replay<TypeParam>(name, "copies", 3);
    EXPECT_TRUE(r.oracle.ok) << name << ": " << r.oracle.message;
    EXPECT_EQ(r.failure, "") << name;
  }
}

TEST(TraceOracle, ADropTooFewIsCaught) {
  plan p = *plan_of("lru_cache_threads", layout::one_stream);
  for (auto& w : p.streams[0].words) {
    if (op_of(w) == op::last_drop) {
      w = word_of(op::sample, 0);
      break;
    }
  }
  keep_plan("one_drop_too_few", layout::one_stream, p);
  const auto r = replay<strategies::atomic_heap<native>>("one_drop_too_few", "single", 1);
  EXPECT_FALSE(r.oracle.ok);
  EXPECT_THAT(r.oracle.message, ::testing::HasSubstr("objects live, expected"));
}

TEST(TraceOracle, AnExhaustedHeapEndsTheWindowAndIsNoError) {
  body_spec spec;
  spec.params = parameters(workloads::trace::info, {{"file", "threadpool_wordcount"}, {"mode", "threads"}});
  spec.lanes = 5;
  spec.heap_limit_bytes = 4 << 20;  // less than a pass makes
  // On a busy machine a window may end before the lanes have made that much: then a longer one.
  window_result r;
  for (std::uint64_t ms = 20; ms <= 20'000 && !r.exhausted; ms *= 4) {
    bound_run<strategies::none_heap<native>, workloads::trace> body(spec);
    window_spec window;
    window.lanes = 5;
    window.ramp_ns = 1'000'000;
    window.window_ns = ms * 1'000'000;
    r = run_window(body, window);
    EXPECT_TRUE(r.oracle.ok) << r.oracle.message;
    EXPECT_EQ(r.failure, "");
  }
  EXPECT_TRUE(r.exhausted);
}

TEST(TraceWorkload, SaysWhyAModeCantRunOnSoManyLanes) {
  using heap = strategies::atomic_heap<native>;
  const auto why = [](const char* file, const char* mode, int lanes) {
    return workloads::trace::unmet_lanes<heap>(parameters(workloads::trace::info, {{"file", file}, {"mode", mode}}), lanes);
  };
  EXPECT_EQ(why("json_cycle", "single", 1), "");
  EXPECT_EQ(why("json_cycle", "single", 2), "mode=single replays on one thread");
  EXPECT_EQ(why("json_cycle", "threads", 2), "the recording has one thread");
  EXPECT_EQ(why("lru_cache_threads", "threads", 2), "mode=threads needs the recorded 5 threads");
  EXPECT_EQ(why("lru_cache_threads", "threads", 5), "");
  EXPECT_EQ(why("json_cycle", "copies", 7), "");
  EXPECT_THROW((void)why("json_cycle", "twice", 1), usage_error);
}

}  // namespace
}  // namespace tally::recorded::unit_trace_replay
