// Machines for the tests of the memory system. Their figures are round, so that expected clocks can be told by hand.
#pragma once

#include "harness/sim/caches/memory_system.hpp"

namespace tally::sim::testing {

// One socket, one LLC, 128 cores; small caches, so that real geometries run full quickly.
inline machine flat_machine() {
  machine m;
  m.name = "flat";
  m.clock_ghz = 1;
  m.sockets = 1;
  m.llcs_per_socket = 1;
  m.cores_per_llc = most_cores;
  m.l1 = {1024, 2};
  m.l2 = {4096, 4};
  m.llc = {32768, 8};
  m.policy = llc_policy::noninclusive;
  m.l1_hit = 4;
  m.l2_hit = 14;
  m.llc_hit = 40;
  m.memory = 300;
  m.transfer = 120;
  m.transfer_llc = 240;
  m.transfer_socket = 480;
  m.store_hit = 1;
  m.rmw_hit = 20;
  return m;
}

// The same with 2 sockets, 4 LLCs each, 4 cores each: 32 cores.
inline machine tree_machine(llc_policy policy) {
  machine m = flat_machine();
  m.name = "tree";
  m.sockets = 2;
  m.llcs_per_socket = 4;
  m.cores_per_llc = 4;
  m.policy = policy;
  return m;
}

}  // namespace tally::sim::testing
