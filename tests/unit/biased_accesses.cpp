// Single accesses of biased counting: which there are, and one context's between another's.
#include "strategies/biased.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "tests/unit/biased_scene.hpp"

namespace unit_biased_accesses {
namespace {

using namespace unit_biased;

TEST(BiasedAccesses, TheOwnersCopyAndDropReadTheOwnerAndCountOneWordPlainly) {
  scene_on<recording> w;
  recording::clear();
  const auto copy = w.owner.copy(w.r);
  EXPECT_EQ(recording::seen,
            (std::map<std::string, access_counts, std::less<>>{{"owner", {.loads = 1}}, {"local", {.loads = 1, .stores = 1}}}));
  recording::clear();
  w.owner.drop(copy);
  EXPECT_EQ(recording::seen,
            (std::map<std::string, access_counts, std::less<>>{{"owner", {.loads = 1}}, {"local", {.loads = 1, .stores = 1}}}));
  recording::clear();
  w.owner.poll();
  EXPECT_EQ(recording::seen, (std::map<std::string, access_counts, std::less<>>{{"queue", {.loads = 1}}}));
  recording::clear();
  w.owner.drop(w.r);
  EXPECT_EQ(recording::seen["shared"], (access_counts{.loads = 1})) << "the free of a private object needs no RMW";
  EXPECT_EQ(recording::seen["weak"], (access_counts{.loads = 1}));
  EXPECT_EQ(recording::frees, 1);
}

TEST(BiasedAccesses, ImmortalsAreReadAndNotWritten) {
  scene_on<recording> w;
  w.owner.make_immortal(w.r);
  recording::clear();
  (void)w.owner.copy(w.r);
  (void)w.other.copy(w.r);
  w.owner.drop(w.r);
  w.other.drop(w.r);
  EXPECT_EQ(recording::seen, (std::map<std::string, access_counts, std::less<>>{{"owner", {.loads = 4}}}));
  w.owner.release_immortal(w.r);
}

TEST(BiasedAccesses, ThePapersRuleMergesWithAnRmwAtEveryOwnersEnd) {
  scene_on<recording, biased_options{.rule = biased_rule::paper}> w;
  recording::clear();
  w.owner.drop(w.r);
  EXPECT_EQ(recording::seen["shared"], (access_counts{.loads = 1, .rmws = 1}));
}

// After the merging RMW another thread may free the object, so nothing may be written to it then (CPython's gh-119999).
template <biased_options O>
void owner_is_given_up_first() {
  using state = scene_on<scripted, O>;
  for (const bool by_queue : {false, true}) {
    state w;
    const auto foreign = w.other.copy(w.r);
    if (by_queue) {  // below zero, then up again
      w.other.drop(w.r);
      w.other.drop(foreign);
      (void)w.other.copy(foreign);
    }
    auto* const h = w.r.at;
    bool merging = false;
    scripted::before = [&](std::string_view field, std::string_view access) {
      if (field == "owner" && access == "store") {
        EXPECT_FALSE(merging) << "the owner was written after the merge";
      }
      if (field != "shared" || access != "rmw") return;
      merging = true;
      EXPECT_EQ(h->owner.load(std::memory_order_relaxed), no_owner);
      EXPECT_EQ(h->local.load(), 0);
    };
    if (by_queue) {
      w.owner.poll();
    } else {
      w.owner.drop(w.r);
    }
    scripted::before = nullptr;
    EXPECT_TRUE(merging);
    w.other.drop(foreign);
    EXPECT_EQ(w.heap.live(), 0);
  }
}
TEST(BiasedAccesses, TheOwnerIsGivenUpBeforeTheMergingRmw) { owner_is_given_up_first<biased_options{}>(); }
TEST(BiasedAccesses, TheOwnerIsGivenUpBeforeTheMergingRmwUnderThePapersRule) {
  owner_is_given_up_first<biased_options{.rule = biased_rule::paper}>();
}

TEST(BiasedRaces, AForeignDropThatQueuesAnObjectItsOwnerMergesMeanwhileDropsTheQueuesReferenceItself) {
  scene_on<scripted> w;
  const auto given = w.owner.copy(w.r);  // local 2
  const bool ran = between(
      "owner", "load", 1, [&] { w.other.drop(given); },  // load 0 chooses the path, load 1 is enqueue's
      [&] {
        const auto foreign = w.other.copy(w.r);  // a third thread's, handed to the owner
        w.owner.drop(w.r);
        w.owner.drop(foreign);
        EXPECT_EQ(of(w.r), (counts{no_owner, 0, 1, word::merged}));
      });
  EXPECT_TRUE(ran);
  EXPECT_EQ(w.heap.live(), 0);
}

template <biased_options O>
void owner_exits_before_the_queue_is_reached() {
  using state = scene_on<scripted, O>;
  typename state::heap_type heap{heap_config{}};
  std::optional<typename state::heap_type::context> owner{heap};
  typename state::heap_type::context other{heap};
  auto r = tally::make<typename state::object>(*owner, {});
  EXPECT_TRUE(between("owner", "load", 1, [&] { other.drop(r); }, [&] { owner.reset(); }));
  EXPECT_EQ(heap.live(), 0) << "the dropper merges in the place of the owner that left";

  owner.emplace(heap);
  r = tally::make<typename state::object>(*owner, {});
  std::optional<typename state::heap_type::context> heir;
  EXPECT_TRUE(between("owner", "load", 1, [&] { other.drop(r); }, [&] { owner.reset(), heir.emplace(heap); }));
  EXPECT_EQ(heap.live(), 1) << "the queue of the one who has the id now";
  heir->poll();
  EXPECT_EQ(heap.live(), 0);
}
TEST(BiasedRaces, AnOwnerMayExitBetweenTheForeignDropAndItsQueue) {
  owner_exits_before_the_queue_is_reached<biased_options{}>();
  owner_exits_before_the_queue_is_reached<biased_options{.rule = biased_rule::paper}>();
  owner_exits_before_the_queue_is_reached<biased_options{.merge = biased_merge::detached}>();
}

TEST(BiasedRaces, AnObjectQueuedWhileItsOwnerGoesAwayIsMergedByOneOfTheTwo) {
  for (int n = 0; n < 2; ++n) {  // before `state` is written, and after that, before `pending` is read
    scene_on<scripted, biased_options{.merge = biased_merge::detached}> w;
    bool ran = false;
    const auto step = [&] {
      w.owner.blocked([&] {
        scripted::before = nullptr;
        EXPECT_EQ(w.heap.live(), 0);
      });
    };
    if (n == 0) {
      ran = between("queue", "rmw", 0, step, [&] { w.other.drop(w.r); });
    } else {
      ran = between("queue", "load", 1, step, [&] { w.other.drop(w.r); });
    }
    EXPECT_TRUE(ran);
    EXPECT_EQ(w.heap.live(), 0);
  }
}

TEST(BiasedRaces, AnUpgradeBetweenTheOwnersLastDropAndItsMergeKeepsTheObject) {
  for (const bool before_load : {false, true}) {
    scene_on<scripted> w;
    const auto weak = w.owner.downgrade(w.r);
    decltype(w.r) up{};
    EXPECT_TRUE(
        between("shared", before_load ? "load" : "rmw", 0, [&] { w.owner.drop(w.r); }, [&] { up = w.other.upgrade(weak); }));
    ASSERT_TRUE(up);
    EXPECT_EQ(of(up), (counts{no_owner, 0, 1, word::merged}));
    w.other.drop(up);
    EXPECT_EQ(w.heap.live(), 0);
    w.other.drop(weak);
  }
}

TEST(BiasedRaces, AForeignDropDuringTheOwnersMergeLeavesTheFreeToTheOwner) {
  scene_on<scripted> w;
  const auto foreign = w.other.copy(w.r);
  EXPECT_TRUE(between("shared", "rmw", 0, [&] { w.owner.drop(w.r); }, [&] { w.other.drop(foreign); }));
  EXPECT_EQ(w.heap.live(), 0);
}

}  // namespace
}  // namespace unit_biased_accesses
