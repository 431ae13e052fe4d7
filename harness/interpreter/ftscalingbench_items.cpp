// The items of CPython's Tools/ftscalingbench, under their own names; deepcopy is of its later versions. Its create_closure makes a
// function without a cell, which is create_function here; its generator is ours.
#include "harness/interpreter/bytecode_programs.hpp"

namespace tally::bytecode {
namespace {

constexpr std::string_view object_cfunction_text = R"(
def main(rounds)
    constant 1; constant 2; constant 3; list 3; store tab
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast tab; list_method pop_first; call 1; pop
    fast tab; list_method append; fast i; call 2; pop
    fast accu; fast tab; constant 1; item; pop
    constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view cmodule_function_text = R"(
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global math; attribute math.floor; fast i; fast i; multiply; call 1; pop
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view module_function_text = R"(
def double(x)
    fast x; fast x; add; give_back
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast accu; global module; attribute module.double; fast i; call 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view load_string_const_text = R"(
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast i; constant "a string"; equal; jump_if_false other
    fast accu; constant 7; add; store accu
    again loop
  other:
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view load_tuple_const_text = R"(
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast i; constant (1, 2); equal; jump_if_false other
    fast accu; constant 7; add; store accu
    again loop
  other:
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view create_pyobject_text = R"(
class MyObject
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global MyObject; call 0; store o
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view create_function_text = R"(
def foo(x) nested
    fast x; give_back
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    constant code:foo; function 0; store foo
    fast foo; fast i; call 1; store accu
    again loop
  done:
    fast accu; constant 1; add; give_back
)";

constexpr std::string_view create_dict_text = R"(
def main(rounds)
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    constant "key"; constant "value"; dict 1; store d
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view thread_local_read_text = R"(
local storage x
def main(rounds)
    global storage; store tmp
    constant 10; fast tmp; store_attribute local.x
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    fast tmp; attribute local.x; store x
    fast tmp; attribute local.x; store x
    fast tmp; attribute local.x; store x
    fast tmp; attribute local.x; store x
    fast tmp; attribute local.x; store x
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr std::string_view deepcopy_text = R"(
def main(rounds)
    constant "list"; constant 1; constant 2; list 2; constant "tuple"; constant (1, None); dict 2; store x
    constant 0; store accu
    global range; fast rounds; call 1
  loop:
    iterate done; store i
    global deepcopy; fast x; call 1; store y
    fast accu; constant 1; add; store accu
    again loop
  done:
    fast accu; give_back
)";

constexpr program_info items[]{
    program_info{"object_cfunction", "ftscalingbench: pop(0) and append of the lane's own list", object_cfunction_text,
                 once_per_round},
    program_info{"cmodule_function", "ftscalingbench: math.floor(i * i)", cmodule_function_text, once_per_round},
    program_info{"mult_constant", "ftscalingbench: as float_private", {}, powers, false, "float_private"},
    program_info{"pymethod", "ftscalingbench: as call_method", {}, once_per_round, false, "call_method"},
    program_info{"pyfunction", "ftscalingbench: as call_function", {}, once_per_round, false, "call_function"},
    program_info{"module_function", "ftscalingbench: total += module.double(i)", module_function_text, twice_sum_of_rounds},
    program_info{"load_string_const", "ftscalingbench: if i == 'a string'", load_string_const_text, once_per_round},
    program_info{"load_tuple_const", "ftscalingbench: if i == (1, 2)", load_tuple_const_text, once_per_round},
    program_info{"create_pyobject", "ftscalingbench: o = MyObject()", create_pyobject_text, once_per_round},
    program_info{"create_function", "ftscalingbench's create_closure: def foo(x): return x, and its call", create_function_text,
                 once_per_round},
    program_info{"create_dict", "ftscalingbench: d = {'key': 'value'}", create_dict_text, once_per_round},
    program_info{"thread_local_read", "ftscalingbench: five reads of an attribute of a threading.local", thread_local_read_text,
                 once_per_round},
    program_info{"deepcopy", "a copy of {'list': [1, 2], 'tuple': (1, None)} and all in it", deepcopy_text, once_per_round},
};

}  // namespace

std::span<const program_info> ftscalingbench_items() { return items; }

}  // namespace tally::bytecode
