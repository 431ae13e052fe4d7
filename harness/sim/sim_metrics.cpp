#include "harness/sim/sim_metrics.hpp"

#include <array>

namespace tally::sim {
namespace {

using source = const simulated_point&;
using value = std::optional<double>;
using row = metric_row<simulated_point>;
using enum better;

constexpr const char* simulated = "simulated";
constexpr const char* modelled = "modelled";

bool timed(source s) { return s.point.cycles != 0 && s.point.operations != 0; }
double seconds(source s) { return static_cast<double>(s.point.cycles) / (s.clock_ghz * 1e9); }
value when(bool known, double v) { return known ? value(v) : std::nullopt; }

// In the order in which a record has them.
constexpr std::array table{
    row{{"operations", "1", simulated, neither, "operations in the window, of all cores"},
        [](source s) { return value(static_cast<double>(s.point.operations)); }},
    row{{"accesses_per_op", "1/op", simulated, less, "loads, stores and read-modify-writes per operation"},
        [](source s) { return value(s.per_operation(s.total.accesses())); }},
    row{{"transfers_per_op", "1/op", simulated, less, "lines that come from another core's private cache, per operation"},
        [](source s) { return value(s.per_operation(s.total.transfers())); }},
    row{{"handoffs_per_op", "1/op", simulated, less, "line hand-offs per operation, as read-modify-writes would notice them"},
        [](source s) { return value(s.per_operation(s.handoffs.handoffs)); }},
    row{{"ops_per_handoff", "1", simulated, more, "operations per line hand-off"},
        [](source s) {
          return when(s.handoffs.handoffs != 0,
                      static_cast<double>(s.point.operations) / static_cast<double>(s.handoffs.handoffs));
        }},
    row{{"l1_hits_per_op", "1/op", simulated, neither, "accesses that hit the first-level cache, per operation"},
        [](source s) { return value(s.per_operation(s.hits[0])); }},
    row{{"l2_hits_per_op", "1/op", simulated, neither, "accesses that hit the second-level cache, per operation"},
        [](source s) { return value(s.per_operation(s.hits[1])); }},
    row{{"gets_per_op", "1/op", simulated, less, "requests to read a line, per operation"},
        [](source s) { return value(s.per_operation(s.total.gets)); }},
    row{{"getm_per_op", "1/op", simulated, less, "requests to own a line that was not there, per operation"},
        [](source s) { return value(s.per_operation(s.total.getm)); }},
    row{{"upgrades_per_op", "1/op", simulated, less, "requests to own a line that was there to read, per operation"},
        [](source s) { return value(s.per_operation(s.total.upgrades)); }},
    row{{"forwards_per_op", "1/op", simulated, less, "requests that the directory sends on to an owner, per operation"},
        [](source s) { return value(s.per_operation(s.total.forwards_gets + s.total.forwards_getm)); }},
    row{{"invalidations_per_op", "1/op", simulated, less, "copies that other cores lose, per operation"},
        [](source s) { return value(s.per_operation(s.total.invalidations)); }},
    row{{"llc_fills_per_op", "1/op", simulated, less, "lines that come from a last-level cache, per operation"},
        [](source s) {
          return value(s.per_operation(s.total.from(origin::llc) + s.total.from(origin::llc_same_socket) +
                                       s.total.from(origin::llc_other_socket)));
        }},
    row{{"memory_fills_per_op", "1/op", simulated, less, "lines that come from memory, per operation"},
        [](source s) { return value(s.per_operation(s.total.from(origin::memory))); }},
    row{{"writebacks_per_op", "1/op", simulated, less, "dirty lines that go down, per operation"},
        [](source s) { return value(s.per_operation(s.total.writebacks())); }},
    row{{"false_sharing_per_op", "1/op", simulated, less, "misses for lines lost to writes of other bytes only, per operation"},
        [](source s) { return value(s.per_operation(s.total.false_sharing)); }},
    row{{"bytes_per_op", "B/op", simulated, less, "bytes of messages between caches, per operation"},
        [](source s) { return value(s.per_operation(s.total.bytes())); }},
    row{{"failed_cas_per_op", "1/op", simulated, less, "compare-exchanges that fail, per operation"},
        [](source s) { return value(s.per_operation(s.failed_cas)); }},
    row{{"cycles_per_op", "cycles", modelled, less, "cycles per operation, on its core"},
        [](source s) {
          return when(timed(s), static_cast<double>(s.point.cycles) * static_cast<double>(s.point.lanes.size()) /
                                    static_cast<double>(s.point.operations));
        }},
    row{{"ops_per_second", "1/s", modelled, more, "operations per second, of all cores together"},
        [](source s) { return when(timed(s), static_cast<double>(s.point.operations) / seconds(s)); }},
    row{{"ns_per_op", "ns", modelled, less, "time per operation, on its core"},
        [](source s) {
          return when(timed(s),
                      1e9 * seconds(s) * static_cast<double>(s.point.lanes.size()) / static_cast<double>(s.point.operations));
        }},
    row{{"header_bytes", "B", "measured", less, "bytes before each object that the strategy counts in"},
        [](source s) { return when(s.header_bytes != 0, static_cast<double>(s.header_bytes)); }},
};

}  // namespace

simulated_point::simulated_point(const point_result& p, double ghz, std::size_t header)
    : point(p), clock_ghz(ghz), header_bytes(header), total(p.total()), handoffs(p.handoffs()) {
  for (unsigned k = 0; k < access_kinds; ++k) {
    for (unsigned level = 0; level < 2; ++level) {
      for (unsigned s = 0; s < hit_states; ++s) hits[level] += total.hit[k][level][s];
    }
  }
  for (const auto& f : p.fields) failed_cas += f.failed_cas;
}

std::span<const metric_row<simulated_point>> simulated_metrics() { return table; }

}  // namespace tally::sim
