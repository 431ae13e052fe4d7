// The one file that knows libpfm4: event names of many processors. Optional; without it the text files' other encodings count.
#include <cstdlib>

#include "harness/counters/perf_group.hpp"

#ifdef TALLY_LIBPFM
// libpfm4 has a copy of the kernel's header of its own, which can't be included together with the kernel's.
#include <perfmon/pfmlib_perf_event.h>
#endif

namespace tally {

#ifdef TALLY_LIBPFM
bool has_libpfm() { return true; }

std::optional<perf_code> encode_by_libpfm(const std::string& name, std::string& reason) {
  // A group's section says for which processors its names are: names of a relative with the same events are fine, too.
  static const pfm_err_t ready = (setenv("LIBPFM_ENCODE_INACTIVE", "1", 1), pfm_initialize());
  perf_event_attr attr{};
  attr.size = sizeof attr;
  pfm_perf_encode_arg_t argument{};
  argument.size = sizeof argument;
  argument.attr = &attr;
  const pfm_err_t error =
      ready != PFM_SUCCESS ? ready : pfm_get_os_event_encoding(name.c_str(), PFM_PLM3, PFM_OS_PERF_EVENT, &argument);
  if (error != PFM_SUCCESS) {
    reason = "libpfm4 on " + name + ": " + pfm_strerror(error);
    return std::nullopt;
  }
  return perf_code{attr.type, attr.config, attr.config1};
}
#else
bool has_libpfm() { return false; }

std::optional<perf_code> encode_by_libpfm(const std::string&, std::string& reason) {
  reason = "this build has no libpfm4 (Debian: libpfm4-dev)";
  return std::nullopt;
}
#endif

}  // namespace tally
