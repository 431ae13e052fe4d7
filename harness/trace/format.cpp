#include "harness/trace/format.hpp"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"
#include "harness/trace/count_model.hpp"
#include "harness/trace/raw_stream.hpp"
#include "harness/trace/recorder.hpp"

namespace tally::recorded {
namespace {

using limits = recording_limits;

// What version 2 has besides: the first bytes of two events.
constexpr unsigned slot_write_byte = 16, birth_with_slots_byte = 16 | 5;
static_assert(slot_target::null == count_model::none);

// What reading a recording and planning its replay takes, as the largest of many were seen to; what two threads share is the waits'
// (waits.hpp). Slots: four bytes in each of two models; a write: itself, and two words more; all in vectors that grow by doubling.
std::uint64_t bytes_needed(const totals& t) {
  constexpr std::uint64_t per_event = 40, per_object = 64, per_slot = 16, per_write = 24, per_shared_and_thread = 40;
  const std::uint64_t waits = t.threads > 1 ? t.shared_objects * t.threads * per_shared_and_thread : 0;
  return t.events * per_event + t.objects * per_object + t.slots * per_slot + t.slot_writes * per_write + waits;
}

// That this process may have: the machine's memory, or what a limit on its addresses leaves.
std::uint64_t bytes_to_have() {
  std::uint64_t most =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  rlimit addresses{};
  if (::getrlimit(RLIMIT_AS, &addresses) == 0) most = std::min<std::uint64_t>(most, addresses.rlim_cur);
  return most;
}

class decoder {
 public:
  decoder(raw_stream& raw, const std::string& label) : raw_(raw), label_(label) {}

  recording decode() {
    head();
    for (unsigned char first = 0; raw_.next(first);) one_event(raw_.offset() - 1, first);
    finish();
    r_.name = label_;
    r_.content_hash = raw_.content_hash();
    return std::move(r_);
  }

 private:
  [[noreturn]] void damaged(std::uint64_t offset, const std::string& why) const { refuse(label_, "offset", offset, why); }

  void head() {
    const auto next = [&](const char* what) {
      unsigned char byte = 0;
      if (!raw_.next(byte)) damaged(raw_.offset(), fmt::format("the {} is cut off", what));
      return byte;
    };
    std::string start;
    while (start.size() < 8) start.push_back(static_cast<char>(next("recording")));
    if (start != "RCTRACE1" && start != "RCTRACE2") damaged(0, "not a recording of version 1 or 2");
    r_.version = start.back() - '0';
    std::uint32_t length = 0;
    for (int shift = 0; shift < 32; shift += 8) length |= std::uint32_t{next("recording")} << shift;
    if (length > limits::header_bytes)
      damaged(8, fmt::format("the header has {} bytes, more than {}", length, limits::header_bytes));
    while (r_.header.size() < length) r_.header.push_back(static_cast<char>(next("header")));
    const auto json = nlohmann::json::parse(r_.header, nullptr, false);
    if (!json.is_object()) damaged(12, "the header is not a JSON object");
    const auto number = [&](const char* key, std::uint64_t& into) {
      const auto found = json.find(key);
      if (found == json.end() || !found->is_number_unsigned()) damaged(12, fmt::format("the header has no count \"{}\"", key));
      into = found->get<std::uint64_t>();
    };
    const auto text = [&](const char* key, std::string& into) {
      if (const auto found = json.find(key); found != json.end() && found->is_string()) into = found->get<std::string>();
    };
    text("program", r_.program), text("description", r_.description), text("runtime", r_.runtime);
    if (json.contains("repairs")) number("repairs", r_.repairs);
    for (const auto& [key, field] : fields()) number(key, stated_.*field);
    acceptable("events", stated_.events, limits::events);
    acceptable("objects", stated_.objects, limits::events);
    acceptable("shared_objects", stated_.shared_objects, limits::events);
    acceptable("threads", stated_.threads, limits::threads);
    acceptable("slots", stated_.slots, limits::slots);
    acceptable("slot_writes", stated_.slot_writes, limits::events);
    if (const std::uint64_t need = bytes_needed(stated_), most = bytes_to_have(); need > most) {
      damaged(12, fmt::format("the header's {} events and {} objects take about {} MB to replay, and this process may have {},",
                              stated_.events, stated_.objects, need >> 20, most >> 20));
    }
  }
  void acceptable(const char* what, std::uint64_t stated, std::uint64_t most) const {
    if (stated > most)
      damaged(12, fmt::format("the header says {} {}, more than the {} that can be replayed,", what, stated, most));
  }

  std::uint64_t varint(std::uint64_t start) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      unsigned char byte = 0;
      if (!raw_.next(byte)) damaged(start, "the recording ends inside the event");
      if (shift == 63 && byte > 1) damaged(start, "a number is too large");
      value |= std::uint64_t{byte & 127U} << shift;
      if (byte < 128) return value;
    }
  }

  static std::uint64_t difference(std::uint64_t zigzag) { return (zigzag >> 1) ^ (~(zigzag & 1) + 1); }  // modulo 2^64

  void one_event(std::uint64_t start, unsigned first) {
    const bool writes_slot = first == slot_write_byte, has_slots = first == birth_with_slots_byte;
    if ((first & ~15U) != 0 && !(r_.version == 2 && (writes_slot || has_slots))) damaged(start, "unknown event");
    if (r_.sums.events == stated_.events) damaged(start, fmt::format("more events than the header's {}", stated_.events));
    const auto what = writes_slot ? kind::slot_write : static_cast<kind>(first & 7);
    const bool interpreter = (first & 8) != 0;
    ++r_.sums.events;
    if (what == kind::thread_switch) {
      const std::uint64_t t = varint(start);
      if (interpreter || t > threads_seen_ || t >= stated_.threads) damaged(start, "impossible thread");
      threads_seen_ = std::max(threads_seen_, t + 1);
      thread_ = static_cast<std::uint16_t>(t);
      ++r_.sums.thread_switches;
      return;
    }
    if (threads_seen_ == 0) damaged(start, "an event before the first thread");
    object_ += difference(varint(start));  // modulo 2^64: out of range is caught below
    const bool appears = what == kind::birth || what == kind::appearance;
    if (appears ? object_ != r_.objects.size() : object_ >= r_.objects.size()) damaged(start, "object out of order");
    if (appears && object_ == stated_.objects) damaged(start, fmt::format("more objects than the header's {}", stated_.objects));
    const auto id = static_cast<std::uint32_t>(object_);
    if (appears) {
      introduce(what, has_slots, start);
    } else {
      meet(r_.objects[id], start);
      if (writes_slot) {
        write(id, start);
      } else {
        count(what, id, start);
      }
    }
    r_.events.push_back({id, thread_, what, interpreter});
  }

  void introduce(kind what, bool has_slots, std::uint64_t start) {
    const std::uint64_t argument = varint(start);
    object_facts o;
    o.thread = thread_;
    if (what == kind::birth) {
      if (argument >> 1 > limits::object_bytes / 16)
        damaged(start, fmt::format("an object of more than {} bytes", limits::object_bytes));
      o.bytes = static_cast<std::uint32_t>(argument >> 1) * 16;
      if (has_slots) o.slots = slots_of_new(start);
      ++r_.sums.news, ++r_.sums.created;
      live_bytes_ += o.bytes;
      r_.sums.max_live_objects = std::max(r_.sums.max_live_objects, ++live_);
      if (live_bytes_ > r_.sums.max_live_bytes) {
        r_.sums.max_live_bytes = live_bytes_;
        r_.peak_event = r_.events.size();
      }
    } else {
      if (argument > limits::first_references) {
        damaged(start, fmt::format("an object from before with more than {} references", limits::first_references));
      }
      o.existing = true;
      o.immortal = argument == 0;
      o.references = static_cast<std::uint32_t>(argument);
      ++r_.sums.existing;
      r_.sums.immortal_objects += o.immortal ? 1 : 0;
    }
    r_.objects.push_back(o);
    counts_.add(o.references, o.slots);
    ++r_.sums.objects;
  }
  std::uint32_t slots_of_new(std::uint64_t start) {
    const std::uint64_t slots = varint(start);
    if (slots > stated_.slots - r_.sums.slots) damaged(start, fmt::format("more slots than the header's {}", stated_.slots));
    r_.sums.slots += slots;
    return static_cast<std::uint32_t>(slots);
  }

  // Whatever is done with an object needs it alive.
  void meet(object_facts& o, std::uint64_t start) {
    if (o.dies) damaged(start, "an object is used after its death");
    if (o.shared || o.thread == thread_) return;
    o.shared = true;
    ++r_.sums.shared_objects;
  }

  void count(kind what, std::uint32_t id, std::uint64_t start) {
    const object_facts& o = r_.objects[id];
    if (o.immortal != (what == kind::immortal_increment || what == kind::immortal_decrement)) {
      damaged(start, o.immortal ? "an immortal object is counted" : "a mortal object is taken for an immortal one");
    }
    switch (what) {
      case kind::increment:
        counts_.take(id);
        ++r_.sums.increfs;
        break;
      case kind::decrement:
        if (counts_.references(id) + counts_.held(id) == 1) {
          damaged(start, "an object has no reference left before its last decrement");
        }
        drop(id, start);
        ++r_.sums.decrefs;
        break;
      case kind::last_decrement:
        if (counts_.references(id) + counts_.held(id) != 1) damaged(start, "an object dies with more than one reference");
        drop(id, start);
        ++r_.sums.last_decrefs;
        break;
      case kind::immortal_increment: ++r_.sums.immortal_increfs; break;
      default: ++r_.sums.immortal_decrefs; break;
    }
  }
  void drop(std::uint32_t id, std::uint64_t start) {
    if (counts_.references(id) == 0) damaged(start, "a reference is dropped that only a slot has");
    counts_.drop(id, [&](std::uint32_t dead) {
      object_facts& o = r_.objects[dead];
      o.dies = true;
      ++r_.sums.died;
      if (!o.existing) --live_, live_bytes_ -= o.bytes;
    });
  }

  void write(std::uint32_t id, std::uint64_t start) {
    const std::uint64_t slot = varint(start), code = varint(start);
    if (slot >= counts_.slots(id)) {
      damaged(start, fmt::format("slot {} is written of an object that has {}", slot, counts_.slots(id)));
    }
    slot_target to{.slot = static_cast<std::uint32_t>(slot)};
    if (code != 0) {
      const std::uint64_t object = id + difference(code - 1);
      if (object >= r_.objects.size()) damaged(start, "a slot refers to an object that has not appeared");
      to.object = static_cast<std::uint32_t>(object);
      meet(r_.objects[to.object], start);
      if (r_.objects[to.object].immortal) damaged(start, "a slot refers to an immortal object");
      if (counts_.references(to.object) == 0) damaged(start, "a slot takes a reference that no thread has");
    }
    counts_.write(id, to.slot, to.object);
    r_.writes.push_back(to);
    ++r_.sums.slot_writes;
  }

  void finish() {
    r_.sums.threads = threads_seen_;
    for (const auto& [key, field] : fields()) {
      if (r_.sums.*field != stated_.*field) {
        damaged(raw_.offset(), fmt::format("the header says {} {}, found {},", key, stated_.*field, r_.sums.*field));
      }
    }
  }

  using total = std::pair<const char*, std::uint64_t totals::*>;
  [[nodiscard]] std::span<const total> fields() const {  // that a header of this version has
    return std::span(all_fields).first(r_.version == 1 ? all_fields.size() - of_version_2 : all_fields.size());
  }
  static constexpr std::size_t of_version_2 = 2;
  static constexpr std::array<total, 17 + of_version_2> all_fields{{
      {"threads", &totals::threads},
      {"events", &totals::events},
      {"objects", &totals::objects},
      {"created", &totals::created},
      {"died", &totals::died},
      {"existing", &totals::existing},
      {"immortal_objects", &totals::immortal_objects},
      {"shared_objects", &totals::shared_objects},
      {"max_live_objects", &totals::max_live_objects},
      {"max_live_bytes", &totals::max_live_bytes},
      {"increfs", &totals::increfs},
      {"decrefs", &totals::decrefs},
      {"immortal_increfs", &totals::immortal_increfs},
      {"immortal_decrefs", &totals::immortal_decrefs},
      {"last_decrefs", &totals::last_decrefs},
      {"news", &totals::news},
      {"thread_switches", &totals::thread_switches},
      {"slots", &totals::slots},
      {"slot_writes", &totals::slot_writes},
  }};

  raw_stream& raw_;
  const std::string& label_;
  recording r_;
  totals stated_;
  count_model counts_;
  std::uint64_t object_ = 0, threads_seen_ = 0, live_ = 0, live_bytes_ = 0;
  std::uint16_t thread_ = 0;
};

}  // namespace

recording decode_recording(const std::vector<unsigned char>& compressed, const std::string& label) {
  std::size_t at = 0;
  raw_stream raw(
      [&](unsigned char* to, std::size_t most) {
        const std::size_t n = std::min(most, compressed.size() - at);
        std::copy_n(compressed.data() + at, n, to);
        at += n;
        return n;
      },
      label);
  return decoder(raw, label).decode();
}

recording read_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) throw usage_error(path + ": can't be opened");
  const std::string label = std::filesystem::path(path).filename().string();
  raw_stream raw(
      [&](unsigned char* to, std::size_t most) {
        file.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(most));
        if (file.bad()) throw usage_error(path + ": can't be read");
        return static_cast<std::size_t>(file.gcount());
      },
      label);
  return decoder(raw, label).decode();
}

std::string find_recording(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (name.find('/') == std::string::npos) {  // before a file of that name here: a row's name means one recording everywhere
    const auto folder = bundled_folder(bundled::traces);
    if (folder && fs::is_regular_file(*folder / (name + ".rct.zst"), ignored)) return (*folder / (name + ".rct.zst")).string();
  }
  if (fs::is_regular_file(name, ignored)) return name;
  if (const std::string why = bundled_missing(bundled::traces); !why.empty()) throw results_error(name + ": " + why);
  throw usage_error("trace:file=" + name + ": no such file, and no bundled recording of that name");
}

}  // namespace tally::recorded
