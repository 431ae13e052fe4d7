// From a recording to what the replay runs: a stream of 32-bit words for each lane, decoded and planned before any clock starts.
//
// A word is an operation in its top four bits and a position in the lane's table of objects in the rest. Positions are used
// again when an object has died, so that the table is as large as what was alive at once and the replay pays for the counting
// and not for cache misses on a table that the recorded program did not have.
//
// Pairs (workloads/traces/FORMAT.md) are references that lived on the interpreter's stack only. A deferring scheme holds them in
// a lane's reference stack, which has `held_capacity` places; each pair is given its place here. A pair is dissolved, both ends
// counted like any other reference, where
//   * no place is free;
//   * C code dropped a reference that the interpreter had taken, so that the count without the pairs would fall below what must
//     stay: one reference until the last drop for an object that threads share, none for others;
//   * it would end in the last drop of an object that threads share: whoever drops last must find a counted reference.
//
// Waits, for the replay on real threads, are the three of FORMAT.md on the counted references. Rule 2 is taken in this form: an
// object's first reference is used up by its last drop and by no other; any other drop uses up its own thread's newest take, or
// else the oldest take of another thread, for which it waits. So at every moment of every replay there is an unused reference,
// whatever the threads' speeds. (Were the first reference free for its creator to drop, a creator that runs ahead could kill an
// object that another thread was about to take.) Only waits that no earlier wait implies are kept.
//
// Parallelism is the number of operations over the length of the longest path through them, where each costs one and follows its
// predecessor on its thread and what it waits for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/contract/workload.hpp"
#include "harness/trace/format.hpp"
#include "harness/trace/graph_plan.hpp"

namespace tally::recorded {

enum class op : std::uint32_t {
  take = 0,  // bit 0 of everything that counts: a drop
  drop = 1,
  paired_take = 2,  // bit 1: one end of a pair
  paired_drop = 3,
  immortal_take = 4,  // bit 2: of an immortal object
  immortal_drop = 5,
  immortal_paired_take = 6,
  immortal_paired_drop = 7,
  last_drop = 9,
  paired_last_drop = 11,
  make = 12,
  make_shared = 13,  // of an object that other threads will meet
  // These are no operations of the recording.
  wait = 8,     // the position is an index of stream::waits
  post = 10,    // others may wait for this lane to have come here
  sample = 14,  // the recording's live bytes are at their maximum
};

constexpr std::uint32_t position_bits = 28;
constexpr std::uint32_t position_mask = (std::uint32_t{1} << position_bits) - 1;
constexpr std::uint32_t word_of(op o, std::uint32_t position) {
  return static_cast<std::uint32_t>(o) << position_bits | position;
}
constexpr op op_of(std::uint32_t word) { return static_cast<op>(word >> position_bits); }
constexpr bool counts(op o) { return o != op::wait && o != op::post && o != op::sample; }
constexpr bool drops(op o) { return counts(o) && o < op::make && (static_cast<std::uint32_t>(o) & 1) != 0; }
constexpr bool paired(op o) { return counts(o) && o < op::make && (static_cast<std::uint32_t>(o) & 2) != 0; }
constexpr bool immortal(op o) { return o < op::wait && (static_cast<std::uint32_t>(o) & 4) != 0; }

constexpr std::size_t held_capacity = 1024;

struct wait_point {
  std::uint16_t lane = 0;
  std::uint32_t posts = 0;  // of that lane, in this pass
};

struct stream {
  std::vector<std::uint32_t> words;
  std::vector<std::uint32_t> sizes;   // of each make in turn: recorded bytes
  std::vector<std::uint16_t> places;  // in the reference stack, of each paired word in turn
  std::vector<wait_point> waits;
  std::uint32_t posts = 0;
  std::uint64_t operations = 0;  // words that count
};

// An object from before the recording, at the position of its index.
struct existing_object {
  std::uint16_t lane = 0;  // of its first event
  bool immortal = false;
  bool shared = false;
  std::uint32_t start = 1;  // references before the first word
  std::uint32_t end = 0;    // after the last; 0: it dies
};

// Which path each operation takes; every operation is in one of them.
struct paths {
  std::uint64_t owner = 0, foreign = 0;                // by the thread of the object's first event, or another
  std::uint64_t paired_owner = 0, paired_foreign = 0;  // the same, where deferral need not count
  std::uint64_t immortal = 0, last = 0, born = 0;
  std::uint64_t written = 0;          // slots
  std::uint64_t paired_immortal = 0;  // of `immortal`
};

struct plan {
  std::string name, content_hash;
  totals sums;
  std::uint16_t recorded_threads = 1;
  std::vector<stream> streams;      // one, or one a recorded thread; none of a recording with slot writes,
  std::optional<graph_plan> graph;  // which has this
  std::vector<existing_object> existing;
  std::vector<left_object> left;
  std::uint32_t positions = 0;
  std::uint64_t operations = 0;   // of one pass over all streams
  paths by_path, by_path_copies;  // the second as a copy among others sees it: existing objects are foreign
  std::uint64_t pairs = 0, dissolved_pairs = 0, waits = 0;
  std::uint32_t most_held = 0;  // places of the reference stack in use at once
  double parallelism = 1;       // that the waits allow; 1 for a single stream
};

// rooted: one stream for a heap that does not see references in the lane's table: it is told what threads begin and cease to refer
// to (graph_plan.hpp). Only where there is a graph.
enum class layout { one_stream, stream_per_thread, rooted };

// Throws usage_error where a recording has no such layout.
[[nodiscard]] plan make_plan(const recording&, layout);

// The plan of a file (a path, or a bundled recording's name), made at the first call and kept for the life of the process.
// Throws usage_error. Thread-safe.
[[nodiscard]] std::shared_ptr<const plan> plan_of(const std::string& file, layout);

// Puts a plan where plan_of finds it: for recordings that are not files.
void keep_plan(const std::string& file, layout, plan);

// What a replay of the plan reports: the shares of the paths, the recording's sums, and the peak of the replaying heap. copies:
// how many replay it side by side; 0: the plan's own streams do.
void report(const plan&, int copies, std::int64_t peak_bytes, metric_list& into);

// How many threads the recording has. Throws usage_error.
[[nodiscard]] int recorded_threads(const std::string& file);

// Whether the recording says what refers to what. Throws usage_error.
[[nodiscard]] bool has_graph(const std::string& file);

}  // namespace tally::recorded
