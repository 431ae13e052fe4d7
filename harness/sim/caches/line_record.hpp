// What the directory knows of a line, and who wrote which of its bytes.
#pragma once

#include <cstdint>

#include "harness/sim/caches/core_set.hpp"
#include "harness/sim/caches/growing_array.hpp"
#include "harness/sim/caches/machine.hpp"
#include "harness/sim/caches/traffic.hpp"

namespace tally::sim {

using line_id = std::uint32_t;   // a 64-byte line of the simulated address space, counted from its base; below 2^32 - 1
using field_id = std::uint16_t;  // a named field, by the caller's numbering

// The directory is exact: `holders` are the private caches that have the line, and the owner, if there is one, is among
// them. One host line each; all zeros is a line that nobody has. Numbers of cores and LLCs are stored plus one; 0 is nobody.
struct alignas(64) line_record {
  core_set holders;
  core_set ever;                 // who has ever held it: tells cold misses
  std::uint64_t written = 0;     // bytes written since `history` was last brought up to date
  std::uint64_t busy_until = 0;  // a transaction that hands the line over is under way until then
  std::uint32_t history = 0;     // number of its sharing_history entry; 0: never invalidated
  std::uint32_t llcs = 0;        // LLCs with room taken for it; what they hold is stale while a core has it dirty
  field_id field = 0;            // last fetched or written as
  std::uint8_t owner = 0;        // the core that has it exclusive, owned or modified
  line_state state{};            // the owner's; meaningless without one
  std::uint8_t dirty_llc = 0;    // the LLC whose copy is newer than memory
  std::uint8_t tail = 0;         // the core that gets the line at busy_until
  bool tail_reads = false;       // ... and that only reads it

  [[nodiscard]] bool dirty() const { return owner != 0 && (state == line_state::modified || state == line_state::owned); }
  // The line's state in a core's private cache.
  [[nodiscard]] line_state in(unsigned core) const {
    if (!holders.has(core)) return line_state::invalid;
    return owner == core + 1 ? state : line_state::shared;
  }
};
static_assert(sizeof(line_record) == 64);

[[nodiscard]] inline std::uint64_t byte_mask(unsigned offset, unsigned size) {
  return (size >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1) << offset;
}

// Tells true sharing from false, exactly and per byte, for lines that were ever taken from somebody by a write; others have
// no entry. A line's life is cut into epochs: a new one begins whenever a writer takes the line from others. Every byte
// remembers the last epoch in which it was written; every core remembers the epoch that began when it lost the line. Between
// loss and return a core cannot write, so a byte written in or after that epoch was written by somebody else.
class sharing_history {
 public:
  explicit sharing_history(unsigned cores) : stride_(1 + line_bytes + cores) {}

  // A writer takes the line from `losers`: a new epoch begins.
  void taken(line_record& l, const core_set& losers) {
    if (l.history == 0) {
      l.history = ++entries_;
      entries_of_lines_.at(std::size_t{entries_ + 1} * stride_);
      entry(l)[0] = 1;
    }
    settle(l);
    std::uint32_t* const e = entry(l);
    const std::uint32_t epoch = ++e[0];
    losers.each([&](unsigned c) { e[1 + line_bytes + c] = epoch; });
  }
  // The core dropped the line itself.
  void dropped(line_record& l, unsigned core) {
    if (l.history != 0) entry(l)[1 + line_bytes + core] = 0;
  }
  // True if the core's last loss of the line was to a writer.
  [[nodiscard]] bool lost_to_writer(const line_record& l, unsigned core) const {
    return l.history != 0 && entry(l)[1 + line_bytes + core] != 0;
  }
  // Were any of these bytes written since the core lost the line?
  [[nodiscard]] bool written_since_loss(line_record& l, unsigned core, unsigned offset, unsigned size) {
    settle(l);
    const std::uint32_t* const e = entry(l);
    const std::uint32_t lost = e[1 + line_bytes + core];
    for (unsigned b = offset; b < offset + size; ++b) {
      if (e[1 + b] >= lost) return true;
    }
    return false;
  }

 private:
  // An entry: the epoch now, the last epoch of each byte (0: never written), the loss of each core (0: none to a writer).
  std::uint32_t* entry(const line_record& l) { return &entries_of_lines_[std::size_t{l.history} * stride_]; }
  [[nodiscard]] const std::uint32_t* entry(const line_record& l) const {
    return &entries_of_lines_[std::size_t{l.history} * stride_];
  }
  void settle(line_record& l) {
    std::uint32_t* const e = entry(l);
    for (std::uint64_t left = l.written; left != 0; left &= left - 1) {
      e[1 + static_cast<unsigned>(std::countr_zero(left))] = e[0];
    }
    l.written = 0;
  }

  growing_array<std::uint32_t> entries_of_lines_;
  std::size_t stride_;
  std::uint32_t entries_ = 0;
};

}  // namespace tally::sim
