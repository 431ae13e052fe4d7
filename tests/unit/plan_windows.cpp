// How many windows rows have, how long those are, and in which order they are measured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/run/plan.hpp"
#include "tests/support/fake_registry.hpp"

namespace tally::unit_plan_windows {
namespace {

using ::testing::ElementsAre;

class order_of : public ::testing::Test {
 protected:
  run_plan made(const run_request& r) const { return make_plan(all, r, testing::fake_machine(2)); }
  static run_request selection(std::vector<name_spec> strategies, std::vector<name_spec> workloads, const char* threads) {
    run_request r;
    r.strategies = std::move(strategies);
    r.workloads = std::move(workloads);
    r.threads = threads;
    r.seed = 1;
    return r;
  }
  registry all = testing::fake_registry();
};

TEST_F(order_of, every_block_measures_every_row_once_in_an_order_that_the_seed_decides) {
  auto r = selection({"*"}, {"spin"}, "1,2");
  r.blocks = 4;
  r.processes = 2;
  r.seed = 99;
  const auto p = made(r);
  const auto items = p.items(1);
  ASSERT_EQ(items.size(), p.rows.size() * 4);
  std::vector<std::string> keys;
  for (const auto& row : p.rows) keys.push_back(row.key());
  std::map<int, std::vector<std::string>> blocks;
  std::map<int, std::set<std::uint64_t>> seeds;
  for (const auto& i : items) {
    blocks[i.block].push_back(i.row.key());
    seeds[i.block].insert(i.seed);
  }
  for (auto& [block, order] : blocks) {
    EXPECT_THAT(order, ::testing::UnorderedElementsAreArray(keys));
    EXPECT_EQ(seeds[block].size(), 1U);  // all rows of a block draw the same numbers
  }
  EXPECT_NE(blocks[0], blocks[1]);
  const auto again = made(r).items(1);
  for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(items[i].row.key(), again[i].row.key());
  r.seed = 100;
  const auto other = made(r).items(1);
  const auto key = [](const run_item& i) { return i.row.key(); };
  EXPECT_FALSE(std::ranges::equal(items, other, {}, key, key));
}

TEST_F(order_of, what_is_rare_gets_longer_windows_and_no_more_time) {
  all.strategies[3].variants[0].can.cycles = true;
  auto r = selection({"gil", "sweep"}, {"spin"}, "1,3");
  r.modes = {measure_mode::throughput, measure_mode::memory};
  struct measured {
    std::set<std::uint64_t> lengths;
    std::uint64_t ns = 0;
  };
  const auto windows = [&](const run_plan& p) {
    std::map<std::string, measured> of;
    for (const auto& i : p.items(0)) of[i.row.key()].lengths.insert(i.row.window_ns), of[i.row.key()].ns += i.row.window_ns;
    return of;
  };
  const auto p = made(r);
  const auto whole = static_cast<std::uint64_t>(standard_protocol().window.count());
  const auto brief = whole / static_cast<std::uint64_t>(standard_protocol().briefs);
  ASSERT_LT(brief, whole);
  for (const auto& [key, seen] : windows(p)) {
    const bool quick = key.find("sweep") == std::string::npos && key.find("|1|throughput") != std::string::npos;
    EXPECT_THAT(seen.lengths, ElementsAre(quick ? brief : whole)) << key;
    EXPECT_EQ(seen.ns, static_cast<std::uint64_t>(standard_protocol().windows) * whole) << key;
  }
  EXPECT_EQ(p.windows(), p.items(0).size() * static_cast<std::size_t>(p.processes));
  EXPECT_THAT(p.windows_text(), ::testing::EndsWith("in each 6 windows of 25 ms or 2 of 75 ms"));

  r.duration = std::chrono::milliseconds(7);
  for (const auto& [key, seen] : windows(made(r))) EXPECT_EQ(seen.ns, 2U * 7'000'000U) << key;
  r.duration.reset();
  r.blocks = 2;
  for (const auto& [key, seen] : windows(made(r))) EXPECT_EQ(seen.ns, 2 * whole) << key;
}

TEST_F(order_of, rows_of_a_scene_are_measured_one_after_the_other_and_in_every_order) {
  auto r = selection({"plain", "atomic", "gil"}, {"spin", "pair"}, "1,2");
  r.blocks = 200;
  r.seed = 5;
  std::set<std::string> orders_of_scenes, orders_in_a_scene;
  std::map<int, std::vector<std::pair<std::string, std::string>>> blocks;
  for (const auto& i : made(r).items(0)) blocks[i.block].emplace_back(i.row.scene(), i.row.key());
  for (const auto& [block, rows] : blocks) {
    std::vector<std::string> scenes;
    std::string in_one;
    for (const auto& [scene, row] : rows) {
      if (scenes.empty() || scenes.back() != scene) scenes.push_back(scene);
      if (scene == rows.front().first && scene.starts_with("spin|2")) in_one += row + " ";
    }
    EXPECT_EQ(std::set(scenes.begin(), scenes.end()).size(), scenes.size())
        << "a scene was left and come back to in block " << block;
    std::string order;
    for (const auto& s : scenes) order += s + " ";
    orders_of_scenes.insert(order);
    if (!in_one.empty()) orders_in_a_scene.insert(in_one);
  }
  EXPECT_EQ(orders_of_scenes.size(), 6U) << "three scenes: pair has two threads";
  EXPECT_GT(orders_in_a_scene.size(), 4U);
}

}  // namespace
}  // namespace tally::unit_plan_windows
