// Which loads of locals need no count: those whose value is gone from the stack before the local changes.
//
// CPython's compiler does this since 3.14 (LOAD_FAST_BORROW, [CPython#130708]). As there, a basic block is looked at by itself: a load
// borrows if an instruction of the block consumes what it pushed, no store to the local is in between, and what consumes it is not the
// store to another one. Whoever keeps the value makes a reference of its own then.
#pragma once

#include "harness/interpreter/bytecode.hpp"

namespace tally::bytecode {

// Turns these `fast` into `borrow`.
void borrow_loads(code&);

}  // namespace tally::bytecode
