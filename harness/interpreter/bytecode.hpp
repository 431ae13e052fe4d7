// What the model runtime runs: instructions, code, and the objects that are there before a program starts, as values.
//
// The instructions are CPython's specialised ones in what they do to references (workloads/interpreter.hpp says which does
// what); names of attributes and globals are places by now, as in an inline cache. Nothing here knows a heap.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tally::bytecode {

// Of objects. The first is no object's: memory that was wiped must not pass for one.
enum class kind : std::uint8_t {
  nothing,
  none,
  boolean,
  whole,
  real,
  text,
  tuple,
  list,   // slot 0: its array; word: its length
  dict,   // slot 0: its array of keys and values in turn; word: how many there are
  array,  // what lists and dicts keep their items in
  cell,   // slot 0: what a closure shares
  code,   // slots: constants; word: which
  function,
  type,      // slots: __init__ or null, then what methods() lists; word: attributes of an instance
  instance,  // slot 0: its type, then attributes
  range,     // word: the next, above it the end
  generator,
  builtin,  // word: which
  module,   // slots: its names
  local,    // CPython's threading.local: word: the place in what a lane has for itself
  shared_list,
  shared_dict,
  shared_instance,
};

enum class op : std::uint8_t {
  fast,      // push a copy of a local
  borrow,    // push a local as it is (borrowed_loads.hpp)
  store,     // pop into a local
  constant,  // push a copy of a constant
  global,    // push a copy of a module's name
  closed,    // push a copy of what a closure's cell holds
  pop,
  add,
  subtract,
  multiply,
  equal,
  less,
  jump,
  jump_if_false,
  again,   // the jump back of a loop: one operation, and the safepoint
  resume,  // a function's start, where calls are what is counted: the same
  tuple,
  list,
  dict,
  item,
  store_item,
  attribute,
  store_attribute,
  method,  // of an instance
  list_method,
  cell,      // puts a local into a cell
  function,  // pops code and, where the argument is 1, a tuple of cells
  call,
  give_back,  // return
  yield,
  iterate,  // FOR_ITER of a range or a generator
};

enum class native_function : std::uint8_t { range, floor, append, pop_first, pop_last, put, get, deepcopy };

struct instruction {
  op what;
  std::int32_t argument = 0;
};

struct code {
  std::string name;
  std::uint32_t arguments = 0, locals = 0, most = 0;  // most: values that its stack may hold besides
  bool generates = false;
  std::vector<instruction> body;
};

// The slots of a function object.
enum function_slot : std::uint32_t {
  its_code,
  its_globals,
  its_builtins,
  its_name,
  its_qualified_name,
  its_doc,
  its_closure,
  function_slots
};

// An object to make: its slots refer to objects before it.
struct recipe {
  kind what = kind::nothing;
  std::uint64_t word = 0;
  std::uint32_t slots = 0;             // at least holds.size()
  std::vector<std::int32_t> holds{};   // -1: nothing
  std::vector<std::int32_t> shared{};  // the same of shared slots, as many as there are
  bool immortal = false;
};

// What CPython 3.14 does not count on stacks: module-level functions and methods, their code, classes, modules. And what it has counted
// by each thread for itself besides: what instances, functions and frames have a reference to.
constexpr bool is_deferred(const recipe& r) {
  return r.what == kind::function || r.what == kind::code || r.what == kind::type || r.what == kind::module;
}
constexpr bool has_many_edges(const recipe& r) { return is_deferred(r) && r.what != kind::function; }

struct image {
  std::vector<recipe> objects;
  std::vector<code> codes;
  std::int32_t small_ints = 0, none = 0, yes = 0, no = 0, module = 0, builtins = 0, name = 0, list_methods = 0, main = 0;
  std::int32_t prepare = -1;          // what makes a lane's own object, or nothing
  std::vector<std::int32_t> names{};  // what the module holds; it is filled last, since functions hold it
};

// The integers that there is one object of, as in CPython.
inline constexpr std::int64_t least_small = -5, most_small = 256;
// What is in a shared container at first: above them, so that each is an object of its own.
inline constexpr std::int64_t first_shared = 1000;

}  // namespace tally::bytecode
