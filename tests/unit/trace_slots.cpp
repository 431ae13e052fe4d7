// Slots in recordings: what the recorder makes of store(), and what the reader refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/errors.hpp"
#include "harness/trace/format.hpp"
#include "tests/support/object_recording.hpp"
#include "tests/support/recordings.hpp"

namespace tally::recorded::unit_trace_slots {
namespace {

using tally::testing::path_for_recording;
using tally::testing::read_back;
using tally::testing::recorded_objects;
using tally::testing::refusal;
using ::testing::HasSubstr;

TEST(RecorderSlots, WithoutThemTheFileIsOfVersion1) {
  recorder r("none");
  int a = 0;
  r.birth(&a, 32);
  EXPECT_EQ(read_back(r).version, 1);
  r.decrement(&a);
  r.birth(&a, 32, true, 1);
  const recording found = read_back(r);
  EXPECT_EQ(found.version, 2);
  EXPECT_EQ(found.objects[0].slots, 0U);
  EXPECT_EQ(found.objects[1].slots, 1U);
}

// Of most deaths that the program counts the recording has no event, and the reader finds them.
TEST(RecorderSlots, WhatDiesWithAnObjectHasNoEvents) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    recorder r("random");
    const int leaked = tally::testing::record_random_objects(r, seed, 2000, true).leaked;
    const recording found = read_back(r);
    EXPECT_EQ(found.sums.created - found.sums.died, static_cast<unsigned>(leaked)) << seed;
    EXPECT_LT(found.sums.last_decrefs, found.sums.died) << seed;
    EXPECT_EQ(found.repairs, 0U) << seed;
  }
}

TEST(RecorderSlots, TheIndependentReaderFindsTheSame) {
  if (std::system("python3 -c 'import json' 2>/dev/null && command -v zstd >/dev/null") != 0)
    GTEST_SKIP() << "needs python3 and zstd";
  recorder r("inspected");
  tally::testing::record_random_objects(r, 3, 5000, false);
  const std::string path = path_for_recording("inspected");
  r.write(path);
  EXPECT_EQ(std::system(("python3 " TALLY_SOURCE_DIR "/workloads/traces/inspect_trace " + path + " >/dev/null").c_str()), 0);
  std::filesystem::remove(path);
}

TEST(RecorderSlots, AChainOfAnyLengthDiesAtOnce) {
  recorder r("chain");
  recorded_objects o(r);
  auto* first = o.make(1);
  for (int i = 0; i < 20000; ++i) {
    auto* const next = o.make(1);
    r.store(next, 0, first);  // the reference that it was born with
    next->slots[0] = std::exchange(first, next);
  }
  EXPECT_EQ(read_back(r).sums.died, 0U);
  r.decrement(first);  // its destructors' decrements are yet to come
  EXPECT_EQ(read_back(r).sums.died, 20001U);
  EXPECT_EQ(read_back(r).sums.last_decrefs, 1U);
}

TEST(RecorderSlots, WhatADyingObjectGivesAwayLeavesItsSlotFirst) {
  recorder r("gives");
  int a = 0, b = 0;
  r.birth(&a, 32, false, 1);
  r.birth(&b, 32);
  r.store(&a, 0, &b);
  r.store(&a, 0, nullptr);
  r.decrement(&a);
  r.store(&a, 0, nullptr);  // a destructor's: nothing
  r.increment(&b);
  EXPECT_EQ(read_back(r).sums.died, 1U);

  r.decrement(&b);
  r.birth(&a, 32, false, 1);
  r.store(&a, 0, &b);
  r.decrement(&a);
  EXPECT_THAT(refusal([&] { r.increment(&b); }), HasSubstr("used after the death of the one whose slot had its last reference"));
  r.decrement(&b);  // as promised
  r.birth(&b, 32);  // so its address is free
  EXPECT_EQ(read_back(r).sums.died, 3U);
}

TEST(RecorderSlots, ContradictionsThrowAndRecordNothing) {
  recorder r("throws");
  int a = 0, b = 0, unknown = 0;
  r.birth(&a, 64, false, 2);
  r.birth(&b, 32);
  std::thread([&] {
    EXPECT_THAT(refusal([&] { r.store(&a, 2, &b); }), HasSubstr("a store into a slot that the object's birth did not say"));
    EXPECT_THAT(refusal([&] { r.store(&b, 0, &a); }), HasSubstr("did not say"));
    EXPECT_THAT(refusal([&] { r.store(&unknown, 0, &a); }), HasSubstr("did not say"));
    EXPECT_THAT(refusal([&] { r.birth(&unknown, 32, false, recording_limits::slots); }), HasSubstr("at most 268435456 slots"));
  }).join();
  r.store(&a, 0, &b);
  std::thread([&] {
    EXPECT_THAT(refusal([&] { r.store(&a, 1, &b); }), HasSubstr("a store of a reference that was not taken"));
    EXPECT_THAT(refusal([&] { r.decrement(&b); }), HasSubstr("a decrement of a reference that a slot has"));
  }).join();
  const recording found = read_back(r);
  EXPECT_EQ(found.sums.threads, 1U);
  EXPECT_EQ(found.events.size(), 3U);
}

TEST(RecorderSlots, AnObjectFromBeforeHasAsManyReferencesAsSlotsTake) {
  recorder r("before");
  int a = 0, before = 0, none = 0;
  r.birth(&a, 64, false, 3);
  r.store(&a, 0, &before);
  r.store(&a, 1, &before);
  r.decrement(&before);
  r.immortal_increment(&none);
  r.store(&a, 2, &none);  // as null
  r.decrement(&a);
  r.decrement(&before), r.decrement(&before);  // its destructor's
  r.increment(&before);
  const recording found = read_back(r);
  EXPECT_EQ(found.objects[1].references, 4U);
  EXPECT_FALSE(found.objects[1].dies);
  EXPECT_EQ(found.writes[2].object, slot_target::null);
}

// -- the reader ----------------------------------------------------------------------------------------------------------------

std::string refused(const std::string& events, const nlohmann::json& stated = nlohmann::json::object(), char version = '2') {
  nlohmann::json header{{"format", 2}};
  for (const char* key : {"threads", "events", "objects", "created", "died", "existing", "immortal_objects", "shared_objects",
                          "max_live_objects", "max_live_bytes", "increfs", "decrefs", "immortal_increfs", "immortal_decrefs",
                          "last_decrefs", "news", "thread_switches", "slots", "slot_writes"}) {
    header[key] = 0U;
  }
  header.update({{"threads", 1U}, {"events", 100U}, {"objects", 10U}, {"slots", 100U}});
  header.update(stated);
  const std::string text = header.dump();
  std::string raw = std::string("RCTRACE") + version;
  for (int shift = 0; shift < 32; shift += 8) raw += static_cast<char>(text.size() >> shift & 255);
  raw += text + events;
  std::vector<unsigned char> packed(ZSTD_compressBound(raw.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 1));
  return refusal([&] { (void)decode_recording(packed, "it"); });
}
std::string bytes(std::initializer_list<int> all) {
  std::string s;
  for (const int b : all) s += static_cast<char>(b);
  return s;
}
// Thread 0; object 0 with two slots, object 1 without.
const std::string two = bytes({6, 0, 21, 0, 8, 2, 5, 2, 4});

TEST(ReaderSlots, GoodEventsLeaveTheTotalsToBeCompared) {
  // 0.0 := 1, 0.1 := null, then 0 dies and takes 1 along
  EXPECT_THAT(refused(two + bytes({16, 1, 0, 3, 16, 0, 1, 0, 4, 0})), HasSubstr("the header says events 100, found 6,"));
}
TEST(ReaderSlots, BadOnesAreRefusedWhereTheyAre) {
  const auto says = [&](std::initializer_list<int> more, const char* why) {
    EXPECT_THAT(refused(two + bytes(more)), HasSubstr(why));
    EXPECT_THAT(refused(two + bytes(more)), ::testing::ContainsRegex("^it: .* at offset [0-9]+$"));
  };
  says({16, 1, 2, 3}, "slot 2 is written of an object that has 2");
  says({16, 0, 0, 0}, "slot 0 is written of an object that has 0");
  says({16, 1, 0, 5}, "a slot refers to an object that has not appeared");
  says({16, 1, 0, 2}, "a slot refers to an object that has not appeared");  // -1
  says({16, 1, 0, 3, 16, 0, 1, 3}, "a slot takes a reference that no thread has");
  says({16, 1, 0, 3, 1, 2}, "an object has no reference left before its last decrement");
  says({16, 1, 0, 3, 4, 2}, "a reference is dropped that only a slot has");
  says({16, 1, 0, 3, 4, 0, 0, 2}, "an object is used after its death");  // 1 died with 0
  says({4, 0, 16, 1, 0, 3}, "an object is used after its death");
  says({7, 2, 0, 16, 3, 0, 5}, "a slot refers to an immortal object");
  says({0, 0, 16, 1, 0, 3, 16, 0, 1, 3, 1}, "the recording ends inside the event");
  says({16 | 8, 1, 0, 3}, "unknown event");
  says({16 | 7, 1, 0, 3}, "unknown event");
  says({21, 2, 4, 99}, "more slots than the header's 100");
}
TEST(ReaderSlots, Version1HasNone) {
  EXPECT_THAT(refused(two, nlohmann::json::object(), '1'), HasSubstr("unknown event at offset"));
  EXPECT_THAT(refused("", nlohmann::json::object(), '3'), HasSubstr("not a recording of version 1 or 2"));
}
TEST(ReaderSlots, AHeaderMustHaveTheirTotalsAndMayNotPromiseTooMany) {
  EXPECT_THAT(refused(two, {{"slots", nullptr}}), HasSubstr("the header has no count \"slots\""));
  EXPECT_THAT(refused(two, {{"slots", std::uint64_t{1} << 40}}), HasSubstr("more than the 268435456 that can be replayed"));
}

}  // namespace
}  // namespace tally::recorded::unit_trace_slots
