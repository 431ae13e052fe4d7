// What a workload is.
//
// A workload header NAME.hpp declares, in namespace tally::workloads, a struct NAME with
//
//   info                          name, summary, what one operation (one call of step) does in contract calls, parameters
//   template <class H> unmet()    "" or the sentence why heap H can't run it ("needs weak refs")
//   template <class H> unmet_for(const parameters&)   the same for what depends on parameters (a chain longer than the heap
//                                 can free); std::string; optional
//   second_owner(const parameters&)   "" or what of these parameters gives an object a second ref; a workload that has it runs on
//                                 heaps with unique ownership where it is empty, others do not; std::string; optional
//   template <class H> unmet_lanes(const parameters&, int lanes)   the same for the number of lanes (a recording of five
//                                 threads); optional
//   arena_threads = true          its threads are those of the policy's tasks (harness/memory/tasks.hpp): the engine runs ONE
//                                 lane, which drives, and run_env::lanes is the number of the arena's threads; optional
//   template <class H> program    the workload itself:
//
//     program(H&, const run_env&)         parameters are read here; throws usage_error on a bad one
//     void setup(context&)                builds the shared state, before any lane starts; its context stays attached, in a
//                                         blocked region, while the lanes run (the main thread of a real program)
//     lane: struct with lane(program&, context&, const lane_env&)      what one thread holds; made and used on its thread
//     void step(context&, lane&)          ONE operation; polls exactly once. May return bool: false is not counted (the run
//                                         ended while it waited); or std::uint64_t: the number of operations done, for a
//                                         workload whose operations are too short for a call each (info.step says so, and
//                                         its latencies are those of whole steps). Waits only in c.blocked, and ends its
//                                         wait on lane.env.stopping()
//     void resolve(lane&, auto&& loop)    calls loop(step), once, with step(context&, lane&) as a callable in which the
//                                         parameters are decided; in the place of step, for one so short that asking them would
//                                         show. What step captures by value stays in registers. Optional
//     void away(lane&)                    what a lane does between two contexts, when a step has set lane.leaving: see
//                                         harness/engine/attached.hpp; optional. The lane holds parcels only, no ref
//     void leave(context&, lane&)         drops what the lane holds
//     void teardown(context&)             drops the shared state
//     std::int64_t expected() const       objects alive after every lane has left, before teardown
//     std::int64_t leaked() const         objects that this heap can't free after teardown (cycles); 0 when absent
//     std::string check(context&)         after the lanes: "" or what went wrong with the workload's own invariants; optional
//     void report(metric_list&) const     figures of its own; optional
//     void notes(note_list&) const        what its record says in words, besides its parameters; optional
//     static std::size_t payload_bytes(const run_env&)   peak live payload in bytes, for heap limits as its multiples;
//                                         optional, and where it is absent the workload has no heap-size axis
//     static double parallelism(const run_env&)          what the workload itself allows; optional; below 1.5 the row is
//                                         `serial`
//
// Every random draw comes from the lane's generator. Payload words that matter for traffic are tally::var of H::memory.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/errors.hpp"
#include "harness/base/random.hpp"
#include "harness/base/text.hpp"
#include "harness/contract/strategy.hpp"

namespace tally {

enum class parameter_kind { whole, real, word, text };

// A parameter's row; made by the four functions below.
struct parameter_info {
  static constexpr std::size_t most_words = 4;
  std::string_view name;
  parameter_kind kind = parameter_kind::text;
  double number = 0, least = 0, most = 0;             // of numbers: the default and the range
  std::array<std::string_view, most_words> values{};  // of a word: what it may be; the first is the default
  std::string_view help;

  [[nodiscard]] bool is_number() const { return kind == parameter_kind::whole || kind == parameter_kind::real; }
  [[nodiscard]] std::vector<std::string> words() const;
  // The default, as it is written.
  [[nodiscard]] std::string fallback() const { return is_number() ? number_text(number) : std::string(values.front()); }
};
constexpr parameter_info whole(std::string_view name, std::int64_t fallback, std::int64_t least, std::int64_t most,
                               std::string_view help) {
  return {name, parameter_kind::whole, static_cast<double>(fallback), static_cast<double>(least), static_cast<double>(most), {},
          help};
}
constexpr parameter_info real(std::string_view name, double fallback, double least, double most, std::string_view help) {
  return {name, parameter_kind::real, fallback, least, most, {}, help};
}
constexpr parameter_info word(std::string_view name, std::initializer_list<std::string_view> values, std::string_view help) {
  parameter_info p{name, parameter_kind::word, 0, 0, 0, {}, help};
  std::size_t at = 0;
  for (const std::string_view v : values) p.values.at(at++) = v;
  return p;
}
constexpr parameter_info text(std::string_view name, std::string_view fallback, std::string_view help) {
  return {name, parameter_kind::text, 0, 0, 0, {fallback}, help};
}

struct workload_info {
  std::string_view name;
  std::string_view summary;
  std::string_view step;  // which contract calls one operation makes, in a sentence
  std::span<const parameter_info> parameters;
  int min_lanes = 1;
};

// Parameter values of one row, complete (defaults filled in) and checked: a number is in its range, and whole where it has to be;
// a word is one of those there are. Equal values are written in one way, however they were typed.
class parameters {
 public:
  parameters() = default;
  // Throws usage_error that names the parameter, the value and what there is.
  explicit parameters(const workload_info& w, const std::map<std::string, std::string>& given = {});
  [[nodiscard]] double number(std::string_view name) const { return at(name).number; }
  [[nodiscard]] std::int64_t integer(std::string_view name) const { return static_cast<std::int64_t>(at(name).number); }
  // As it is written: in a row's name, in a record.
  [[nodiscard]] const std::string& text(std::string_view name) const { return at(name).text; }
  // A word as an enumerator; those of E are in the order of the parameter's words.
  template <class E>
  [[nodiscard]] E word(std::string_view name) const {
    return static_cast<E>(at(name).word);
  }
  [[nodiscard]] bool contains(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] bool is(std::string_view name, std::string_view word) const { return at(name).text == word; }

 private:
  struct value {
    std::string text;
    double number = 0;
    int word = 0;
  };
  [[nodiscard]] const value& at(std::string_view name) const;
  static value checked(const workload_info& w, const parameter_info& p, const std::string& given);
  std::map<std::string, value, std::less<>> values_;
};

struct run_env {
  const parameters& params;
  int lanes = 1;
  std::uint64_t seed = 1;
};

struct lane_env {
  int index = 0;
  int lanes = 1;
  std::uint64_t seed = 1;
  const std::atomic<bool>* stop = nullptr;
  [[nodiscard]] bool stopping() const { return stop != nullptr && stop->load(std::memory_order_relaxed); }
  [[nodiscard]] random_source random() const { return {seed, static_cast<std::uint64_t>(index)}; }
};

// Figures of a workload's own, by name; evidence class and unit travel with each.
struct metric {
  std::string name;
  double value = 0;
  std::string unit;
  std::string evidence = "measured";
};
using metric_list = std::vector<metric>;

// What a record says in words: a library's settings, a recording's content hash. (name, text)
using note_list = std::vector<std::pair<std::string, std::string>>;

template <class... W>
struct workload_list {};

// This build runs W with the default variant of a strategy only (sanitizer builds: workloads.cmake).
template <class W>
inline constexpr bool defaults_only = false;
inline constexpr std::string_view defaults_only_reason = "this build has only the default variant here";

}  // namespace tally
