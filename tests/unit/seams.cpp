// The seams of the memory policy: on a recording policy, which named accesses each operation makes.
#include <gtest/gtest.h>

#include "strategies/atomic.hpp"
#include "strategies/plain.hpp"
#include "tests/unit/recording_policy.hpp"
#include "workloads/copy_drop.hpp"

namespace tally::unit_seams {
namespace {

using plain_on = strategies::plain_heap<recording>;
using atomic_on = strategies::atomic_heap<recording>;

template <class H>
struct leaf {
  typename H::template slot<leaf> place;
  var<recording, std::uint64_t, "payload"> value;
  void each_slot(auto&& f) { f(place); }
};

// The accesses that f makes, by field.
template <class F>
std::map<std::string, access_counts, std::less<>> accesses(F&& f) {
  recording::clear();
  f();
  return recording::seen;
}
using by_field = std::map<std::string, access_counts, std::less<>>;

TEST(Seams, APlainCopyAndDropEachReadAndWriteTheCount) {
  plain_on heap{heap_config{}};
  plain_on::context c(heap);
  auto a = make<leaf<plain_on>>(c, {});
  EXPECT_EQ(accesses([&] { (void)c.copy(a); }), (by_field{{"count", {1, 1, 0}}}));
  EXPECT_EQ(accesses([&] { c.drop(a); }), (by_field{{"count", {1, 1, 0}}}));
  c.drop(a);
}

TEST(Seams, AnAtomicCopyAndDropAreOneReadModifyWriteEach) {
  atomic_on heap{heap_config{}};
  atomic_on::context c(heap);
  auto a = make<leaf<atomic_on>>(c, {});
  EXPECT_EQ(accesses([&] { (void)c.copy(a); }), (by_field{{"count", {0, 0, 1}}}));
  EXPECT_EQ(accesses([&] { c.drop(a); }), (by_field{{"count", {0, 0, 1}}}));
  c.drop(a);
}

TEST(Seams, ALastDropVisitsTheSlotsAndGivesTheMemoryBack) {
  plain_on heap{heap_config{}};
  plain_on::context c(heap);
  auto a = make<leaf<plain_on>>(c, {});
  c.store(c.get(a).place, make<leaf<plain_on>>(c, {}));
  const auto seen = accesses([&] { c.drop(a); });
  EXPECT_EQ(seen.at("slot"), (access_counts{2, 0, 0}));  // of both objects
  EXPECT_EQ(seen.at("count"), (access_counts{2, 2, 0}));
  EXPECT_GT(seen.at("type").loads, 0);
  EXPECT_EQ(recording::frees, 2);
  EXPECT_EQ(heap.live(), 0);
}

TEST(Seams, AMovedRefIsNotCounted) {
  atomic_on heap{heap_config{}};
  atomic_on::context c(heap);
  auto a = make<leaf<atomic_on>>(c, {});
  EXPECT_EQ(accesses([&] { a = c.unpack(c.pack(a)); }), by_field{});
  EXPECT_EQ(accesses([&] {
              c.store(c.get(a).place, make<leaf<atomic_on>>(c, {}));
              c.drop(c.take(c.get(a).place));
            }).at("slot"),
            (access_counts{3, 2, 0}));  // store: read old, write; take: read, write; the dead object's own slot: read
  c.drop(a);
}

TEST(Seams, AWorkloadRunsOnThePolicyAsItIs) {
  const parameters params(workloads::copy_drop::info);
  atomic_on heap{heap_config{}};
  workloads::copy_drop::program<atomic_on> program(heap, run_env{params, 1, 1});
  atomic_on::context c(heap);
  program.setup(c);
  workloads::copy_drop::program<atomic_on>::lane lane(program, c, lane_env{});
  EXPECT_EQ(accesses([&] { program.step(c, lane); }), (by_field{{"count", {0, 0, 2}}}));
  program.leave(c, lane);
  program.teardown(c);
  EXPECT_EQ(heap.live(), 0);
}

}  // namespace
}  // namespace tally::unit_seams
