// Writes recordings (workloads/traces/FORMAT.md) from any C++ program: one header, nothing but the standard library.
//
//   tally::recorder record("my_program", "what it does");
//   record.birth(p, bytes);           // a new object with one reference, at address p
//   record.increment(p);              // before the count changes
//   record.decrement(p);              // the recorder knows which one is the last: then the address is forgotten
//   record.immortal_increment(p), record.immortal_decrement(p);
//   record.write("my_program.rct.zst");
//
// Calls may come from any thread; the recorder's lock gives them their total order, so call it where the program's own order is
// decided (under its lock, or next to its atomic). An address that was never born is an object from before the recording; it
// gets as many references as it needs to stay alive, unless `existing` says how many it has. A decrement of a count that came
// from nowhere would break the balance that readers check; here it only says that the object had one more from before.
//
// The events are kept in memory, 16 bytes each, since the header at the file's start holds their totals. The file is one zstd
// frame of stored blocks, which every zstd reader takes; `zstd -d FILE -c | zstd -19` makes it small. Throws std::runtime_error
// where the file can't be written or the calls contradict each other (a birth at an address that is alive).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tally {

class recorder {
 public:
  explicit recorder(std::string program, std::string description = "", std::string runtime = "C++")
      : program_(std::move(program)), description_(std::move(description)), runtime_(std::move(runtime)) {}

  // `bytes`: the object's size, header included; recorded in units of 16. `stack`: the reference is one that the program keeps
  // on its stack only, which deferral need not count.
  void birth(const void* at, std::size_t bytes, bool tracked = false) {
    const std::lock_guard hold(lock_);
    if (numbers_.contains(at)) throw std::runtime_error("recorder: a birth at the address of a living object");
    object o;
    o.size = static_cast<std::uint32_t>((bytes + 15) / 16 * 2 + (tracked ? 1 : 0));
    o.references = 1;
    append(5, introduce(at, o), false);
  }
  // An object from before the recording, with its references (0: immortal). Optional, and before its first event.
  void existing(const void* at, std::uint32_t references) {
    const std::lock_guard hold(lock_);
    if (numbers_.contains(at)) throw std::runtime_error("recorder: an object appears twice");
    object o;
    o.existing = o.counted = true;
    o.immortal = references == 0;
    o.start = references;
    o.references = references;
    append(7, introduce(at, o), false);
  }
  void increment(const void* at, bool stack = false) {
    const std::lock_guard hold(lock_);
    const std::uint32_t n = known(at, false);
    ++objects_[n].references;
    append(0, n, stack);
  }
  void decrement(const void* at, bool stack = false) {
    const std::lock_guard hold(lock_);
    const std::uint32_t n = known(at, false);
    object& o = objects_[n];
    const bool last = --o.references == 0 && (!o.existing || o.counted);
    if (o.references <= 0 && !last) {
      if (o.counted) throw std::runtime_error("recorder: a decrement after the last reference");
      ++o.start, ++o.references;  // it had one more before the recording
    }
    append(last ? 4 : 1, n, stack);
    if (last) numbers_.erase(at);
  }
  void immortal_increment(const void* at, bool stack = false) { immortal(2, at, stack); }
  void immortal_decrement(const void* at, bool stack = false) { immortal(3, at, stack); }

  void write(const std::string& path) {
    const std::lock_guard hold(lock_);
    const std::string raw = encode();
    std::ofstream file(path, std::ios::binary);
    const std::string framed = frame(raw);
    file.write(framed.data(), static_cast<std::streamsize>(framed.size()));
    file.close();
    if (!file) throw std::runtime_error("recorder: " + path + " can't be written");
  }

 private:
  struct object {
    std::uint32_t size = 0, start = 1, thread = 0;
    std::int64_t references = 1;
    bool existing = false, immortal = false, shared = false;
    bool counted = false;  // the program said how many references it had
  };
  struct event {
    std::uint32_t object;
    std::uint32_t thread;
    std::uint8_t kind;
    bool stack;
  };

  std::uint32_t introduce(const void* at, const object& o) {
    const auto n = static_cast<std::uint32_t>(objects_.size());
    numbers_[at] = n;
    objects_.push_back(o);
    objects_.back().thread = thread();
    return n;
  }
  std::uint32_t known(const void* at, bool immortal) {
    if (const auto found = numbers_.find(at); found != numbers_.end()) {
      if (objects_[found->second].immortal != immortal) throw std::runtime_error("recorder: an object is immortal or it is not");
      return found->second;
    }
    object o;
    o.existing = true;
    o.immortal = immortal;
    const std::uint32_t n = introduce(at, o);
    append(7, n, false);
    return n;
  }
  void immortal(std::uint8_t kind, const void* at, bool stack) {
    const std::lock_guard hold(lock_);
    append(kind, known(at, true), stack);
  }
  void append(std::uint8_t kind, std::uint32_t n, bool stack) { events_.push_back({n, thread(), kind, stack}); }
  std::uint32_t thread() {
    return threads_.try_emplace(std::this_thread::get_id(), static_cast<std::uint32_t>(threads_.size())).first->second;
  }

  static void varint(std::string& to, std::uint64_t n) {
    for (; n > 127; n >>= 7) to += static_cast<char>((n & 127) | 128);
    to += static_cast<char>(n);
  }
  static void little_endian(std::string& to, std::uint64_t n, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>((n >> (8 * i)) & 255);
  }
  static std::string quoted(const std::string& s) {
    std::string q = "\"";
    for (const char c : s) {
      char code[8];
      if (c == '"' || c == '\\') {
        q += '\\', q += c;
      } else if (static_cast<unsigned char>(c) < 32) {
        std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        q += code;
      } else {
        q += c;
      }
    }
    return q + "\"";
  }

  std::string encode() {
    std::string body;
    std::uint64_t kinds[8] = {}, live = 0, most = 0, bytes = 0, most_bytes = 0, interpreter = 0, on_shared = 0, first = 0;
    std::uint64_t shared = 0, existing = 0, immortals = 0, counted = 0, previous = 0;
    for (object& o : objects_) o.shared = false;
    for (const event& e : events_) {
      object& o = objects_[e.object];
      if (e.thread != o.thread && !o.shared) o.shared = true, ++shared;
    }
    std::uint32_t now = ~std::uint32_t{0};
    for (const event& e : events_) {
      const object& o = objects_[e.object];
      if (e.thread != now) {
        now = e.thread;
        body += '\6';
        varint(body, now);
        ++kinds[6];
      }
      body += static_cast<char>(e.kind | (e.stack ? 8 : 0));
      const auto step = static_cast<std::int64_t>(e.object) - static_cast<std::int64_t>(previous);
      varint(body, (static_cast<std::uint64_t>(step) << 1) ^ static_cast<std::uint64_t>(step >> 63));
      previous = e.object;
      ++kinds[e.kind];
      if (e.kind == 5) {
        varint(body, o.size);
        most = std::max(most, ++live);
        most_bytes = std::max(most_bytes, bytes += (o.size >> 1) * std::uint64_t{16});
      } else if (e.kind == 7) {
        varint(body, o.immortal ? 0 : o.start);
        ++existing, immortals += o.immortal ? 1 : 0;
      } else {
        ++counted, interpreter += e.stack ? 1 : 0, on_shared += o.shared ? 1 : 0, first += e.thread == 0 ? 1 : 0;
        if (e.kind == 4 && !o.existing) --live, bytes -= (o.size >> 1) * std::uint64_t{16};
      }
    }
    std::string h = "{\"format\":1,\"program\":" + quoted(program_) + ",\"description\":" + quoted(description_) +
                    ",\"runtime\":" + quoted(runtime_);
    const auto number = [&](const char* key, std::uint64_t n) { h += ",\"" + std::string(key) + "\":" + std::to_string(n); };
    const auto share = [&](const char* key, std::uint64_t n) {
      char text[32];
      std::snprintf(text, sizeof text, "%.4f", counted == 0 ? 0.0 : static_cast<double>(n) / static_cast<double>(counted));
      h += ",\"" + std::string(key) + "\":" + text;
    };
    number("threads", threads_.size()), number("events", events_.size() + kinds[6]), number("objects", objects_.size());
    number("created", kinds[5]), number("died", kinds[4]), number("existing", existing), number("immortal_objects", immortals);
    number("shared_objects", shared), number("max_live_objects", most), number("max_live_bytes", most_bytes);
    number("increfs", kinds[0]), number("decrefs", kinds[1]), number("immortal_increfs", kinds[2]);
    number("immortal_decrefs", kinds[3]), number("last_decrefs", kinds[4]), number("news", kinds[5]);
    number("thread_switches", kinds[6]), share("interpreter_share", interpreter), share("ops_on_shared_objects", on_shared);
    share("first_thread_share", first), number("repairs", 0);
    h += "}";
    std::string raw = "RCTRACE1";
    little_endian(raw, h.size(), 4);
    return raw + h + body;
  }

  // One frame: magic; descriptor (content size in 8 bytes, one segment, no checksum, no dictionary); stored blocks of at most
  // 128 KiB, each with three bytes of header: bit 0 the last, bits 1-2 the type (0: stored), the rest its size. [RFC8878]
  static std::string frame(const std::string& raw) {
    constexpr std::size_t most = 128 * 1024;
    std::string f;
    little_endian(f, 0xFD2FB528, 4);
    f += static_cast<char>(0xE0);
    little_endian(f, raw.size(), 8);
    for (std::size_t at = 0;;) {
      const std::size_t n = std::min(most, raw.size() - at);
      const bool last = at + n == raw.size();
      little_endian(f, n << 3 | (last ? 1 : 0), 3);
      f.append(raw, at, n);
      at += n;
      if (last) return f;
    }
  }

  std::mutex lock_;
  std::string program_, description_, runtime_;
  std::unordered_map<const void*, std::uint32_t> numbers_;
  std::unordered_map<std::thread::id, std::uint32_t> threads_;  // numbered as they appear; an id used again is the same thread
  std::vector<object> objects_;
  std::vector<event> events_;
};

}  // namespace tally
