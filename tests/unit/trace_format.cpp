// Reading recordings: the bundled ones against the independent reader, damage of every kind, and the recorder's round trip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "harness/base/errors.hpp"
#include "harness/trace/format.hpp"
#include "harness/trace/info.hpp"
#include "harness/trace/recorder.hpp"
#include "tests/support/memory_limit.hpp"

namespace tally::recorded::unit_trace_format {
namespace {

using bytes = std::vector<unsigned char>;
const std::string folder = TALLY_SOURCE_DIR "/workloads/traces/";
const std::vector<std::string> bundled{"deepcopy_pickle", "json_cycle", "lru_cache_threads", "threadpool_wordcount",
                                       "tokenize_pipeline"};

bytes contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
bytes compress(const bytes& raw) {
  bytes out(ZSTD_compressBound(raw.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
  return out;
}
bytes decompress(const bytes& packed) {
  bytes out(ZSTD_getFrameContentSize(packed.data(), packed.size()));
  EXPECT_EQ(ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size()), out.size());
  return out;
}
// "" or the message of the refusal.
std::string refusal(const bytes& packed) {
  try {
    (void)decode_recording(packed, "it");
  } catch (const usage_error& e) {
    return e.what();
  }
  return "";
}
bool has_inspector() { return std::system("python3 -c 'import json' 2>/dev/null && command -v zstd >/dev/null") == 0; }
std::string output_of(const std::string& command, int& status) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  status = pclose(pipe);
  return text;
}

// A program of two threads whose every kind of event is known.
std::string small_recording() {
  const auto path = std::filesystem::temp_directory_path() / ("tally_trace_" + std::to_string(getpid()) + ".rct.zst");
  recorder r("small \"quoted\"", "two threads\nand a newline");
  int a = 0, b = 0, none = 0, before = 0, big = 0;
  r.birth(&a, 40);
  r.increment(&a, true);
  r.immortal_increment(&none);
  std::thread([&] {
    r.increment(&a);
    r.birth(&b, 4000, true);
    r.decrement(&before);
    r.immortal_decrement(&none, true);
    r.immortal_decrement(&none);
  }).join();
  r.decrement(&a, true);
  r.decrement(&a);
  r.decrement(&a);
  r.birth(&a, 16);  // the address is used again
  r.existing(&big, 2);
  r.decrement(&big);
  r.decrement(&big);
  r.write(path.string());
  return path.string();
}

TEST(Recordings, EachHoldsWhatItsHeaderSays) {
  for (const auto& name : bundled) {
    const recording r = read_recording(find_recording(name));
    const auto header = nlohmann::json::parse(r.header);
    EXPECT_EQ(r.sums.events, header["events"]) << name;
    EXPECT_EQ(r.sums.died, header["died"]) << name;
    EXPECT_EQ(r.events.size(), r.sums.events - r.sums.thread_switches) << name;
    EXPECT_EQ(r.objects.size(), r.sums.objects) << name;
  }
}

TEST(Recordings, TheIndependentReaderFindsTheSameTotals) {
  if (!has_inspector()) GTEST_SKIP() << "needs python3 and zstd";
  for (const auto& name : {std::string("json_cycle"), std::string("tokenize_pipeline")}) {
    int status = -1;
    const auto said = nlohmann::json::parse(output_of(folder + "inspect_trace " + folder + name + ".rct.zst", status));
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(said["checked"]);
    const totals t = read_recording(find_recording(name)).sums;
    EXPECT_EQ(said["events"], t.events);
    EXPECT_EQ(said["increfs"], t.increfs);
    EXPECT_EQ(said["decrefs"], t.decrefs);
    EXPECT_EQ(said["immortal_increfs"], t.immortal_increfs);
    EXPECT_EQ(said["immortal_decrefs"], t.immortal_decrefs);
    EXPECT_EQ(said["last_decrefs"], t.last_decrefs);
    EXPECT_EQ(said["news"], t.news);
    EXPECT_EQ(said["objects"], t.objects);
    EXPECT_EQ(said["shared_objects"], t.shared_objects);
    EXPECT_EQ(said["thread_switches"], t.thread_switches);
  }
}

TEST(Recordings, ATruncatedFileIsRefusedWithTheCompressedOffset) {
  const bytes whole = contents(find_recording("lru_cache_threads"));
  for (const std::size_t keep :
       {std::size_t{0}, std::size_t{3}, std::size_t{4}, std::size_t{9}, std::size_t{1000}, whole.size() / 2, whole.size() - 1}) {
    const bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(keep));
    EXPECT_THAT(refusal(part), ::testing::ContainsRegex("^it: .* at compressed offset [0-9]+$")) << keep;
  }
  bytes longer = whole;
  longer.push_back(0);
  EXPECT_EQ(refusal(longer), "it: something follows the zstd stream at compressed offset " + std::to_string(whole.size()));
}

// A descriptor with a window of 256 MiB.
TEST(Recordings, ALargeWindowIsRefusedWithTheWayOut) {
  EXPECT_THAT(refusal({0x28, 0xB5, 0x2F, 0xFD, 0x00, 18 << 3, 0x01, 0x00, 0x00}),
              ::testing::StartsWith("it: a zstd window of more than 128 MiB (`zstd -d --long=31 -c FILE | zstd -19` writes"));
}

TEST(Recordings, AStreamCutAnywhereInsideIsRefusedWithTheOffset) {
  const bytes raw = decompress(contents(small_recording()));
  ASSERT_EQ(refusal(compress(raw)), "");
  for (std::size_t keep = 0; keep < raw.size(); ++keep) {
    const bytes part(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(keep));
    EXPECT_THAT(refusal(compress(part)), ::testing::ContainsRegex("^it: .* at offset [0-9]+$")) << keep;
  }
}

// A flip that changes only an event's origin, a size or a word of the header's text can't be told from a good file; every other
// one must be refused, and none may crash.
TEST(Recordings, AFlippedBitIsRefusedOrLeavesEveryTotalAndBalanceRight) {
  const bytes raw = decompress(contents(small_recording()));
  const totals right = decode_recording(compress(raw), "it").sums;
  int refused = 0, caught = 0, flips = 0;
  const std::uint32_t header = raw[8] | std::uint32_t{raw[9]} << 8;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes damaged = raw;
      damaged[at] = static_cast<unsigned char>(damaged[at] ^ 1U << bit);
      const std::string why = refusal(compress(damaged));
      if (at >= 12 + header) ++flips, caught += why.empty() ? 0 : 1;
      if (why.empty()) {
        EXPECT_EQ(decode_recording(compress(damaged), "it").sums.events, right.events);
        continue;
      }
      ++refused;
      EXPECT_THAT(why, ::testing::ContainsRegex("^it: .* at offset [0-9]+$"));
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(caught, flips * 3 / 4);  // of those in the events
}

TEST(Recordings, DamageToTheContainerNeverCrashes) {
  const bytes whole = contents(find_recording("lru_cache_threads"));
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    bytes damaged = whole;
    damaged[random() % damaged.size()] ^= static_cast<unsigned char>(1U << random() % 8);
    const std::string why = refusal(damaged);
    if (why.empty()) continue;
    ++refused;
    EXPECT_THAT(why, ::testing::ContainsRegex("^it: .* at (compressed )?offset [0-9]+$"));
  }
  EXPECT_GT(refused, 20);
}

TEST(Recordings, ADropTooFewIsRefusedAtTheEventThatFindsIt) {
  bytes raw = decompress(contents(small_recording()));
  // The last event is the last drop of an object with two references; made an increment, the object never dies.
  const std::size_t at = raw.size() - 2;
  ASSERT_EQ(raw[at] & 7, 4);
  raw[at] = 0;
  EXPECT_THAT(refusal(compress(raw)), ::testing::HasSubstr("the header says"));
}

// A recording with these totals (the others are 0), these bytes as events, and then `more` zeros, which pack to nothing: each pair
// of zeros is an increment of the object that came before.
bytes bomb(const nlohmann::json& stated, const std::string& events, std::size_t more, std::uint32_t header_length = 0) {
  nlohmann::json header{{"format", 1}};
  for (const char* key : {"threads", "events", "objects", "created", "died", "existing", "immortal_objects", "shared_objects",
                          "max_live_objects", "max_live_bytes", "increfs", "decrefs", "immortal_increfs", "immortal_decrefs",
                          "last_decrefs", "news", "thread_switches"}) {
    header[key] = 0U;
  }
  header.update(stated);
  const std::string text = header.dump();
  std::string start = "RCTRACE1";
  const std::uint64_t length = header_length == 0 ? text.size() : header_length;
  for (int shift = 0; shift < 32; shift += 8) start += static_cast<char>(length >> shift & 255);
  start += text + events;
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  bytes packed;
  bytes piece(1 << 20);
  const auto add = [&](const char* from, std::size_t size, ZSTD_EndDirective how) {
    ZSTD_inBuffer in{from, size, 0};
    for (std::size_t left = 1; left != 0 && (how == ZSTD_e_end || in.pos != in.size);) {
      ZSTD_outBuffer out{piece.data(), piece.size(), 0};
      left = ZSTD_compressStream2(context.get(), &out, &in, how);
      packed.insert(packed.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(out.pos));
    }
  };
  add(start.data(), start.size(), ZSTD_e_continue);
  const std::string zeros(1 << 20, 0);
  for (std::size_t done = 0; done < more; done += zeros.size()) add(zeros.data(), zeros.size(), ZSTD_e_continue);
  add("", 0, ZSTD_e_end);
  return packed;
}

// With little memory to take: on stderr, why it was refused.
[[noreturn]] void read_in_little_memory(const bytes& packed) {
  testing::limit_memory(24 << 20);
  std::string why = "out of memory";
  try {
    why = refusal(packed);
  } catch (const std::bad_alloc&) {}
  std::fputs(why.c_str(), stderr);
  std::_Exit(0);
}

constexpr std::size_t much = std::size_t{1} << 28;  // ten times as much as there is

TEST(RecordingBombDeathTest, IsRefusedInLittleMemoryAsSoonAsItExceedsItsHeader) {
  if (!testing::can_limit_memory) GTEST_SKIP() << "a sanitizer maps more than any limit";
  const std::string one("\6\0\5\0\4", 5);  // thread 0, and a birth of 32 bytes
  const auto refused = [](const bytes& packed, const char* why) {
    EXPECT_LT(packed.size(), 300000U);
    EXPECT_EXIT(read_in_little_memory(packed), ::testing::ExitedWithCode(0), why);
  };
  refused(bomb({{"threads", 1}, {"events", 1000}, {"objects", 1}}, one, much),
          "^it: more events than the header's 1000 at offset ");
  refused(bomb({{"threads", 1}, {"events", 1000}, {"objects", 1}}, one + std::string("\5\2\4", 3), much),
          "^it: more objects than the header's 1 at offset ");
  refused(bomb(nlohmann::json::object(), "", much, 0xFFFFFFFF),
          "^it: the header has 4294967295 bytes, more than 1048576 at offset 8$");
  refused(bomb({{"threads", 1}, {"events", 1 << 30}, {"objects", 1}}, one, much),
          "^it: the header says events 1073741824, more than the 268435456 that can be replayed, at offset 12$");
  refused(bomb({{"threads", 1}, {"events", 1000}, {"objects", ~std::uint64_t{0}}}, one, much),
          "^it: the header says objects 18446744073709551615, more than the 268435456 that can be replayed, at offset 12$");
  refused(bomb({{"threads", 65536}, {"events", 1000}, {"objects", 1}}, one, much),
          "^it: the header says threads 65536, more than the 1024 that can be replayed, at offset 12$");
  // Every total may be right, and yet there is no memory for it.
  refused(bomb({{"threads", 1}, {"events", 200000000}, {"objects", 1}}, one, 4000000),
          "^it: the header's 200000000 events and 1 objects take about 7629 MB to replay, and this process may have [0-9]+, at "
          "offset 12$");
}

TEST(Recordings, WhatAHeaderPromisesIsNotTaken) {
  EXPECT_THAT(refusal(bomb({{"threads", 1}, {"events", 1000}, {"objects", 1000}}, std::string("\6\0\5\0\4", 5), 0)),
              ::testing::HasSubstr("the header says events 1000, found 2,"));
}

TEST(Recorder, WhatItWritesIsReadBackWithTheSameCounts) {
  const recording r = read_recording(small_recording());
  EXPECT_EQ(r.program, "small \"quoted\"");
  EXPECT_EQ(r.description, "two threads\nand a newline");
  EXPECT_EQ(r.sums.threads, 2U);
  EXPECT_EQ(r.sums.news, 3U);
  EXPECT_EQ(r.sums.existing, 3U);
  EXPECT_EQ(r.sums.immortal_objects, 1U);
  EXPECT_EQ(r.sums.increfs, 2U);
  EXPECT_EQ(r.sums.decrefs, 4U);
  EXPECT_EQ(r.sums.last_decrefs, 2U);
  EXPECT_EQ(r.sums.immortal_increfs, 1U);
  EXPECT_EQ(r.sums.immortal_decrefs, 2U);
  EXPECT_EQ(r.sums.max_live_bytes, 48U + 4000U);
  EXPECT_EQ(r.sums.shared_objects, 2U);  // a, and the immortal
  const auto interpreter = std::ranges::count_if(r.events, &event::interpreter);
  EXPECT_EQ(interpreter, 3);
}

TEST(Recorder, TheIndependentReaderAcceptsIt) {
  if (!has_inspector()) GTEST_SKIP() << "needs python3 and zstd";
  int status = -1;
  const std::string said = output_of(folder + "inspect_trace " + small_recording(), status);
  EXPECT_EQ(status, 0) << said;
  EXPECT_TRUE(nlohmann::json::parse(said)["checked"]);
}

TEST(Recorder, AFrameOfManyBlocksIsReadBack) {
  recorder r("many");
  std::vector<int> objects(100000);
  for (auto& o : objects) r.birth(&o, 64);
  for (auto& o : objects) r.decrement(&o);
  const std::string path = small_recording();
  r.write(path);
  EXPECT_EQ(read_recording(path).sums.died, objects.size());
}

TEST(TraceInfo, SaysWhatTheFileHolds) {
  const std::string text = info_text("lru_cache_threads");
  EXPECT_THAT(text, ::testing::HasSubstr("four threads share one locked LRU cache"));
  EXPECT_THAT(text, ::testing::HasSubstr("3.17 at unit cost"));
  const auto said = nlohmann::json::parse(info_json("json_cycle"));
  EXPECT_EQ(said["operations"], 2469947);
  const auto& who = said["who_counts"];  // every increment and decrement once
  EXPECT_EQ(who["operations"], 570249 + 570254 + 140357 + 499806 + 548928);
  EXPECT_EQ(who["immortal"], 499806 + 548928);
  EXPECT_EQ(who["foreign"], 0) << "one thread";
  EXPECT_EQ(who["owner"].get<int>() + who["before_stack"].get<int>() + who["before_other"].get<int>(), 570249 + 570254 + 140357);
  EXPECT_THAT(text, ::testing::HasSubstr("of what counts objects that were made is their maker's"));
  EXPECT_THROW((void)info_text("no_such_recording"), usage_error);
}

TEST(TraceInfo, SaysWhatIsLeftAliveAndWhatWasRepaired) {
  recorder r("left");
  int a = 0, b = 0, c = 0, none = 0, before = 0;
  r.birth(&a, 100);
  r.birth(&b, 32);
  r.birth(&c, 1000);
  r.immortal_increment(&none);
  r.increment(&before);
  std::thread([&] { r.increment(&a); }).join();
  r.decrement(&c);
  const std::string path = small_recording();
  r.write(path);
  EXPECT_THAT(
      info_text(path),
      ::testing::HasSubstr("  left alive      2 objects made, 144 bytes, 1 of them met by more than one thread; 1 from before\n"
                           "  repairs         0\n"));
  r.decrement(&c);
  r.write(path);
  EXPECT_THAT(info_text(path),
              ::testing::HasSubstr("; 2 from before\n  repairs         1: uses of dead objects, or of counts that "));
  const auto said = nlohmann::json::parse(info_json(path));
  EXPECT_EQ(said["left_alive"], 2);
  EXPECT_EQ(said["left_alive_bytes"], 144);
  EXPECT_EQ(said["left_alive_shared"], 1);
  EXPECT_EQ(said["left_from_before"], 2);
  EXPECT_EQ(said["repairs"], 1);
}

}  // namespace
}  // namespace tally::recorded::unit_trace_format
