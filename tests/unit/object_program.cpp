// Object programs: what is read and what is refused, and where.
#include "harness/watch/object_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/errors.hpp"

namespace tally::unit_object_program {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view text, std::uint64_t steps = default_steps) {
  try {
    (void)parse_program(text, "p", steps);
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(object_program, steps_are_counted_through_its_loops) {
  EXPECT_EQ(parse_program("new x 1 # one\n\nrepeat 3\nlet y x\nrepeat 2\ndel y\nend\nend\nrepeat 0\ndel x\nend", "p").steps,
            1 + 3 * 3);
  EXPECT_EQ(parse_program("del x\r\ndel y", "p").statements.size(), 2U);
}

TEST(object_program, a_statement_has_its_words) {
  const auto p = parse_program("new x 3 revive v\nset x.2 y\ncollect 1\n", "p");
  EXPECT_EQ(p.variables, (std::vector<std::string>{"x", "v", "y"}));
  EXPECT_EQ(p.statements[0].object, object_kind::revive);
  EXPECT_EQ(p.statements[0].text, "new x 3 revive v");
  EXPECT_EQ(p.statements[1].slot, 2U);
  EXPECT_EQ(p.statements[1].variables, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(p.statements[2].numbers, (std::vector<std::uint64_t>{1}));
}

TEST(object_program, what_is_wrong_is_told_with_its_line) {
  EXPECT_EQ(refusal("del x\nnwe x 1\n"), "p:2: nwe: no such statement; did you mean new?");
  EXPECT_EQ(refusal("let x\n"), "p:1: let: too few words; it is: let Y X");
  EXPECT_EQ(refusal("new x\n"), "p:1: new: too few words; it is: new X SLOTS, new X SLOTS note, or new X SLOTS revive V");
  EXPECT_EQ(refusal("del x y\n"), "p:1: del: 'y' is a word too many; it is: del X");
  EXPECT_EQ(refusal("state 1\n"), "p:1: state: '1' is a word too many; it is: state");
  EXPECT_EQ(refusal("new x 1 revive\n"),
            "p:1: new: revive needs the variable that the object is stored in; it is: new X SLOTS revive V");
  EXPECT_EQ(refusal("new x 1 notes\n"), "p:1: notes: a finaliser is note, or revive V");
  EXPECT_EQ(refusal("new x 1 note y\n"),
            "p:1: new: 'y' is a word too many; it is: new X SLOTS, new X SLOTS note, or new X SLOTS revive V");
  for (const char* bad : {"-1", "1.5", "1001", "x", "99999999999999999999"}) {
    EXPECT_EQ(refusal(std::string("new x ") + bad), std::string("p:1: ") + bad + ": a whole number from 0 to 1000 is wanted");
  }
  EXPECT_EQ(refusal("collect 3"), "p:1: 3: a whole number from 0 to 2 is wanted");
  EXPECT_EQ(refusal("del 1x"), "p:1: 1x: a name is a letter, then letters, digits and _, at most 64");
  EXPECT_EQ(refusal("del x.0"), "p:1: x.0: a name is a letter, then letters, digits and _, at most 64");
  EXPECT_THAT(refusal("del \x1b[31m"), HasSubstr("p:1: ?[31m: a name"));
  EXPECT_EQ(refusal(""), "p:1: there is no statement in it");
  EXPECT_EQ(refusal("# new x 1\n\n"), "p:1: there is no statement in it");
}

TEST(object_program, a_slot_is_one_that_some_object_has) {
  for (const char* bad : {"x", "x.", "x.a", "x.-1", ".0", "x.1.1", "x. 1"}) {
    EXPECT_THAT(refusal(std::string("new x 2\nclear ") + bad), HasSubstr("p:2: ")) << bad;
  }
  EXPECT_EQ(refusal("get y x.2\nnew x 2"),
            "p:1: x.2: no object here has such a slot; the largest has 2 slots, which count from 0");
  EXPECT_EQ(refusal("leaf x\nclear x.0"), "p:2: x.0: no object here has slots: there is no `new`");
  EXPECT_EQ(refusal("get y x.1\nnew x 2"), "accepted");
}

TEST(object_program, loops_are_closed_and_bounded) {
  EXPECT_EQ(refusal("repeat 2\nrepeat 3\ndel x\nend\n"), "p:1: no `end` closes this loop");
  EXPECT_EQ(refusal("repeat 2\ndel x\nend\nend\n"), "p:4: `end` without a `repeat`");
  std::string deep;
  for (int i = 0; i < 21; ++i) deep += "repeat 1\n";
  EXPECT_EQ(refusal(deep), "p:21: loops are at most 20 deep");
  EXPECT_EQ(refusal("repeat 10\ndel x\nend\n", 9), "p:1: more than 9 steps; --steps allows up to 1000000000");
  EXPECT_EQ(refusal("repeat 10\ndel x\nend\n", 10), "accepted");
  EXPECT_THAT(refusal("repeat 10000000\nnew x 1\nend\n"), HasSubstr("p:1: more than 5000000 steps"));
  // Loops without a statement, and products beyond 64 bits.
  EXPECT_THAT(refusal("del x\nrepeat 1000000000\nend\n"), HasSubstr("p:2: more than 5000000 steps"));
  EXPECT_THAT(refusal("repeat 1000000000\nrepeat 1000000000\nrepeat 1000000000\ndel x\nend\nend\nend\n"),
              HasSubstr("p:3: more than"));
}

}  // namespace
}  // namespace tally::unit_object_program
