// The search of a program's schedules: what a program is, how its schedules are chosen and how many, and what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tally::model {

struct program {
  virtual ~program() = default;
  virtual void thread(int number) = 0;  // all of them at once
  virtual void end() {}                 // after all of them
};

enum class search { random, bounded, full };

struct plan {
  search kind = search::random;
  int threads = 2;
  std::uint64_t schedules = 1000;  // at most; a full or bounded search may end before
  int switches = 3;                // bounded: threads lose the processor against their will so often, at most
  std::uint64_t seed = 1;
};

struct outcome {
  bool complete = false;  // full and bounded: every schedule has been visited
  std::uint64_t schedules = 0;
  std::string failure;  // empty: none
  std::string history;  // what led to it, if asked for
};

[[nodiscard]] outcome check(const plan&, const std::function<std::unique_ptr<program>()>& make, bool with_history = true);

}  // namespace tally::model
