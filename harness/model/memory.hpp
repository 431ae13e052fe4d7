// The memory of a program under the model checker: what it allocates and frees, and the ranges that it reserves.
#pragma once

#include <cstddef>

namespace tally::model {

void* alloc(std::size_t bytes);
void free(void* p);
std::byte* reserve(std::size_t bytes);
void commit(std::byte* at, std::size_t bytes);
void unreserve(std::byte* at, std::size_t bytes);

}  // namespace tally::model
