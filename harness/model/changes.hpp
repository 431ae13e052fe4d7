// The mutation in force, and the list of those that a run could be changed by; for the sources of this folder only.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "harness/model/mutations.hpp"

namespace tally::model::checker {

using std::memory_order;

struct change_list {
  const mutation* active = nullptr;
  bool record = false;
  std::vector<mutation> seen;
  std::map<std::tuple<const char*, unsigned, unsigned, int, int, const char*>, bool> known;
};
extern change_list changes;

const char* text(access a);
const char* text(memory_order o);
[[gnu::cold]] bool same_place(const site& a, const site& b);
inline bool changed(const site& at, change what) {
  return changes.active != nullptr && changes.active->what == what && same_place(changes.active->where, at);
}
inline memory_order order_of(const site& at) { return changed(at, change::weaken) ? changes.active->to : at.order; }
inline memory_order failure_order_of(const site& at) {
  return changed(at, change::weaken_failure) ? changes.active->to : at.on_failure;
}
[[gnu::cold]] void write_record(const site& at, bool shared);
inline void record(const site& at, bool shared) {
  if (changes.record) write_record(at, shared);
}

}  // namespace tally::model::checker
