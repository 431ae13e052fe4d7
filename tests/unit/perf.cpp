// Hardware counters without hardware: the arithmetic of counters that are shared out in time, threads with a PMU of the test's
// own, and what is said where there is no counter. The kernel's software events, which exist everywhere, are the real thing.
#include "harness/counters/perf_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <map>
#include <thread>

#include "harness/contract/workload.hpp"
#include "harness/memory/native.hpp"

namespace tally::unit_perf {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// ---- the arithmetic

perf_reading at(std::uint64_t enabled, std::uint64_t running, std::vector<std::uint64_t> values) {
  return {enabled, running, std::move(values)};
}

TEST(count_between, a_group_that_was_always_on_is_exact) {
  const auto c = count_between(at(100, 100, {7, 1000}), at(1100, 1100, {9, 4000}), 1, 0.5);
  EXPECT_EQ(c.absent, "");
  EXPECT_EQ(c.count, 3000);
  EXPECT_EQ(c.share, 1);
}

TEST(count_between, a_group_that_was_on_for_a_part_is_scaled_by_the_windows_own_times) {
  // Before the window it was on all the time: a scale over the thread's life would be wrong.
  const auto c = count_between(at(1'000'000, 1'000'000, {500}), at(2'000'000, 1'750'000, {800}), 0, 0.5);
  EXPECT_EQ(c.share, 0.75);
  EXPECT_EQ(c.count, 400);
}

TEST(count_between, below_the_least_share_nothing_is_said) {
  const auto c = count_between(at(0, 0, {0}), at(1000, 400, {800}), 0, 0.5);
  EXPECT_EQ(c.absent, "multiplexed: on the PMU for 40 % of the time, less than 50 %; fewer groups at once");
  EXPECT_EQ(c.share, 0.4);
  EXPECT_EQ(count_between(at(0, 0, {0}), at(1000, 500, {800}), 0, 0.5).count, 1600);
  EXPECT_THAT(count_between(at(0, 0, {0}), at(1000, 999, {800}), 0, 2).absent, HasSubstr("this group is not scaled"));
}

TEST(count_between, never_on_is_absent_and_not_zero) {
  EXPECT_THAT(count_between(at(0, 0, {0}), at(1000, 0, {0}), 0, 0.5).absent, HasSubstr("never on the PMU"));
  EXPECT_THAT(count_between(at(5, 5, {0}), at(5, 5, {0}), 0, 0.5).absent, HasSubstr("did not run"));
  EXPECT_THAT(count_between(at(9, 9, {0}), at(5, 5, {0}), 0, 0.5).absent, HasSubstr("backwards"));
  EXPECT_THAT(count_between(at(0, 0, {0}), at(5, 5, {0}), 1, 0.5).absent, HasSubstr("no such event"));
}

TEST(count_between, a_count_that_passed_the_end_of_its_word_is_right) {
  EXPECT_EQ(count_between(at(0, 0, {~0ULL - 9}), at(10, 10, {90}), 0, 0.5).count, 100);
  // Near 2^64 the scale must not overflow.
  EXPECT_DOUBLE_EQ(count_between(at(0, 0, {0}), at(1ULL << 62, 1ULL << 61, {1ULL << 63}), 0, 0.5).count, std::ldexp(1.0, 64));
}

// ---- threads, with a PMU of our own

// `room` counters; a group that needs more is refused (EINVAL), as the kernel does; groups that don't fit together are shared
// out evenly. Software events need no room.
class fake_pmu final : public perf_source {
 public:
  explicit fake_pmu(std::size_t room) : room_(room) {}
  int open(const perf_code& code, int leader) override {
    const int here = ++handle_;
    opened.push_back(code);
    if (errors.contains(code.config)) return -errors[code.config];
    auto& group = leader < 0 ? groups_[here] : groups_.at(leader);
    std::size_t need = code.type == PERF_TYPE_SOFTWARE ? 0 : 1;
    for (const auto& c : group) need += c.type == PERF_TYPE_SOFTWARE ? 0 : 1;
    if (need > room_) {
      if (group.empty()) groups_.erase(here);
      return -EINVAL;
    }
    group.push_back(code);
    ++alive;
    return here;
  }
  int read(int leader, std::size_t counters, perf_reading& into) override {
    if (read_error != 0) return read_error;
    EXPECT_EQ(groups_.at(leader).size(), counters);
    const std::uint64_t enabled = 1000 * ++reads_[leader];
    into.enabled_ns = enabled;
    into.running_ns = groups_.size() > 1 ? enabled / groups_.size() : enabled;
    into.values.clear();
    for (const auto& c : groups_.at(leader)) into.values.push_back(c.config * into.running_ns);
    return 0;
  }
  void close(int) override { --alive; }
  [[nodiscard]] bool has_pmu() const override { return pmu; }

  std::map<std::uint64_t, int> errors;  // by config
  std::vector<perf_code> opened;
  int alive = 0, read_error = 0;
  bool pmu = true;

 private:
  std::size_t room_;
  int handle_ = 2;
  std::map<int, std::vector<perf_code>> groups_;
  std::map<int, std::uint64_t> reads_;
};

resolved_group of_events(const std::string& name, std::vector<std::uint64_t> configs, double least_share = 0.5) {
  resolved_group g{name, least_share, {}, {}, ""};
  std::vector<std::string> known{"ops", "seconds", "lanes"};
  for (const auto c : configs) {
    known.push_back("e" + std::to_string(c));
    g.events.push_back({known.back(), "raw", "test", {PERF_TYPE_RAW, c}, ""});
  }
  g.metrics.push_back({"first_per_op", "1/op", "", "", formula(known[3] + " / ops", known)});
  g.metrics.push_back({"per_second", "1/s", "", "", formula(known.back() + " / seconds", known)});
  return g;
}

TEST(thread_counters, a_group_that_fits_is_one_group_of_the_kernels) {
  fake_pmu pmu(4);
  const counter_plan plan{of_events("g", {1, 2, 3, 4})};
  {
    thread_counters t(plan, pmu);
    EXPECT_EQ(t.kernel_groups(), 1U);
    EXPECT_EQ(pmu.alive, 4);
    t.open_window();
    t.close_window();
    const auto counts = t.counts();
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(counts[0][i].absent, "");
      EXPECT_EQ(counts[0][i].count, 1000.0 * (i + 1));
    }
  }
  EXPECT_EQ(pmu.alive, 0) << "every counter is closed";
}

TEST(thread_counters, what_does_not_fit_begins_another_group_and_both_are_scaled) {
  fake_pmu pmu(2);
  const counter_plan plan{of_events("g", {10, 20, 30, 40})};
  thread_counters t(plan, pmu);
  EXPECT_EQ(t.kernel_groups(), 2U);
  t.open_window();
  t.close_window();
  const auto counts = t.counts();
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(counts[0][i].share, 0.5);
    EXPECT_EQ(counts[0][i].count, 10000.0 * (i + 1));
  }
}

TEST(thread_counters, a_group_that_refuses_to_be_shared_out_says_so) {
  fake_pmu pmu(2);
  const counter_plan plan{of_events("g", {1, 2, 3}, 2)};
  thread_counters t(plan, pmu);
  t.open_window();
  t.close_window();
  const auto counts = t.counts();
  for (const auto& c : counts[0]) EXPECT_THAT(c.absent, StartsWith("multiplexed"));
}

TEST(thread_counters, an_event_that_is_missing_takes_no_other_with_it) {
  fake_pmu pmu(4);
  pmu.errors[1] = ENOENT;
  pmu.errors[3] = EACCES;
  const counter_plan plan{of_events("g", {1, 2, 3, 4})};
  thread_counters t(plan, pmu);
  EXPECT_EQ(t.kernel_groups(), 1U);
  t.open_window();
  t.close_window();
  const auto counts = t.counts();
  EXPECT_THAT(counts[0][0].absent, StartsWith("ENOENT"));
  EXPECT_EQ(counts[0][1].count, 2000);
  EXPECT_THAT(counts[0][2].absent, StartsWith("EACCES"));
  EXPECT_EQ(counts[0][3].count, 4000);
}

TEST(thread_counters, a_failed_read_is_no_count) {
  fake_pmu pmu(4);
  const counter_plan plan{of_events("g", {1})};
  thread_counters t(plan, pmu);
  EXPECT_THAT(t.counts()[0][0].absent, HasSubstr("off its processor"));
  t.open_window();
  pmu.read_error = EIO;
  t.close_window();
  EXPECT_THAT(t.counts()[0][0].absent, HasSubstr("can't be read"));
}

// ---- a row

TEST(report_counters, adds_lanes_up_and_divides_by_their_operations) {
  const counter_plan plan{of_events("g", {1, 2})};
  const auto count = [](double n, double share = 1) { return event_count{n, share, ""}; };
  const auto r = report_counters(plan, {{{{count(100), count(7)}}, 40, 2}, {{{count(300, 0.6), count(5)}}, 60, 2}});
  ASSERT_EQ(r.metrics.size(), 2U);
  EXPECT_EQ(r.metrics[0].name, "g.first_per_op");
  EXPECT_EQ(r.metrics[0].value.value, 4);
  EXPECT_EQ(r.metrics[1].value.value, 3);
  EXPECT_EQ(r.events[0]["events"][0]["share"], 0.6);
  EXPECT_EQ(r.events[0]["events"][0]["lanes"].size(), 2U);
}

TEST(report_counters, one_lane_without_a_count_makes_the_figure_absent) {
  const counter_plan plan{of_events("g", {1, 2})};
  const event_count fine{100, 1, ""}, gone{0, 0, "EMFILE: too many"};
  const auto r = report_counters(plan, {{{{fine, fine}}, 40, 2}, {{{gone, fine}}, 60, 2}});
  EXPECT_EQ(r.metrics[0].value.absent, "EMFILE: too many");
  EXPECT_EQ(r.metrics[1].value.absent, "");
  EXPECT_EQ(r.events[0]["events"][0]["absent"], "EMFILE: too many");
  EXPECT_THAT(report_counters(plan, {{{}, 40, 2}}).metrics[0].value.absent, HasSubstr("task library"));
  EXPECT_THAT(report_counters(plan, {{{{fine, fine}}, 0, 2}}).metrics[0].value.absent, HasSubstr("divides by zero"));
}

TEST(perf_absence, names_the_error_and_the_remedy) {
  const perf_code hardware{PERF_TYPE_HARDWARE, 0}, software{PERF_TYPE_SOFTWARE, 0};
  perf_code kernel = software;
  kernel.kernel = true;
  EXPECT_EQ(perf_absence(ENOENT, false, hardware), "ENOENT: no PMU in this VM; run on bare metal or expose a vPMU");
  EXPECT_THAT(perf_absence(ENOENT, true, hardware), HasSubstr("has no such event"));
  EXPECT_THAT(perf_absence(ENOENT, false, software), HasSubstr("has no such event"));
  EXPECT_THAT(perf_absence(EACCES, true, hardware), HasSubstr("perf_event_paranoid=2"));
  EXPECT_THAT(perf_absence(EACCES, true, kernel), HasSubstr("perf_event_paranoid=1"));
  EXPECT_THAT(perf_absence(EPERM, true, hardware), HasSubstr("seccomp"));
  EXPECT_THAT(perf_absence(ENOSYS, true, hardware), HasSubstr("sandbox"));
  EXPECT_THAT(perf_absence(EMFILE, true, hardware), HasSubstr("ulimit -n"));
  EXPECT_THAT(perf_absence(EBUSY, true, hardware), HasSubstr("watchdog"));
  EXPECT_THAT(perf_absence(EINVAL, true, hardware), StartsWith("EINVAL: "));
  for (int e = 1; e < 134; ++e) EXPECT_GT(perf_absence(e, true, hardware).size(), 8U);
}

// ---- the kernel

TEST(kernel_perf, counts_the_page_faults_and_the_running_time_of_the_calling_thread_alone) {
  const counter_plan plan{resolve(choose_counters({"software"}).front(), this_cpu())};
  if (const auto here = available_here(plan, kernel_perf()); !here[0].events[0].absent.empty()) {
    GTEST_SKIP() << "no software events here: " << here[0].events[0].absent;
  }
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), pages = 256;
  const auto touch = [&] {
    void* p = mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, pages * page, MADV_NOHUGEPAGE);
    for (std::size_t i = 0; i < pages; ++i) static_cast<volatile char*>(p)[i * page] = 1;
    munmap(p, pages * page);
  };
  thread_counters mine(plan, kernel_perf());
  EXPECT_EQ(mine.kernel_groups(), 1U);
  mine.open_window();
  std::thread other([&] {
    for (int i = 0; i < 4; ++i) touch();
  });
  other.join();
  touch();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const std::uint64_t until = native::now() + 3'000'000;
  while (native::now() < until) {}
  mine.close_window();
  const auto counts = mine.counts()[0];
  ASSERT_EQ(counts[0].absent, "");
  EXPECT_GT(counts[0].count, 1e5) << "running time in ns";
  EXPECT_GE(counts[1].count, static_cast<double>(pages));
  EXPECT_LT(counts[1].count, 2.0 * static_cast<double>(pages)) << "another thread's faults are not ours";
  if (counts[2].absent.empty()) {
    EXPECT_GE(counts[2].count, 1) << "it slept";
  }
}

TEST(kernel_perf, hardware_events_are_counted_or_absent_with_a_reason_and_never_zero) {
  const counter_plan plan{resolve(choose_counters({"cycles"}).front(), this_cpu())};
  thread_counters mine(plan, kernel_perf());
  mine.open_window();
  const std::uint64_t until = native::now() + 1'000'000;
  while (native::now() < until) {}
  mine.close_window();
  const auto counts = mine.counts()[0];
  for (std::size_t i = 0; i < 2; ++i) {  // cycles, instructions
    if (counts[i].absent.empty()) {
      EXPECT_GT(counts[i].count, 1000);
    } else {
      EXPECT_THAT(counts[i].absent, HasSubstr(": "));
    }
  }
}

}  // namespace
}  // namespace tally::unit_perf
