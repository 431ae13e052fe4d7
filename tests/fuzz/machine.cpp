// Machine files: what is accepted is a machine that can be simulated.
#include "harness/sim/caches/machine.hpp"

#include "harness/contract/workload.hpp"
#include "harness/sim/caches/memory_system.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sim::machine m;
  if (!fuzz::accepted<usage_error>([&] { m = sim::parse_machine(text, "it.machine"); })) return 0;
  if (m.cores() == 0 || m.cores() > sim::most_cores) fuzz::finding("number of cores", std::to_string(m.cores()));
  if (m.sockets * m.llcs_per_socket > sim::most_llcs) fuzz::finding("number of LLCs", std::to_string(m.sockets));
  for (const sim::cache_geometry& g : {m.l1, m.l2, m.llc}) {
    if (g.bytes != 0 && std::uint64_t{g.sets()} * g.ways * sim::line_bytes != g.bytes)
      fuzz::finding("cache", std::to_string(g.bytes));
  }
  if (m.llc_of(m.cores() - 1) >= sim::most_llcs) fuzz::finding("LLC of the last core", std::to_string(m.cores()));
  // Tags of all caches together; a test is no place for gigabytes.
  if (m.llc.bytes * m.sockets * m.llcs_per_socket > (std::uint64_t{64} << 20) || m.l2.bytes > (1U << 22)) return 0;
  sim::memory_system memory(m, m.cores(), {.infinite = false});
  for (unsigned i = 0; i < 64; ++i) {
    const sim::line_access a{i % 8, 0, 0, 8, i % 3 == 0 ? sim::access_kind::store : sim::access_kind::load};
    if (memory.perform(i % m.cores(), i, a) == 0) fuzz::finding("an access that takes no time", m.name);
  }
  return 0;
}
