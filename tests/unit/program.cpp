// Hints: commands as the program was called, quoted as a shell needs it.
#include "harness/base/program.hpp"

#include <gtest/gtest.h>

namespace tally::unit_program {
namespace {

struct program : ::testing::Test {
  ~program() override { called_as("tally"); }
};

TEST_F(program, IsNamedAsItWasCalled) {
  EXPECT_EQ(command("list"), "tally list");
  called_as("build/release/tally");
  EXPECT_EQ(command("run", "--from", "results/a b"), "build/release/tally run --from 'results/a b'");
  EXPECT_EQ(with_program("{tally} list, {tally} run"), "build/release/tally list, build/release/tally run");
}

TEST_F(program, IsQuotedWhereAShellWouldReadMoreThanAWord) {
  called_as("it's here/tally");
  EXPECT_EQ(command("plot", "", "$x", "a*"), "'it'\\''s here/tally' plot '' '$x' 'a*'");
  EXPECT_EQ(with_program("{tally}"), "'it'\\''s here/tally'");
}

// This program lies in no folder that cmake has configured.
TEST_F(program, OutsideOfABuildFolderWhatAddsAPartIsTheOption) {
  EXPECT_EQ(rebuilding("-DTALLY_SIM=ON"), "build it with -DTALLY_SIM=ON");
  EXPECT_EQ(rebuilding(""), "build it again");
}

}  // namespace
}  // namespace tally::unit_program
