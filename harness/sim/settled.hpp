// Whether a window's averages are those of a program that goes on: what a scheme leaves for later (garbage, logs, a lock that is
// held for a while) costs nothing until its time comes, so that a window which ends before is a comparison with half the work.
#pragma once

#include <cstdint>
#include <string>

namespace tally::sim {

// A moment of a run; sums since its start, but for what is of the window.
struct moment {
  std::uint64_t operations = 0;
  std::uint64_t cycles = 0;
  std::uint64_t transfers = 0;  // lines, of the window
  std::uint64_t pages = 0;      // of memory that was ever touched
  std::uint64_t periodic = 0;   // note_periodic()
};

// "" or why not, in words. A window has settled if
//   periodic work happened four times in it, or never in the run;
//   what is given back is used again: in its second half no more new memory was touched than a page a lane or, where what grows
//   is seen to be collected, a sixteenth of all memory;
//   an operation takes as many cycles and line transfers in its second half as in its first, within a tenth.
// `may_grow`: of a strategy that never frees, whose memory grows for good.
[[nodiscard]] std::string why_unsettled(const moment& opened, const moment& half, const moment& closed, std::uint64_t lanes,
                                        bool may_grow);

}  // namespace tally::sim
