#include "harness/interpreter/borrowed_loads.hpp"

#include <cstddef>

namespace tally::bytecode {
namespace {

// How many values an instruction takes from the stack, and how many it leaves there.
struct effect {
  std::size_t takes = 0, leaves = 0;
};

effect effect_of(const instruction& i) {
  const auto n = static_cast<std::size_t>(i.argument);
  switch (i.what) {
    case op::fast:
    case op::borrow:
    case op::constant:
    case op::global:
    case op::closed: return {0, 1};
    case op::store:
    case op::pop:
    case op::jump_if_false: return {1, 0};
    case op::add:
    case op::subtract:
    case op::multiply:
    case op::equal:
    case op::less:
    case op::item: return {2, 1};
    case op::store_item: return {3, 0};
    case op::attribute: return {1, 1};
    case op::store_attribute: return {2, 0};
    case op::tuple:
    case op::list: return {n, 1};
    case op::dict: return {2 * n, 1};
    case op::function: return {1 + n, 1};
    case op::call: return {1 + n, 1};
    case op::give_back: return {1, 0};
    case op::yield: return {1, 1};
    case op::jump:
    case op::again:
    case op::resume:
    case op::cell:
    case op::iterate:
    case op::method:
    case op::list_method: break;  // the last two leave what is on top there, above what they find
  }
  return {};
}

bool jumps(op what) { return what == op::jump || what == op::jump_if_false || what == op::again || what == op::iterate; }
bool ends_block(op what) { return jumps(what) || what == op::yield || what == op::give_back; }

constexpr std::size_t no_load = ~std::size_t{0};

}  // namespace

void borrow_loads(code& of) {
  std::vector<bool> entered(of.body.size());
  for (const instruction& i : of.body) {
    if (jumps(i.what)) entered[static_cast<std::size_t>(i.argument)] = true;
  }
  std::vector<std::size_t> stack;  // what the block has pushed: which load, or none
  const auto forget = [&](std::int32_t local) {
    for (std::size_t& load : stack) {
      if (load != no_load && of.body[load].argument == local) load = no_load;
    }
  };
  for (std::size_t at = 0; at < of.body.size(); ++at) {
    if (entered[at]) stack.clear();
    const instruction now = of.body[at];
    const effect does = effect_of(now);
    for (std::size_t i = 0; i < does.takes && !stack.empty(); ++i) {
      const std::size_t load = stack.back();
      stack.pop_back();
      if (load != no_load && now.what != op::store) of.body[load].what = op::borrow;
    }
    if (now.what == op::store || now.what == op::cell) forget(now.argument);
    if (now.what == op::method || now.what == op::list_method) {
      if (stack.empty()) stack.push_back(no_load);  // another block's
      stack.insert(stack.end() - 1, no_load);
    }
    for (std::size_t i = 0; i < does.leaves; ++i) stack.push_back(now.what == op::fast ? at : no_load);
    if (ends_block(now.what)) stack.clear();
  }
}

}  // namespace tally::bytecode
