// What is counted, per virtual core and named field. All are plain sums, so that fields and cores add up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace tally::sim {

// A failed compare-exchange is an rmw too: it takes the line just the same.
enum class access_kind : std::uint8_t { load, store, rmw };
inline constexpr std::array access_kind_names{"load", "store", "rmw"};
constexpr unsigned access_kinds = access_kind_names.size();
static_assert(access_kinds == static_cast<unsigned>(access_kind::rmw) + 1);

// A line's state in a private cache. owned exists under MOESI only: dirty, and shared with others.
enum class line_state : std::uint8_t { shared, exclusive, owned, modified, invalid };
inline constexpr std::array hit_state_names{"shared", "exclusive", "owned", "modified"};
constexpr unsigned hit_states = hit_state_names.size();
static_assert(hit_states == static_cast<unsigned>(line_state::invalid));

enum class hit_level : std::uint8_t { l1, l2 };

// Where the data of a miss came from. core_*: another core's private cache; these are the line transfers.
enum class origin : std::uint8_t {
  llc,
  llc_same_socket,
  llc_other_socket,
  core_same_llc,
  core_same_socket,
  core_other_socket,
  memory
};
inline constexpr std::array origin_names{
    "llc", "llc_same_socket", "llc_other_socket", "core_same_llc", "core_same_socket", "core_other_socket", "memory"};
constexpr unsigned origins = origin_names.size();
static_assert(origins == static_cast<unsigned>(origin::memory) + 1);

struct traffic {
  std::uint64_t hit[access_kinds][2][hit_states]{};  // by kind, level (L1, L2) and the state that was found
  std::uint64_t miss[access_kinds]{};                // what needed the directory, by kind

  // Requests. gets = miss[load]; getm + upgrades = the other two kinds' misses.
  std::uint64_t gets = 0;
  std::uint64_t getm = 0;
  std::uint64_t upgrades = 0;  // dataless: the requester had the line, shared
  // What the requests made the directory send.
  std::uint64_t forwards_gets = 0;  // to an owner, which keeps a copy
  std::uint64_t forwards_getm = 0;  // to an owner, which gives the line away
  std::uint64_t invalidations = 0;  // copies that others lost: each to an INV message, answered by an ack, or to a forward
  std::uint64_t data[origins]{};
  // Dirty data on its way down. Of a forward: the owner's copy to the LLC because somebody else reads. Of an eviction: the
  // evicted line's, counted where it was last fetched or written. llc: out of an LLC, or past it, to memory.
  std::uint64_t writebacks_forward = 0;
  std::uint64_t writebacks_eviction = 0;
  std::uint64_t writebacks_llc = 0;
  std::uint64_t llc_updates = 0;  // clean data to an LLC that had no copy (victim and noninclusive LLCs only)
  std::uint64_t evictions = 0;    // lines that a private cache dropped for room, or because an inclusive LLC did
  // Why the data was not here: never had it; lost it for room; lost it to a writer of the bytes now touched, or of others
  // only.
  std::uint64_t cold = 0;
  std::uint64_t capacity = 0;
  std::uint64_t true_sharing = 0;
  std::uint64_t false_sharing = 0;
  // All messages of the above: control ones of 8 bytes, data ones of 72.
  std::uint64_t control_messages = 0;
  std::uint64_t data_messages = 0;
  std::uint64_t miss_cycles = 0;    // spent in misses, waiting included
  std::uint64_t queued_cycles = 0;  // spent waiting for a line that was on its way to somebody else

  [[nodiscard]] std::uint64_t hits(access_kind k) const {
    std::uint64_t n = 0;
    for (const auto& level : hit[static_cast<unsigned>(k)]) {
      for (const std::uint64_t h : level) n += h;
    }
    return n;
  }
  [[nodiscard]] std::uint64_t accesses(access_kind k) const { return hits(k) + miss[static_cast<unsigned>(k)]; }
  [[nodiscard]] std::uint64_t accesses() const {
    return accesses(access_kind::load) + accesses(access_kind::store) + accesses(access_kind::rmw);
  }
  [[nodiscard]] std::uint64_t misses() const { return miss[0] + miss[1] + miss[2]; }
  [[nodiscard]] std::uint64_t from(origin o) const { return data[static_cast<unsigned>(o)]; }
  // Line transfers: data that came from another core's private cache.
  [[nodiscard]] std::uint64_t transfers() const {
    return from(origin::core_same_llc) + from(origin::core_same_socket) + from(origin::core_other_socket);
  }
  [[nodiscard]] std::uint64_t inv_messages() const { return invalidations - forwards_getm; }
  [[nodiscard]] std::uint64_t writebacks() const { return writebacks_forward + writebacks_eviction; }
  [[nodiscard]] std::uint64_t bytes() const { return control_messages * 8 + data_messages * 72; }

  // Every counter of single events, by the name that is written: f(name, counter). What is added, written and tested comes from
  // here; one that is missing here does not compile.
  static constexpr void each_counter(auto& of, auto&& f) {
    f("gets", of.gets), f("getm", of.getm), f("upgrades", of.upgrades);
    f("forwards_gets", of.forwards_gets), f("forwards_getm", of.forwards_getm), f("invalidations", of.invalidations);
    f("writebacks_forward", of.writebacks_forward), f("writebacks_eviction", of.writebacks_eviction);
    f("writebacks_llc", of.writebacks_llc), f("llc_updates", of.llc_updates), f("evictions", of.evictions);
    f("cold", of.cold), f("capacity", of.capacity), f("true_sharing", of.true_sharing), f("false_sharing", of.false_sharing);
    f("control_messages", of.control_messages), f("data_messages", of.data_messages);
    if constexpr (std::is_const_v<std::remove_reference_t<decltype(of)>>) f("bytes", of.bytes()), f("transfers", of.transfers());
    f("miss_cycles", of.miss_cycles), f("queued_cycles", of.queued_cycles);
  }

  traffic& operator+=(const traffic& other);
  bool operator==(const traffic&) const = default;
};

// hit, miss and data, and what each_counter() names: no counter is left out.
constexpr std::size_t traffic_counters() {
  std::size_t n = access_kinds * 2 * hit_states + access_kinds + origins;
  traffic t;
  traffic::each_counter(t, [&n](const char*, std::uint64_t&) { ++n; });
  return n;
}
static_assert(traffic_counters() * sizeof(std::uint64_t) == sizeof(traffic));

inline traffic& traffic::operator+=(const traffic& other) {
  // Nothing but counters, as was asserted: an array of them.
  auto* mine = reinterpret_cast<std::uint64_t*>(this);
  const auto* theirs = reinterpret_cast<const std::uint64_t*>(&other);
  for (std::size_t i = 0; i < traffic_counters(); ++i) mine[i] += theirs[i];
  return *this;
}

}  // namespace tally::sim
