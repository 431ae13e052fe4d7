#include "harness/interpreter/bytecode_programs.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "harness/base/errors.hpp"
#include "harness/base/text.hpp"

namespace tally::bytecode {
namespace {

constexpr std::string_view fib_text = R"(
def fib(n)
    resume
    fast n; constant 2; less; jump_if_false twice
    fast n; give_back
  twice:
    global fib; fast n; constant 1; subtract; call 1; global fib; fast n; constant 2; subtract; call 1; add; give_back
def main(rounds)
    global fib; constant 10; call 1; give_back
)";

constexpr std::string_view list_private_text = R"(
def main(rounds)
    constant 1; constant 2; constant 3; list 3; store tab
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast i; fast tab; constant 0; store_item
    fast accu; fast tab; constant 1; item; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view dict_private_text = R"(
def main(rounds)
    constant "a"; constant 1; constant "b"; constant 2; dict 2; store d
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast i; fast d; constant "a"; store_item
    fast accu; fast d; constant "b"; item; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view attr_private_text = R"(
class Point x y
def main(rounds)
    global Point; call 0; store p
    constant 3; fast p; store_attribute Point.y
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast i; fast p; store_attribute Point.x
    fast accu; fast p; attribute Point.y; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view float_private_text = R"(
def main(rounds)
    constant 1.0; store x
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast x; constant 1.01; multiply; store x
    again loop
  done:
    fast x; give_back
)";

constexpr std::string_view list_shared_text = R"(
shared list items 16
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast accu; global items; constant 3; item; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view dict_shared_text = R"(
shared dict table 16
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast accu; global table; constant 3; item; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view attr_shared_text = R"(
class Point x y
shared instance point Point
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast accu; global point; attribute Point.x; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view list_shared_update_text = R"(
shared list items 16
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global items; list_method append; fast i; call 2; pop
    global items; list_method pop_last; call 1; pop
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view dict_shared_update_text = R"(
shared dict table 16
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast i; global table; constant 3; store_item
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view attr_shared_update_text = R"(
class Point x y
shared instance point Point
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global point; attribute Point.x; constant 1; add; global point; store_attribute Point.x
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view call_function_text = R"(
def next_number(i)
    fast i; constant 1; add; give_back
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global next_number; fast i; call 1; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view call_method_text = R"(
class Counter i
def Counter.__init__(self)
    constant 0; fast self; store_attribute Counter.i
    constant None; give_back
def Counter.next_number(self)
    fast self; attribute Counter.i; constant 1; add; fast self; store_attribute Counter.i
    fast self; attribute Counter.i; give_back
def main(rounds)
    global Counter; call 0; store c
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast c; method Counter.next_number; call 1; pop
    again loop
  done:
    fast c; attribute Counter.i; give_back
)";

constexpr std::string_view call_method_shared_text = R"(
class Point x y
shared instance point Point
def Point.get(self)
    fast self; attribute Point.x; give_back
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast accu; global point; method Point.get; call 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view create_instance_text = R"(
class Point x y
def Point.__init__(self, x, y)
    fast x; fast self; store_attribute Point.x
    fast y; fast self; store_attribute Point.y
    constant None; give_back
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global Point; fast i; fast i; call 2; store p
    fast accu; fast p; attribute Point.y; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view create_closure_text = R"(
def add(x) nested
    fast x; closed 0; add; give_back
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    cell i
    fast i; tuple 1; constant code:add; function 1; store foo
    fast foo; constant 1; call 1; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view constants_text = R"(
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    constant None; store x
    constant 1000; store x
    constant "text"; store x
    constant (1, 2); store x
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view generator_text = R"(
def simple_gen() generates
    global range; constant 10; call 1
  loop:
    iterate done; store i
    fast i; yield
    pop
    jump loop
  done:
    constant None; give_back
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global simple_gen; call 0
  inner:
    iterate next; store v
    fast accu; fast v; add; store accu
    jump inner
  next:
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view queue_handoff_text = R"(
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global put; fast i; fast i; tuple 2; call 1; pop
    global get; call 0; store item
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view mixed_text = R"(
class Order price number
def Order.__init__(self, price, number)
    fast price; fast self; store_attribute Order.price
    fast number; fast self; store_attribute Order.number
    constant None; give_back
def Order.total(self)
    fast self; attribute Order.price; fast self; attribute Order.price; multiply; give_back
def rest(x) nested
    closed 0; fast x; subtract; give_back
def main(rounds)
    constant "tea"; constant 2.5; constant "count"; constant 0; dict 2; store prices
    list 0; store sold
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global Order; fast prices; constant "tea"; item; constant 3; call 2; store order
    fast order; method Order.total; call 1; store total
    fast sold; list_method append; fast total; fast i; tuple 2; call 2; pop
    cell i
    fast i; tuple 1; constant code:rest; function 1; store foo
    fast sold; list_method pop_first; call 1; constant 1; item; store first
    fast foo; fast first; call 1; pop
    fast prices; constant "count"; item; constant 1; add; fast prices; constant "count"; store_item
    again loop
  done:
    fast prices; constant "count"; item; give_back
)";

constexpr program_info own[]{
    program_info{"fib", "calls of a function by itself: fib(10)", fib_text, fib_of_ten},
    program_info{"list_private", "tab[0] = i; accu += tab[1], of the lane's own list", list_private_text, each<2>},
    program_info{"dict_private", "d['a'] = i; accu += d['b'], of the lane's own dictionary", dict_private_text, each<2>},
    program_info{"attr_private", "p.x = i; accu += p.y, of the lane's own instance", attr_private_text, each<3>},
    program_info{"float_private", "x *= 1.01: a float per iteration", float_private_text, powers},
    program_info{"list_shared", "accu += items[3], of a list that all lanes read", list_shared_text, each<1003>, true},
    program_info{"dict_shared", "accu += table[3], of a dictionary that all lanes read", dict_shared_text, each<1003>, true},
    program_info{"attr_shared", "accu += point.x, of an instance that all lanes read", attr_shared_text, each<1000>, true},
    program_info{"list_shared_update", "items.append(i); items.pop(), of one list for all lanes", list_shared_update_text,
                 once_per_round, true},
    program_info{"dict_shared_update", "table[3] = i, of one dictionary for all lanes", dict_shared_update_text, once_per_round,
                 true},
    program_info{"attr_shared_update",
                 "point.x += 1, of one instance for all lanes: updates may be lost, as in Python without a GIL",
                 attr_shared_update_text, once_per_round, true},
    program_info{"call_function", "accu = next_number(i)", call_function_text, once_per_round},
    program_info{"call_method", "c.next_number(), of the lane's own instance", call_method_text, once_per_round},
    program_info{"call_method_shared", "point.get(), a method of an instance that all lanes have", call_method_shared_text,
                 each<1000>, true},
    program_info{"create_instance", "p = Point(i, i): an instance and its __init__", create_instance_text, sum_of_rounds},
    program_info{"create_closure", "def add(x): return x + i, and its call: a function, a cell and a tuple", create_closure_text,
                 once_per_round},
    program_info{"constants", "x = None; x = 1000; x = \"text\"; x = (1, 2)", constants_text, once_per_round},
    program_info{"generator", "for v in simple_gen(): accu += v; ten values each, no safepoint among them", generator_text,
                 each<45>},
    program_info{"queue_handoff", "put((i, i)); get(): tuples through queues, to the next lane", queue_handoff_text,
                 once_per_round},
    program_info{"mixed", "orders: an instance, a method, a dictionary, a list, tuples, floats and a closure per order",
                 mixed_text, once_per_round},
};

}  // namespace

std::span<const program_info> programs() {
  static const std::vector<program_info> all = [] {
    std::vector<program_info> made(std::begin(own), std::end(own));
    for (const program_info& item : ftscalingbench_items()) {
      made.push_back(item);
      if (item.text.empty()) made.back().text = std::ranges::find(own, item.as, &program_info::name)->text;
    }
    return made;
  }();
  return all;
}

const program_info& program_named(std::string_view name) {
  for (const program_info& p : programs()) {
    if (p.name == name) return p;
  }
  std::vector<std::string> names;
  for (const program_info& p : programs()) names.emplace_back(p.name);
  throw usage_error("--set program=" + no_such("", name, "program", names).substr(1));
}

}  // namespace tally::bytecode
