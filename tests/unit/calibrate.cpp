// The calibration's arithmetic and text on made-up hosts, and its probes on this one.
#include "harness/sim/calibrate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/contract/workload.hpp"
#include "harness/sim/caches/machine.hpp"

namespace tally::unit_calibrate {
namespace {

using ::testing::HasSubstr;

calibration host() {
  calibration c;
  c.date = "2026-11-22";
  c.cpu_model = "Made-up 9000";
  c.vendor = "AuthenticAMD";
  c.sockets = 2;
  c.llcs_per_socket = 2;
  c.cores_per_llc = 4;
  c.l1 = {32 * 1024, 8, false, "index0"};
  c.l2 = {1024 * 1024, 8, false, "index2"};
  c.llc = {32 * 1024 * 1024, 16, false, "index3"};
  c.clock_ghz = 4;
  c.store_ns = 0.24;
  c.rmw_ns = 4.6;
  c.levels = {{"l1", 16 * 1024, 1.01}, {"l2", 512 * 1024, 3.6}, {"llc", 8 << 20, 13.2}, {"memory", 128 << 20, 110.04}};
  c.pairs = {{0, 1, "same_llc", 21},
             {0, 2, "same_llc", 25},
             {0, 3, "same_llc", 400},
             {0, 4, "same_socket", 90},
             {0, 8, "other_socket", 210}};
  return c;
}

TEST(calibration, writes_a_machine_that_the_simulator_reads) {
  const std::string text = machine_text(host());
  const sim::machine m = sim::parse_machine(text, "made-up");
  EXPECT_EQ(m.clock_ghz, 4);
  EXPECT_EQ(m.cores(), 16U);
  EXPECT_EQ(m.l1.bytes, 32U * 1024);
  EXPECT_EQ(m.l1.ways, 8U);
  EXPECT_EQ(m.llc.bytes, 32U << 20);
  EXPECT_EQ(m.policy, sim::llc_policy::victim);
  EXPECT_EQ(m.l1_hit, 4U);
  EXPECT_EQ(m.l2_hit, 14U);
  EXPECT_EQ(m.llc_hit, 53U);
  EXPECT_EQ(m.memory, 440U);
  EXPECT_EQ(m.transfer, 100U) << "the median of the pairs, not the mean";
  EXPECT_EQ(m.transfer_llc, 360U);
  EXPECT_EQ(m.transfer_socket, 840U);
  EXPECT_EQ(m.store_hit, 1U);
  EXPECT_EQ(m.rmw_hit, 18U);
}

TEST(calibration, every_figure_says_when_and_how) {
  for (const auto& f : sim::parse_machine(machine_text(host()), "made-up").figures) {
    if (f.key == "llc.policy") {
      EXPECT_EQ(f.source, "perf-book") << "can't be measured";
    } else {
      EXPECT_THAT(f.source, ::testing::AnyOf(HasSubstr("measured:2026-11-22:"), HasSubstr("sysfs:2026-11-22:"))) << f.key;
    }
  }
  EXPECT_THAT(machine_text(host()), HasSubstr("[measured:2026-11-22:chase-of-16-KiB]"));
}

TEST(calibration, a_machine_without_l2_or_with_one_llc_has_no_figures_of_what_it_lacks) {
  calibration c = host();
  c.sockets = c.llcs_per_socket = 1;
  c.l2 = {};
  c.vendor = "unknown";
  c.levels.erase(c.levels.begin() + 1);
  std::string text = machine_text(c);
  EXPECT_EQ(text.find("transfer.same_socket"), std::string::npos);
  EXPECT_EQ(text.find("transfer.other_socket"), std::string::npos);
  EXPECT_EQ(text.find("l2."), std::string::npos);
  EXPECT_THAT(text, HasSubstr("noninclusive"));
  EXPECT_THAT(text, HasSubstr("[assumed:"));
}

TEST(calibration, what_was_not_measured_is_not_made_up) {
  calibration c = host();
  c.pairs.clear();
  EXPECT_THROW((void)machine_text(c), usage_error);
  c = host();
  c.levels.pop_back();
  EXPECT_THROW((void)machine_text(c), usage_error);
  c = host();
  c.l1.ways = 0;
  EXPECT_THROW((void)machine_text(c), usage_error);
  c = host();
  std::erase_if(c.pairs, [](const measured_pair& p) { return p.way == "other_socket"; });
  EXPECT_THROW((void)machine_text(c), usage_error) << "two sockets and no figure between them";
}

TEST(calibration, where_the_kernel_shows_no_caches_the_file_says_who_does) {
  calibration c = host();
  c.sharing_known = false;
  for (host_cache* h : {&c.l1, &c.l2, &c.llc}) h->from = "sysconf";
  c.llc.index = "level3";
  c.llc.ways_assumed = true;
  const std::string text = machine_text(c);
  EXPECT_THAT(text, HasSubstr("[sysconf:2026-11-22:level3]"));
  for (const auto& f : sim::parse_machine(text, "made-up").figures) {
    if (f.key == "cores_per_llc" || f.key == "llcs_per_socket") {
      EXPECT_EQ(f.source, "assumed:one-LLC-a-socket");
    } else if (f.key == "llc.ways") {
      EXPECT_EQ(f.source, "assumed:usual-for-servers");
    }
  }
}

TEST(calibration, figures_that_contradict_each_other_are_refused_by_the_reader) {
  calibration c = host();
  c.levels[2].ns = 2;  // an LLC faster than L2: something else ran
  EXPECT_THROW((void)sim::parse_machine(machine_text(c), "made-up"), usage_error);
}

TEST(random_cycle, is_one_cycle_through_all_places) {
  for (const std::uint32_t n : {2U, 3U, 64U, 4096U}) {
    const auto next = random_cycle(n, 7);
    std::vector<bool> seen(n, false);
    std::uint32_t at = 0, steps = 0;
    do {
      ASSERT_FALSE(seen[at]);
      seen[at] = true;
      at = next[at];
      ++steps;
    } while (at != 0);
    EXPECT_EQ(steps, n);
  }
  EXPECT_NE(random_cycle(4096, 1), random_cycle(4096, 2));
}

// No bounds that a busy or an odd machine could miss: only what physics forbids.
TEST(calibration, the_probes_measure_something_on_this_machine) {
  const double period = clock_period_ns();
  EXPECT_GT(period, 0.1) << "10 GHz";
  EXPECT_LT(period, 10);
  const double l1 = chase_ns(16 * 1024);
  EXPECT_GT(l1, 1.5 * period) << "a load takes longer than an addition";
  EXPECT_GT(chase_ns(64 << 20), l1);
  EXPECT_GT(uncontended_store_ns(), 0.1 * period);
  EXPECT_GT(uncontended_rmw_ns(), period);
}

}  // namespace
}  // namespace tally::unit_calibrate
