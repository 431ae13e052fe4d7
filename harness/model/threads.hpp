// What a thread under the model checker has beside words and memory: a stack that can be scanned, a clock, and a way to wait or
// fail.
#pragma once

#include <cstdint>

#include "harness/memory/policy.hpp"
#include "harness/model/words.hpp"

namespace tally::model {

void yield();
std::uint64_t now();
stack_range stack();

// For programs under the checker.

void require(bool holds, const char* what);
// Which of the stacks the calling code uses: -1, that of the thread it runs on. For a set-up that prepares several threads'
// contexts.
void act_as(int thread);
// A place on that stack, for one word; dropped in the opposite order.
handle& push_word();
void pop_word();

}  // namespace tally::model
