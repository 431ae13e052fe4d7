// The registry of owners: their ids, and who may come back when.
#include "harness/counting/owner_registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "strategies/biased.hpp"

namespace unit_owner_registry {
namespace {

using namespace tally;

using registry = owner_registry<native, strategies::biased_header<native>>;

TEST(OwnerRegistry, HandsOutEveryIdOnceAndRefusesTheNextContext) {
  registry owners;
  constexpr std::size_t most = last_context_owner;
  std::vector<registry::record> records(most + 1);
  std::vector<bool> taken(immortal_owner + 1, false);
  for (std::size_t i = 0; i < most; ++i) {
    owners.attach(records[i]);
    ASSERT_NE(records[i].id, no_owner);
    ASSERT_LE(records[i].id, last_context_owner);
    ASSERT_FALSE(taken[records[i].id]);
    taken[records[i].id] = true;
  }
  EXPECT_THROW(owners.attach(records[most]), std::length_error);
  const owner_id freed = records[1000].id;
  EXPECT_TRUE(owners.detach(records[1000]));
  EXPECT_TRUE(owners.with_owner(freed, [](registry::record* r) { return r == nullptr; }));
  owners.attach(records[most]);
  EXPECT_EQ(records[most].id, freed);
}

TEST(OwnerRegistry, ASuspendedOwnerDoesNotComeBackBeforeItIsResumed) {
  registry owners;
  registry::record r;
  owners.attach(r);
  EXPECT_FALSE(registry::suspend(r)) << "it runs";
  ASSERT_TRUE(registry::go_away(r));
  ASSERT_TRUE(registry::suspend(r));
  EXPECT_FALSE(registry::suspend(r)) << "by one at a time";
  std::atomic<bool> back{false};
  std::thread owner([&] {
    registry::come_back(r);
    back = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(back);
  registry::resume(r);
  owner.join();
  EXPECT_FALSE(registry::suspend(r));
}

}  // namespace
}  // namespace unit_owner_registry
