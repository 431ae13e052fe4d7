// Where in its page a lane's stack begins, drawn anew for each block of a run.
//
// The kernel draws the pages of a thread's stack, and not where in a page its first frame lies: that follows from what the C library
// and this program put there first, and so is the same in every process of a build. But it decides which variables share a line and
// which lines a set of the cache, by which alone a program may be some per cent faster or slower than with a change that touches
// nothing that is measured [Mytkowicz09]. All rows of a block have the same offset, so that none is favoured.
//
// Of an arena's rows (`task_graph`) it is of the thread that drives them: oneTBB makes the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "harness/base/random.hpp"

namespace tally {

inline constexpr std::uint32_t stack_page = 4096, stack_alignment = 16;  // bytes

// `seed`: of a block's draws. A multiple of stack_alignment below stack_page.
[[nodiscard]] inline std::uint32_t stack_offset_of(std::uint64_t seed) {
  constexpr std::uint64_t stream = 0x57ac'0ff5'e700'0000;  // of no lane
  return stack_alignment * random_source(seed, stream).below(stack_page / stack_alignment);
}

// Calls `body` with its frames lower by `bytes`.
template <class Body>
[[gnu::noinline]] void with_stack_offset(std::size_t bytes, Body&& body) {
  void* hole = __builtin_alloca(bytes + stack_alignment);
  asm volatile("" : : "r"(hole) : "memory");
  std::forward<Body>(body)();
  asm volatile("" : : "r"(hole) : "memory");  // it is there until here: no tail call
}

}  // namespace tally
