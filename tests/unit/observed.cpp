// The observed policy: its words behave like atomics, and it sees every foreign write, however the values came out.
#include "harness/memory/observed.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <numeric>
#include <thread>

#include "harness/base/random.hpp"
#include "harness/engine/bind.hpp"
#include "harness/engine/engine.hpp"
#include "strategies/atomic.hpp"
#include "workloads/copy_drop.hpp"

namespace tally::unit_observed {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

handoff_counts counts_of(std::string_view name) { return handoff_watch::mine().counts().at(observed_field_number(name)); }

// The same random operations on a watched word and on a std::atomic.
template <class T>
void behaves_like_an_atomic(std::uint64_t seed) {
  observed::atomic<T, "test_values"> word{T{3}};
  std::atomic<T> plain{T{3}};
  random_source random(seed, sizeof(T));
  const auto draw = [&] {
    // Small numbers of both signs: 8-byte words keep 48 bits.
    const auto n = static_cast<std::int64_t>(random.below(2000)) - 1000;
    return static_cast<T>(n);
  };
  for (int i = 0; i < 20'000; ++i) {
    const T v = draw();
    switch (random.below(8)) {
      case 0: word.store(v, relaxed), plain.store(v, relaxed); break;
      case 1: ASSERT_EQ(word.exchange(v, relaxed), plain.exchange(v, relaxed)); break;
      case 2: ASSERT_EQ(word.fetch_add(v, relaxed), plain.fetch_add(v, relaxed)); break;
      case 3: ASSERT_EQ(word.fetch_sub(v, relaxed), plain.fetch_sub(v, relaxed)); break;
      case 4: ASSERT_EQ(word.fetch_or(v, relaxed), plain.fetch_or(v, relaxed)); break;
      case 5: ASSERT_EQ(word.fetch_and(v, relaxed), plain.fetch_and(v, relaxed)); break;
      default: {
        T a = random.below(2) == 0 ? plain.load(relaxed) : v, b = a;
        const T desired = draw();
        ASSERT_EQ(word.compare_exchange_strong(a, desired, relaxed, relaxed),
                  plain.compare_exchange_strong(b, desired, relaxed, relaxed));
        ASSERT_EQ(a, b);
      }
    }
    ASSERT_EQ(word.load(relaxed), plain.load(relaxed)) << "after operation " << i;
  }
}

TEST(observed, words_of_every_size_and_sign_behave_like_atomics) {
  behaves_like_an_atomic<std::uint8_t>(1);
  behaves_like_an_atomic<std::uint16_t>(2);
  behaves_like_an_atomic<std::int16_t>(3);
  behaves_like_an_atomic<std::uint32_t>(4);
  behaves_like_an_atomic<std::int32_t>(5);
  behaves_like_an_atomic<std::int64_t>(6);
}

TEST(observed, the_ends_of_the_ranges_come_back) {
  observed::atomic<std::uint32_t, "test_values"> small{0};
  EXPECT_EQ(small.fetch_sub(1, relaxed), 0U);
  EXPECT_EQ(small.load(relaxed), std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(small.fetch_add(1, relaxed), std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(small.load(relaxed), 0U);
  observed::atomic<std::uint64_t, "test_values"> all_ones{0};
  all_ones.store(~std::uint64_t{0}, relaxed);
  EXPECT_EQ(all_ones.load(relaxed), ~std::uint64_t{0});
  observed::atomic<std::int64_t, "test_values"> negative{-5};
  EXPECT_EQ(negative.fetch_add(3, relaxed), -5);
  EXPECT_EQ(negative.load(relaxed), -2);
  int object = 0;
  observed::atomic<int*, "test_values"> pointer;
  EXPECT_EQ(pointer.exchange(&object, relaxed), nullptr);
  EXPECT_EQ(pointer.load(relaxed), &object);
}

TEST(observed, a_value_that_does_not_fit_is_no_silent_loss) {
  observed::atomic<std::uint64_t, "test_values"> word{0};
  EXPECT_DEATH(word.store(std::uint64_t{1} << 50, relaxed), "test_values does not fit into 48 bits");
}

// A bitmap of the block heap does not fit beside a stamp; a count of 4 bytes by the same name does.
TEST(observed, words_that_use_all_of_their_bits_are_the_native_ones) {
  static_assert(std::is_same_v<observed::atomic<std::uint64_t, "mark">, native::atomic<std::uint64_t, "mark">>);
  static_assert(std::is_same_v<observed::atomic<std::uint64_t, "freelist">, native::atomic<std::uint64_t, "freelist">>);
  static_assert(!std::is_same_v<observed::atomic<std::uint32_t, "mark">, native::atomic<std::uint32_t, "mark">>);
  static_assert(std::is_same_v<observed::atomic<std::uint64_t, "type">, native::atomic<std::uint64_t, "type">>);
  static_assert(!std::is_same_v<observed::atomic<std::uint64_t, "count">, native::atomic<std::uint64_t, "count">>);
  static_assert(std::is_same_v<observed::var<std::uint64_t, "payload">, native::var<std::uint64_t, "payload">>);
}

TEST(observed, a_new_word_in_old_memory_is_not_taken_for_the_old_one) {
  using word = observed::atomic<std::uint32_t, "test_reuse">;
  alignas(word) std::byte place[sizeof(word)];
  const handoff_counts before = counts_of("test_reuse");
  for (const bool given : {true, false, true}) {
    word* w = given ? new (place) word{9} : new (place) word;
    w->fetch_add(1, relaxed);
  }
  EXPECT_EQ(counts_of("test_reuse").since(before).handoffs, 0U);
}

TEST(observed, a_thread_alone_sees_no_hand_off) {
  observed::atomic<std::uint32_t, "test_alone"> word{1};
  const handoff_counts before = counts_of("test_alone");
  for (int i = 0; i < 1000; ++i) {
    word.fetch_add(1, relaxed);
    word.fetch_sub(1, relaxed);
    if (i % 10 == 0) word.store(1, relaxed);  // one's own store is no foreign write
    std::uint32_t expected = 77;
    word.compare_exchange_strong(expected, 5, relaxed, relaxed);  // fails: writes nothing, counts nothing
  }
  const handoff_counts c = counts_of("test_alone").since(before);
  EXPECT_EQ(c.rmws, 2000U);
  EXPECT_EQ(c.known, 2000U) << "who makes a word knows it";
  EXPECT_EQ(c.handoffs, 0U);
}

// Two threads take turns, `burst` operations each; who wrote when is known to the last operation.
template <class Operation>
handoff_counts taking_turns(int rounds, int burst, const Operation& operate, std::string_view field) {
  std::atomic<int> turn{0};
  std::array<handoff_counts, 2> seen;
  const auto work = [&](int me) {
    const handoff_counts before = counts_of(field);
    for (int r = 0; r < rounds; ++r) {
      while (turn.load(std::memory_order_acquire) != 2 * r + me) std::this_thread::yield();
      for (int b = 0; b < burst; ++b) operate();
      turn.store(2 * r + me + 1, std::memory_order_release);
    }
    seen[static_cast<std::size_t>(me)] = counts_of(field).since(before);
  };
  std::thread a(work, 0), b(work, 1);
  a.join();
  b.join();
  seen[0] += seen[1];
  return seen[0];
}

TEST(observed, every_change_of_hands_is_seen_exactly_once) {
  observed::atomic<std::uint32_t, "test_turns"> word{0};
  for (const int burst : {1, 2, 20}) {
    const auto c = taking_turns(200, burst, [&] { word.fetch_add(1, relaxed); }, "test_turns");
    EXPECT_EQ(c.rmws, 400U * static_cast<unsigned>(burst));
    EXPECT_EQ(c.handoffs, 398U) << "all turns but the first of each thread, of which it knows nothing";
  }
}

// A copy and a drop leave the count as it was: the value tells nothing, the stamp does.
TEST(observed, a_foreign_copy_and_drop_are_seen_though_the_count_is_the_same) {
  observed::atomic<std::uint32_t, "test_same"> count{7};
  const auto both = [&] {
    count.fetch_add(1, relaxed);
    count.fetch_sub(1, relaxed);
  };
  const auto c = taking_turns(100, 1, both, "test_same");
  EXPECT_EQ(count.load(relaxed), 7U);
  EXPECT_EQ(c.rmws, 400U);
  EXPECT_EQ(c.handoffs, 198U);
}

TEST(observed, swaps_and_compare_exchanges_are_seen_like_additions) {
  observed::atomic<std::int64_t, "test_swaps"> word{1};
  EXPECT_EQ(taking_turns(50, 1, [&] { word.exchange(1, relaxed); }, "test_swaps").handoffs, 98U);
  EXPECT_EQ(taking_turns(50, 1, [&] { word.fetch_or(1, relaxed); }, "test_swaps").handoffs, 98U);
  const auto cas = [&] {
    std::int64_t expected = 1;
    EXPECT_TRUE(word.compare_exchange_strong(expected, 1, relaxed, relaxed));
  };
  EXPECT_EQ(taking_turns(50, 1, cas, "test_swaps").handoffs, 98U);
}

TEST(observed, words_that_were_forgotten_are_unknown_and_not_guessed) {
  std::vector<observed::atomic<std::uint32_t, "test_many">> words(100'000);
  const handoff_counts before = counts_of("test_many");
  for (int round = 0; round < 2; ++round) {
    for (auto& w : words) w.fetch_add(1, relaxed);
  }
  const handoff_counts c = counts_of("test_many").since(before);
  EXPECT_EQ(c.rmws, 200'000U);
  EXPECT_LT(c.known, 2'000U);
  EXPECT_EQ(c.handoffs, 0U);
}

// The engine, a strategy and a workload on it: two lanes that share a count hand it over, two with counts of their own do not.
TEST(observed, a_row_counts_the_hand_offs_of_its_lanes) {
  const auto run = [](const char* sharing) {
    body_spec spec;
    spec.params = parameters(workloads::copy_drop::info, {{"sharing", sharing}});
    spec.lanes = 2;
    bound_run<strategies::atomic_heap<observed>, workloads::copy_drop> body(spec);
    window_spec window;
    window.lanes = 2;
    window.mode = measure_mode::observed;
    return run_window(body, window);
  };
  for (const char* sharing : {"shared", "private"}) {
    const window_result w = run(sharing);
    ASSERT_EQ(w.failure, "");
    ASSERT_TRUE(w.oracle.ok) << w.oracle.message;
    handoff_counts all;
    std::uint64_t operations = 0;
    for (const auto& l : w.lanes) {
      operations += l.operations;
      for (const auto& f : l.handoffs) {
        EXPECT_EQ(observed_field_name(f.field), "count");
        all += f.counts;
      }
    }
    ASSERT_GT(operations, 0U);
    EXPECT_EQ(all.rmws, 2 * operations) << "a copy and a drop";
    EXPECT_LE(all.handoffs, all.known);
    if (sharing == std::string_view("private")) {
      EXPECT_EQ(all.handoffs, 0U);
    }
  }
}

}  // namespace
}  // namespace tally::unit_observed
