// Limits and throttling of control groups, in both versions of the kernel's files, from trees that are made up.
#include "harness/measure/control_groups.hpp"

#include <gtest/gtest.h>

#include "tests/support/made_up_tree.hpp"

namespace unit_control_groups {
namespace {

using namespace tally;

group_limits limits_of(const made_up_tree& tree) { return read_group_limits(kernel_files(tree.path())); }

TEST(ControlGroups, TheSecondVersionsLimitsAreReadFromThisGroupAndThoseAboveIt) {
  const made_up_tree tree;
  tree.file("/proc/self/cgroup", "0::/a/b");
  tree.file("/sys/fs/cgroup/cpu.stat", "usage_usec 9");
  tree.file("/sys/fs/cgroup/a/cpu.max", "150000 100000");
  tree.file("/sys/fs/cgroup/a/b/cpu.max", "max 100000");
  tree.file("/sys/fs/cgroup/a/memory.max", "4294967296");
  tree.file("/sys/fs/cgroup/a/b/memory.max", "1073741824");
  tree.file("/sys/fs/cgroup/a/cpuset.cpus.effective", "0-7");
  tree.file("/sys/fs/cgroup/a/b/cpuset.cpus.effective", "2-3");
  const auto l = limits_of(tree);
  EXPECT_EQ(l.version, 2);
  ASSERT_TRUE(l.cpus.has_value());
  EXPECT_DOUBLE_EQ(*l.cpus, 1.5) << "the group above has the quota";
  EXPECT_EQ(l.memory_mib, 1024) << "the tighter one";
  EXPECT_EQ(l.cpuset, "2-3") << "the own group's";
}

TEST(ControlGroups, WhatHasNoLimitHasNone) {
  const made_up_tree second;
  second.file("/proc/self/cgroup", "0::/");
  second.file("/sys/fs/cgroup/cpu.stat", "usage_usec 9");
  second.file("/sys/fs/cgroup/cpu.max", "max 100000");
  second.file("/sys/fs/cgroup/memory.max", "max");
  EXPECT_EQ(limits_of(second).version, 2);
  EXPECT_FALSE(limits_of(second).cpus.has_value());
  EXPECT_FALSE(limits_of(second).memory_mib.has_value());
  const made_up_tree first;
  first.file("/proc/self/cgroup", "4:memory:/\n3:cpu,cpuacct:/");
  first.file("/sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_periods 0");
  first.file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  first.file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  first.file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(limits_of(first).version, 1);
  EXPECT_FALSE(limits_of(first).cpus.has_value());
  EXPECT_FALSE(limits_of(first).memory_mib.has_value());
}

TEST(ControlGroups, TheFirstVersionHasAHierarchyPerController) {
  const made_up_tree tree;
  // In a container without a namespace of groups the path is the host's, and the own group is what is mounted.
  tree.file("/proc/self/cgroup",
            "5:cpuset:/docker/c\n4:memory:/docker/c\n3:cpu,cpuacct:/docker/c\n1:name=systemd:/docker/c\n0::/x");
  tree.file("/sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_periods 3");
  tree.file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000");
  tree.file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  tree.file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912");
  tree.file("/sys/fs/cgroup/cpuset/cpuset.effective_cpus", "1");
  const auto l = limits_of(tree);
  EXPECT_EQ(l.version, 1);
  ASSERT_TRUE(l.cpus.has_value());
  EXPECT_DOUBLE_EQ(*l.cpus, 0.5);
  EXPECT_EQ(l.memory_mib, 512);
  EXPECT_EQ(l.cpuset, "1");
}

TEST(ControlGroups, WithoutFilesNothingIsSaid) {
  const made_up_tree tree;
  EXPECT_EQ(limits_of(tree).version, 0);
  tree.file("/proc/self/cgroup", "0::/\nnothing");
  EXPECT_EQ(limits_of(tree).version, 0) << "a group whose files are not mounted";
  tree.file("/sys/fs/cgroup/cpu.max", "nonsense");
  EXPECT_FALSE(limits_of(tree).cpus.has_value());
}

TEST(ControlGroups, ThrottlingIsFoundInTheGroupOrAboveItInBothVersions) {
  const made_up_tree tree;
  tree.file("/sys/fs/cgroup/cpu.stat", "usage_usec 9");
  tree.file("/sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nnr_throttled 2\nthrottled_usec 1200");
  tree.file("/sys/fs/cgroup/a/b/cpu.stat", "usage_usec 4\nnr_throttled 0\nthrottled_usec 0");
  tree.file("/sys/fs/cgroup/cpu,cpuacct/c/cpu.stat", "nr_periods 3\nthrottled_time 7000000");
  const auto of = [&](const char* groups) {
    tree.file("/proc/self/cgroup", groups);
    return throttled_us(kernel_files(tree.path()));
  };
  EXPECT_EQ(of("0::/a/b"), 1200U);
  EXPECT_EQ(of("0::/"), 0U);
  EXPECT_EQ(of("4:memory:/a\n3:cpu,cpuacct:/c"), 7000U);
  EXPECT_EQ(of("3:cpuset:/c\nnothing"), 0U);
}

}  // namespace
}  // namespace unit_control_groups
