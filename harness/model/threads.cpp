// Stacks of checked words, the clock, and waiting.
#include "harness/model/threads.hpp"

#include "harness/model/checker.hpp"

namespace tally::model {
using namespace checker;

void yield() { rl::ctx().yield(1, nowhere()); }
std::uint64_t now() { return ++s.clock; }
stack_range stack() {
  auto& mine = s.stacks[static_cast<std::size_t>(current())];
  const auto* low = reinterpret_cast<const std::byte*>(mine.data());
  return {low, low + sizeof(mine)};
}
void act_as(int t) { s.acting = t; }
handle& push_word() {
  const auto me = static_cast<std::size_t>(current());
  return s.stacks[me][s.depth[me]++];
}
void pop_word() { --s.depth[static_cast<std::size_t>(current())]; }
void require(bool holds, const char* what) {
  if (!holds) fail(rl::test_result_user_assert_failed, what);
}

}  // namespace tally::model
