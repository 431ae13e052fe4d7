// What a heap has from malloc: memory.cpp stands between malloc and the programs that link tally_sequences, for the calls in
// their own code, which is where heaps of the native policy make theirs. (What the libraries allocate is not theirs.) What is
// freed is overwritten first, so that nobody takes it for what it was.
#pragma once

namespace tally::conform {

// Blocks that the process has and has not given back: while no other thread runs than those of the heap that is looked at.
[[nodiscard]] long blocks_held();

}  // namespace tally::conform
