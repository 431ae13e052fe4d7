// Faults on purpose: which allocation of the process fails.
//
// injection.cpp stands between the program and the C library: malloc and its kin, mmap and mprotect (memory that a heap
// reserves and commits) and pthread_create are counted, and fail as they would without memory. Everything above them (operator
// new, vectors, strings, threads, libraries) fails with them. Linked into a test, or preloaded into `tally` (see process.py).
#pragma once

namespace tally::fault {

// From now on the n-th allocation fails (1: the next one), and, if `lasting`, all after it.
void fail_allocation(long n, bool lasting);
// None fails any more. Returns whether one has, since the last call of fail_allocation.
bool stop_failing();
// How many there have been, since the process began.
long allocations();
// Nothing that is made while one lives is counted or fails, on any thread: for what belongs to the test itself.
class exempt {
 public:
  exempt();
  ~exempt();
  exempt(const exempt&) = delete;
  exempt& operator=(const exempt&) = delete;
};

}  // namespace tally::fault
