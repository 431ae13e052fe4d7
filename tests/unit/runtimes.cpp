// Runtimes' files: what is refused, and what their names stand for.
#include "harness/run/runtimes.hpp"

#include <gtest/gtest.h>

#include "harness/base/errors.hpp"

namespace tally::unit_runtimes {
namespace {

std::string refusal(std::string_view text) {
  try {
    (void)parse_runtime(text, "dir/ours.runtime");
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(runtimes, a_file_is_a_strategy_with_its_options_and_where_they_are_from) {
  const runtime r = parse_runtime(
      "# Ours,\n# in two lines.\n\n# Not a part of it.\nstrategy = biased [A#1]\nrule = paper [B]  # a comment\nheader = 32 "
      "bytes "
      "[A]\n"
      "differs = one thing [A]\ndiffers = another, [sic] [B]\n",
      "dir/ours-1.2.runtime");
  EXPECT_EQ(r.name, "ours-1.2");
  EXPECT_EQ(r.summary, "Ours, in two lines.");
  EXPECT_EQ(r.strategy.text(), "biased:rule=paper");
  ASSERT_EQ(r.choices.size(), 2U);
  EXPECT_EQ(r.choices[1].source, "B");
  ASSERT_EQ(r.header.size(), 1U);
  EXPECT_EQ(r.header[0].value, "32 bytes");
  ASSERT_EQ(r.differences.size(), 2U);
  EXPECT_EQ(r.differences[1].value, "another, [sic]");
}

TEST(runtimes, what_is_wrong_is_told_with_its_line) {
  EXPECT_EQ(refusal("strategy = biased [A]\n"), "dir/ours.runtime: its first lines say what it is: # ...");
  EXPECT_EQ(refusal("# Ours.\n"), "dir/ours.runtime: strategy is missing");
  EXPECT_EQ(refusal("# Ours.\nstrategy = biased\n"), "dir/ours.runtime:2: strategy has no source: KEY = VALUE [SOURCE]");
  EXPECT_EQ(refusal("# Ours.\nstrategy = biased []\n"), "dir/ours.runtime:2: strategy has no source: KEY = VALUE [SOURCE]");
  EXPECT_EQ(refusal("# Ours.\nstrategy = biased [A B]\n"), "dir/ours.runtime:2: \"A B\" is not one source");
  EXPECT_EQ(refusal("# Ours.\nbiased\n"), "dir/ours.runtime:2: \"biased\" is not KEY = VALUE [SOURCE]");
  EXPECT_EQ(refusal("# Ours.\nstrategy = biased [A]\nrule = paper [A]\nrule = cpython [A]\n"),
            "dir/ours.runtime:4: rule stands in line 3 already");
}

}  // namespace
}  // namespace tally::unit_runtimes
