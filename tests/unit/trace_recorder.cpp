// The recorder's bounds, what it keeps where, and what it does about mistakes: held against what the reader finds in its files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "harness/trace/format.hpp"
#include "harness/trace/recorder.hpp"
#include "tests/support/memory_limit.hpp"
#include "tests/support/recordings.hpp"

namespace tally::recorded::unit_trace_recorder {
namespace {

using tally::testing::read_back;
using tally::testing::refusal;
using ::testing::HasSubstr;

std::string path_of_this() { return tally::testing::path_for_recording("recorder"); }

TEST(RecorderBounds, AnObjectHasAsManyBytesAsTheReaderTakes) {
  recorder r("large");
  int a = 0, b = 0;
  r.birth(&a, recording_limits::object_bytes);
  for (const std::size_t bytes : {recording_limits::object_bytes + 1, std::uint64_t{5} << 30, ~std::uint64_t{0}}) {
    EXPECT_EQ(refusal([&] { r.birth(&b, bytes); }), "recorder: at most 2147483632 bytes in an object") << bytes;
  }
  r.birth(&b, 16);
  const recording found = read_back(r);
  ASSERT_EQ(found.objects.size(), 2U);
  EXPECT_EQ(found.objects[0].bytes, recording_limits::object_bytes);
}

TEST(RecorderBounds, AnObjectFromBeforeHasAsManyReferencesAsTheReaderTakes) {
  recorder r("many references");
  int a = 0, b = 0;
  r.existing(&a, recording_limits::first_references);
  EXPECT_EQ(refusal([&] { r.existing(&b, recording_limits::first_references + 1); }),
            "recorder: at most 268435455 references of an object from before");
  EXPECT_EQ(refusal([&] { r.existing(&b, std::uint64_t{1} << 32); }),
            "recorder: at most 268435455 references of an object from before");
  const recording found = read_back(r);
  ASSERT_EQ(found.objects.size(), 1U);
  EXPECT_EQ(found.objects[0].references, recording_limits::first_references);
}

TEST(RecorderBounds, ItHasAsManyThreadsAsTheReaderTakes) {
  recorder r("threads");
  int a = 0;
  r.birth(&a, 16);
  // All are there at once: an id that is used again is the same thread.
  std::latch all(recording_limits::threads);
  std::atomic<int> refused = 0;
  std::string why;
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < recording_limits::threads; ++i) {
    threads.emplace_back([&] {
      std::string said = refusal([&] { r.increment(&a); });
      if (!said.empty() && ++refused == 1) why = said;
      all.arrive_and_wait();
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(why, "recorder: at most 1024 threads in a recording");
  const recording found = read_back(r);
  EXPECT_EQ(found.sums.threads, recording_limits::threads);
  EXPECT_EQ(found.sums.increfs, recording_limits::threads - 1);
}

TEST(RecorderBounds, NamesFitInTheHeaderThatTheReaderTakes) {
  const recorder longest(std::string((recording_limits::header_bytes - 4096 - 100) / 6, '\n'));
  EXPECT_GT(read_back(longest).program.size(), 170000U);
  EXPECT_THAT(refusal([] { const recorder r(std::string(recording_limits::header_bytes, 'x')); }),
              HasSubstr("at most 1044480 bytes of program, description and runtime"));
}

TEST(RecorderMistakes, ASecondReleaseIsARepair) {
  recorder r("double");
  int a = 0;
  r.birth(&a, 16);
  r.decrement(&a);
  EXPECT_EQ(r.repairs(), 0U);
  r.decrement(&a);
  EXPECT_EQ(r.repairs(), 1U);
  r.decrement(&a);  // of the object that the first repair let appear
  EXPECT_EQ(r.repairs(), 1U);
  const recording found = read_back(r);
  EXPECT_EQ(found.repairs, 1U);
  ASSERT_EQ(found.objects.size(), 2U);
  EXPECT_TRUE(found.objects[1].existing);
  EXPECT_EQ(found.objects[1].references, 3U);
}

TEST(RecorderMistakes, EveryUseOfADeadObjectIsARepairAndABirthIsNone) {
  recorder r("dead");
  std::vector<char> places(100000);
  const auto die = [&](std::size_t at) {
    r.birth(&places[at], 16);
    r.decrement(&places[at]);
  };
  // Addresses beside each other, at any alignment, and long before.
  for (std::size_t at = 0; at < places.size(); ++at) die(at);
  EXPECT_EQ(r.repairs(), 0U);
  for (std::size_t at = 0; at < places.size(); at += 2) die(at);
  EXPECT_EQ(r.repairs(), 0U);
  r.increment(&places[1]);
  r.immortal_increment(&places[3]);
  r.existing(&places[5], 1);
  r.decrement(&places[99999]);
  EXPECT_EQ(r.repairs(), 4U);
  // Declared with one reference, released, released again.
  r.decrement(&places[5]);
  r.decrement(&places[5]);
  EXPECT_EQ(r.repairs(), 5U);
  int before = 0;
  r.decrement(&before);
  EXPECT_EQ(r.repairs(), 5U);
  EXPECT_EQ(read_back(r).repairs, 5U);
}

TEST(RecorderMistakes, ACallThatThrowsHasRecordedNothing) {
  recorder r("throws");
  int a = 0, b = 0, none = 0;
  r.birth(&a, 16);
  r.immortal_increment(&none);
  // From a thread that then has no event.
  std::thread([&] {
    EXPECT_NE(refusal([&] { r.birth(&a, 16); }), "");
    EXPECT_NE(refusal([&] { r.birth(&b, ~std::size_t{0}); }), "");
    EXPECT_NE(refusal([&] { r.existing(&a, 1); }), "");
    EXPECT_NE(refusal([&] { r.immortal_decrement(&a); }), "");
    EXPECT_NE(refusal([&] { r.increment(&none); }), "");
  }).join();
  const recording found = read_back(r);
  EXPECT_EQ(found.sums.threads, 1U);
  EXPECT_EQ(found.events.size(), 3U);
}

// The references of objects from before are known late, when their appearance is in the file already.
TEST(RecorderSpool, WhatIsKnownLateIsPutIn) {
  recorder r("late");
  constexpr std::size_t objects = 5000;
  std::vector<int> before(objects);
  std::vector<int> references(objects, 1);
  for (auto& o : before) r.increment(&o), r.decrement(&o);
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    const std::size_t at = random() % objects;
    if (at % 3 == 0) continue;
    r.decrement(&before[at]);
    ++references[at];
  }
  const recording found = read_back(r);
  ASSERT_EQ(found.objects.size(), objects);
  for (std::size_t i = 0; i < objects; ++i) ASSERT_EQ(found.objects[i].references, static_cast<unsigned>(references[i])) << i;
}

TEST(RecorderSpool, WritingTwiceWritesAllTwice) {
  recorder r("twice");
  std::vector<int> objects(50000);
  for (auto& o : objects) r.birth(&o, 32);
  EXPECT_EQ(read_back(r).sums.news, objects.size());
  for (auto& o : objects) r.decrement(&o);
  EXPECT_EQ(read_back(r).sums.died, objects.size());
  EXPECT_EQ(read_back(r).sums.died, objects.size());
}

// A reader may hold a frame's window: it must not grow with the recording.
TEST(RecorderSpool, TheFrameNeedsAWindowOf128KiB) {
  recorder r("window");
  int a = 0;
  r.birth(&a, 16);
  for (int i = 0; i < 500000; ++i) r.increment(&a);
  const std::string path = path_of_this();
  r.write(path);
  std::ifstream file(path, std::ios::binary);
  const std::string packed{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  ASSERT_GT(packed.size(), 1000000U);
  ZSTD_DCtx* const context = ZSTD_createDCtx();
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 17);
  std::string piece(1 << 16, 0);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (std::size_t left = 1; left != 0;) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    left = ZSTD_decompressStream(context, &out, &in);
    ASSERT_FALSE(ZSTD_isError(left)) << ZSTD_getErrorName(left);
  }
  EXPECT_EQ(in.pos, in.size);
  ZSTD_freeDCtx(context);
}

// Three million events, and a million objects that die.
[[noreturn]] void record_in_little_memory() {
  recorder r("long");
  std::vector<int> objects(1000);
  testing::limit_memory(16 << 20);
  for (int i = 0; i < 1000; ++i) {
    for (auto& o : objects) r.birth(&o, 48), r.increment(&o), r.decrement(&o);
    for (auto& o : objects) r.decrement(&o);
  }
  r.write("/dev/null");
  std::_Exit(0);
}

// On stderr: why the first call was refused, and whether those that were not are what the file holds.
[[noreturn]] void record_on_a_full_disk() {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit room{};
  getrlimit(RLIMIT_FSIZE, &room);
  const rlimit full{100000, room.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  recorder r("full");
  int a = 0;
  r.birth(&a, 16);
  std::string why;
  unsigned increments = 0;
  while ((why = refusal([&] { r.increment(&a); })).empty()) ++increments;
  for (int i = 0; i < 10; ++i) (void)refusal([&] { r.increment(&a); });
  setrlimit(RLIMIT_FSIZE, &room);
  for (; increments < 200000; ++increments) r.increment(&a);
  std::fprintf(stderr, "%s; %s", why.c_str(), read_back(r).sums.increfs == increments ? "the same" : "others");
  std::_Exit(0);
}

[[noreturn]] void record_nowhere() {
  setenv("TMPDIR", "/no/such/folder", 1);
  recorder r("nowhere");
  int a = 0;
  std::string why;
  while ((why = refusal([&] { r.increment(&a); })).empty()) {}
  std::fputs(why.c_str(), stderr);
  std::_Exit(0);
}

TEST(RecorderDeathTest, MemoryIsByObjectAndNotByEvent) {
  if (!testing::can_limit_memory) GTEST_SKIP() << "a sanitizer maps more than any limit";
  EXPECT_EXIT(record_in_little_memory(), ::testing::ExitedWithCode(0), "");
}

TEST(RecorderDeathTest, WhenNoEventCanBeKeptTheCallThrowsAndMayBeMadeAgain) {
  EXPECT_EXIT(record_on_a_full_disk(), ::testing::ExitedWithCode(0),
              "^recorder: the events can't be kept .TMPDIR says where.: .*; the same$");
}

TEST(RecorderDeathTest, AFolderThatIsNotThereIsNamed) {
  EXPECT_EXIT(record_nowhere(), ::testing::ExitedWithCode(0),
              "^recorder: the events can't be kept in /no/such/folder/.*TMPDIR says where.: No such file");
}

TEST(RecorderFiles, AFileThatCantBeWrittenIsNamed) {
  recorder r("full");
  int a = 0;
  for (int i = 0; i < 100000; ++i) r.increment(&a);
  EXPECT_THAT(refusal([&] { r.write("/dev/full"); }), HasSubstr("/dev/full can't be written: No space left on device"));
  EXPECT_THAT(refusal([&] { r.write("/no/such/folder/x"); }), HasSubstr("/no/such/folder/x can't be written: No such file"));
  EXPECT_EQ(read_back(r).sums.increfs, 100000U);
}

// A child has the parent's file: it must not write there.
TEST(RecorderFiles, AChildCantGoOnAndDoesNotHurtItsParent) {
  recorder r("fork");
  int a = 0;
  for (int i = 0; i < 100000; ++i) r.increment(&a);
  const pid_t child = fork();
  if (child == 0) {
    const std::string why = refusal([&] {
      for (int i = 0; i < 100000; ++i) r.decrement(&a);
    });
    std::_Exit(why == "recorder: called in a child process; only its parent can go on" &&
                       refusal([&] { r.write("/dev/null"); }) == why
                   ? 0
                   : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (int i = 0; i < 100000; ++i) r.increment(&a);
  EXPECT_EQ(read_back(r).sums.increfs, 200000U);
}

}  // namespace
}  // namespace tally::recorded::unit_trace_recorder
