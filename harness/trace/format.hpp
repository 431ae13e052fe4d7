// Recordings of real programs' reference counting: reading one, and refusing one that is damaged.
//
// A recording (workloads/traces/FORMAT.md) holds every increment, decrement and birth that a program made, in one total order;
// from version 2 on, what its objects' slots refer to, too. read_recording() decodes the whole file before any clock starts and checks all that can be checked: the container,
// each event's form, each object's balance, and the totals of the header. What it can't see: a flipped bit that changes an
// event's origin or an object's size, since the format has no checksum.
//
// A file that fails a check is refused with usage_error, one line that names the file and the place: "compressed offset" where
// the container is damaged, otherwise the offset in the decompressed stream.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/contract/workload.hpp"

namespace tally::recorded {

enum class kind : std::uint8_t {
  increment = 0,
  decrement = 1,
  immortal_increment = 2,
  immortal_decrement = 3,
  last_decrement = 4,
  birth = 5,
  thread_switch = 6,  // in the file only
  appearance = 7,     // of an object from before the recording
  slot_write = 8,     // version 2
};

struct event {
  std::uint32_t object;
  std::uint16_t thread;
  kind what;
  bool interpreter;  // came from the interpreter's own loop
};

// Of each slot_write in turn.
struct slot_target {
  static constexpr std::uint32_t null = ~std::uint32_t{0};
  std::uint32_t slot = 0, object = null;
};

struct object_facts {
  std::uint32_t bytes = 0;  // recorded size, header included; 0: from before, not known
  std::uint32_t slots = 0;
  std::uint32_t references = 1;  // at birth or appearance
  std::uint16_t thread = 0;      // of its first event
  bool existing = false;         // from before the recording
  bool immortal = false;
  bool shared = false;  // more than one thread met it
  bool dies = false;    // by a last decrement, or with an object whose slot had its last reference
};

// What a correct reader must find; the names are the header's.
struct totals {
  std::uint64_t events = 0, objects = 0, created = 0, died = 0, existing = 0, immortal_objects = 0, shared_objects = 0;
  std::uint64_t max_live_objects = 0, max_live_bytes = 0;
  std::uint64_t increfs = 0, decrefs = 0, immortal_increfs = 0, immortal_decrefs = 0, last_decrefs = 0, news = 0;
  std::uint64_t thread_switches = 0, threads = 0;
  std::uint64_t slots = 0, slot_writes = 0;  // version 2
  friend bool operator==(const totals&, const totals&) = default;
};

struct recording {
  std::string name;          // the file's, without folders
  std::string content_hash;  // FNV-1a of the decompressed stream, 16 hex digits
  std::string header;        // JSON, as it is in the file
  std::string program, description, runtime;
  int version = 1;
  std::uint64_t repairs = 0;
  totals sums;
  std::vector<event> events;  // in recorded order, without thread switches
  std::vector<object_facts> objects;
  std::vector<slot_target> writes;
  std::size_t peak_event = 0;  // index of the birth that brought the live bytes to their maximum

  // Whether it says what refers to what: then its order is its threads' order, and heaps that trace can replay it.
  [[nodiscard]] bool has_graph() const { return sums.slot_writes != 0; }
};

// The file that `name` means: a path, or the name of a recording that comes with the project ("json_cycle"). Throws
// usage_error.
[[nodiscard]] std::string find_recording(const std::string& name);

// Throws usage_error.
[[nodiscard]] recording read_recording(const std::string& path);

// The same of bytes in memory; `label` stands for the file's name in messages.
[[nodiscard]] recording decode_recording(const std::vector<unsigned char>& compressed, const std::string& label);

}  // namespace tally::recorded
