// Mutations: one access, or one marked step, that is done wrongly.
//
// They are for proof that the checks can fail. Each is made at run time: no rebuild, and nothing in the measured build.
// Strategies mark steps with tally::mutant (policy.hpp), which is constant false everywhere else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/model/search.hpp"
#include "harness/model/words.hpp"

namespace tally::model {

enum class change : std::uint8_t {
  weaken,          // the access has the order `to`
  weaken_failure,  // the same for the order of a compare_exchange that fails
  skip,            // a store is not made; a read-modify-write only reads
  delay,           // a store is made after the thread's next write to a shared word, or unlock
  tear,            // a read-modify-write is a load and a store
  step,            // tally::mutant of this name is true
};

struct mutation {
  change what = change::step;
  site where;  // of an access
  std::memory_order to = std::memory_order_relaxed;
  std::string name;                                     // that people read and lists refer to; of a step, the step's
  [[nodiscard]] bool same_as(const mutation& o) const;  // whatever the name
};

// All mutations that a run of these schedules could be changed by, nameless but for steps.
[[nodiscard]] std::vector<mutation> mutations_of(const plan&, const std::function<std::unique_ptr<program>()>& make);
// Names them by file, function, field and access, so that a name survives the lines above it.
void name_all(std::vector<mutation>&);
// In force until called again; null: none.
void mutate(const mutation*);
// Whether the step of this name is to be done wrongly now.
bool mutant(std::string_view step);

}  // namespace tally::model
