// Text on a terminal: no word is broken, none is lost, and what can be copied stays whole.
#include "harness/base/terminal.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace tally::unit_terminal {
namespace {

TEST(Folded, LinesAreBrokenBetweenWordsAndGoOnFurtherIn) {
  EXPECT_EQ(folded("  one two three\nfour\n", 10), "  one two\n      three\nfour\n");
  EXPECT_EQ(folded("one two three four", 9), "one two\n    three\n    four");
  EXPECT_EQ(folded("exactly", 7), "exactly");
  EXPECT_EQ(folded("", 80), "");
  EXPECT_EQ(folded("\n\n", 80), "\n\n");
}

TEST(Folded, WithoutATerminalAndForWhatIsCopiedTextIsAsItIs) {
  EXPECT_EQ(folded("one two three", 0), "one two three");
  EXPECT_EQ(folded("Next: tally run --resume\n", 10), "Next: tally run --resume\n");
}

TEST(Folded, AWordThatIsTooLongStaysWhole) {
  EXPECT_EQ(folded("a wordthatistoolong b", 6), "a\n    wordthatistoolong\n    b");
  EXPECT_EQ(folded("wordthatistoolong", 6), "wordthatistoolong");
  EXPECT_EQ(folded("      indented", 4), "      indented");
}

TEST(Folded, LettersOfSeveralBytesAreOneColumn) {
  EXPECT_EQ(folded("\u00b5\u00b5\u00b5 \u00b5\u00b5", 6), "\u00b5\u00b5\u00b5 \u00b5\u00b5");
}

TEST(Folded, WhateverTheWidthTheWordsAreThere) {
  const std::string text = "    strategies  1   2\n    atomic      1.0 [0.9-1.1]\n  a sentence of some words; and more of them\n";
  const auto words = [](const std::string& of) {
    std::istringstream in(of);
    return std::vector<std::string>(std::istream_iterator<std::string>(in), {});
  };
  for (std::size_t columns = 1; columns < 60; ++columns) EXPECT_EQ(words(folded(text, columns)), words(text)) << columns;
}

}  // namespace
}  // namespace tally::unit_terminal
