// Text to bytecode. A program is a list of lines:
//
//   class NAME ATTRIBUTE...            a type; its methods are what is defined as NAME.METHOD
//   shared list NAME n                 a list of the integers 1000, 1001 ... which all lanes use; so is
//   shared dict NAME n                 a dictionary from 0, 1 ... to such, and
//   shared instance NAME CLASS         an instance whose attributes are such; a program has one shared container at most
//   local NAME ATTRIBUTE...            CPython's threading.local: the attributes are each lane's own
//   def NAME(ARGUMENT...)              a function of the module or, called CLASS.NAME, of a class; `nested` behind it: code for the
//                                      instruction `function`; `generates`: it makes generators
//   LABEL:
//   OP, OP WHAT                        an instruction: `fast x`, `constant (1, 2)`, `global f`, `attribute CLASS.a`, `jump LABEL`;
//                                      several in a line have a semicolon between them
//
// What a name refers to is decided here, as CPython's caches have it once a loop is warm. `main(rounds)` is what a step calls.
#pragma once

#include <string_view>

#include "harness/interpreter/bytecode.hpp"

namespace tally::bytecode {

// Throws std::logic_error with the line that is wrong.
[[nodiscard]] image assembled(std::string_view text);

}  // namespace tally::bytecode
