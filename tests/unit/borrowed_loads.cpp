// Which loads of locals borrow, by small programs. What the machine makes of them: workload_interpreter.cpp.
#include "harness/interpreter/borrowed_loads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "harness/interpreter/assembler.hpp"
#include "harness/interpreter/bytecode_programs.hpp"

namespace tally::unit_borrowed_loads {
namespace {

using bytecode::code;

// A letter for each load of a local, in their order: b borrows, c counts.
std::string loads(code of) {
  bytecode::borrow_loads(of);
  std::string found;
  for (const bytecode::instruction& i : of.body) {
    if (i.what == bytecode::op::borrow) found += 'b';
    if (i.what == bytecode::op::fast) found += 'c';
  }
  return found;
}
std::string loads_of_main(std::string_view body) {
  const auto codes =
      bytecode::assembled("class C x\ndef C.f(self, a)\n fast a; give_back\ndef main(a)\n" + std::string(body)).codes;
  return loads(*std::ranges::find(codes, "main", &code::name));
}

TEST(borrowed_loads, are_those_whose_value_is_gone_before_the_local_changes) {
  EXPECT_EQ(loads_of_main("fast a; give_back"), "b");
  EXPECT_EQ(loads_of_main("fast a; fast a; add; give_back"), "bb");
  EXPECT_EQ(loads_of_main("fast a; constant 1; add; store a; fast a; give_back"), "bb");
  EXPECT_EQ(loads_of_main("fast a; constant 1; store a; give_back"), "c") << "stored to below the value";
  EXPECT_EQ(loads_of_main("fast a; cell a; give_back"), "c") << "moved into a cell";
  EXPECT_EQ(loads_of_main("fast a; constant 1; store b; give_back"), "b") << "another one";
}

TEST(borrowed_loads, are_not_those_that_become_a_local) { EXPECT_EQ(loads_of_main("fast a; store b; fast b; give_back"), "cb"); }

TEST(borrowed_loads, do_not_outlast_their_block) {
  EXPECT_EQ(loads_of_main("fast a; fast a; jump_if_false out\n out:\n give_back"), "cb");
  EXPECT_EQ(loads_of_main("fast a\n loop:\n pop; fast a; again loop"), "cc");
  EXPECT_EQ(loads_of_main("fast a; fast a; yield; pop; give_back"), "cb") << "what a generator keeps over a yield is its own";
  EXPECT_EQ(loads_of_main("fast a\n next:\n iterate done; pop; jump next\n done:\n constant 1; give_back"), "c");
}

TEST(borrowed_loads, go_through_what_looks_a_method_up) {
  EXPECT_EQ(loads_of_main("fast a; method C.f; fast a; call 2; give_back"), "bb");
  EXPECT_EQ(loads_of_main("fast a; method C.f; constant 1; store a; fast a; call 2; give_back"), "cb");
  EXPECT_EQ(loads_of_main("fast a; list_method append; fast a; call 2; give_back"), "bb");
}

TEST(borrowed_loads, take_as_many_values_as_the_instructions_do) {
  EXPECT_EQ(loads_of_main("fast a; fast a; fast a; tuple 2; constant 1; store a; add; give_back"), "cbb");
  EXPECT_EQ(loads_of_main("fast a; fast a; fast a; dict 1; constant 1; store a; add; give_back"), "cbb");
  EXPECT_EQ(loads_of_main("fast a; fast a; fast a; fast a; store_item; constant 1; store a; give_back"), "cbbb");
  EXPECT_EQ(loads_of_main("fast a; fast a; attribute C.x; constant 1; store a; add; give_back"), "cb");
  EXPECT_EQ(loads_of_main("fast a; fast a; fast a; store_attribute C.x; constant 1; store a; give_back"), "cbb");
  EXPECT_EQ(loads_of_main("fast a; fast a; fast a; item; constant 1; store a; add; give_back"), "cbb");
  EXPECT_EQ(loads_of_main("fast a; fast a; fast a; call 1; constant 1; store a; add; give_back"), "cbb");
}

// In CPython 97 of 100 do.
TEST(borrowed_loads, are_nearly_all_of_the_programs) {
  std::string all;
  for (const auto& program : bytecode::programs()) {
    for (const code& c : bytecode::assembled(program.text).codes) all += loads(c);
  }
  EXPECT_GT(all.size(), 100U);
  EXPECT_LT(10 * std::ranges::count(all, 'c'), static_cast<std::ptrdiff_t>(all.size())) << all;
}

}  // namespace
}  // namespace tally::unit_borrowed_loads
