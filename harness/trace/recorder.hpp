// Writes recordings (workloads/traces/FORMAT.md) from any C++ program: one header, nothing but the standard library and POSIX.
//
//   tally::recorder record("my_program", "what it does");
//   record.birth(p, bytes);           // a new object with one reference, at address p
//   record.increment(p);              // before the count changes
//   record.decrement(p);              // the recorder knows which one is the last: then the address is free for a new birth
//   record.immortal_increment(p), record.immortal_decrement(p);
//   record.write("my_program.rct.zst");
//
// Calls may come from any thread; the recorder's lock gives them their total order, so call it where the program's own order is
// decided (under its lock, or next to its atomic). An address that was never born is an object from before the recording; it
// gets as many references as it needs to stay alive, unless `existing` says how many it has. A decrement of a count that came
// from nowhere would break the balance that readers check; here it only says that the object had one more from before.
//
// An address whose object has died may be counted without a new birth: a second release, or a new object whose birth was not
// recorded. The recorder can't tell, and a throw would end programs that count in destructors. So an object from before appears
// there, one of repairs(), which the header keeps and `tally trace info` prints: a mistake where all births are recorded.
//
// Memory is by object: 40 to 90 bytes for each that is alive, 4 or fewer for addresses that have died. The events, some three
// bytes each, go to a file without a name in TMPDIR (otherwise /tmp); write() puts the header before them. A process that ends
// without write() leaves nothing; after a fork only the parent can go on. What is written is one zstd frame of stored blocks,
// which every zstd reader takes; `zstd -d FILE -c | zstd -19` makes it small. Names and description are UTF-8.
//
// Throws std::runtime_error where a file can't be written, the calls contradict each other (a birth at an address that is
// alive) or a recording can't hold them (recording_limits). A call that throws has recorded nothing; others may follow.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tally {

// What a recording may hold; Tally's reader refuses what the recorder does.
struct recording_limits {
  static constexpr std::uint64_t events = std::uint64_t{1} << 28;  // so objects, too: a replay packs their positions into 28 bits
  static constexpr std::uint64_t threads = 1024;                   // as many as `tally run --threads` takes
  static constexpr std::uint64_t object_bytes = (std::uint64_t{1} << 31) - 16;
  static constexpr std::uint64_t first_references = (std::uint64_t{1} << 28) - 1;  // of an object from before
  static constexpr std::uint64_t header_bytes = std::uint64_t{1} << 20;
};

class recorder {
 public:
  explicit recorder(const std::string& program, const std::string& description = "", const std::string& runtime = "C++")
      : text_("\"program\":" + quoted(program) + ",\"description\":" + quoted(description) + ",\"runtime\":" + quoted(runtime)) {
    if (text_.size() > most_text) exceeded(most_text, "bytes of program, description and runtime");
    buffer_.reserve(most_buffered);
  }
  ~recorder() { (void)::close(spool_); }

  // `bytes`: the object's size, header included; recorded in units of 16. `tracked`: the program's cycle collector visits it.
  void birth(const void* at, std::size_t bytes, bool tracked = false) {
    const std::lock_guard hold(lock_);
    make_room();
    if (bytes > limits::object_bytes) exceeded(limits::object_bytes, "bytes in an object");
    if (alive_.find(key_of(at)) != nullptr) refuse("a birth at the address of a living object");
    object& o = introduce(at, false);
    o.size = static_cast<std::uint32_t>((bytes + 15) / 16 * 2 + (tracked ? 1 : 0));
    append(born, o, false);
    varint(buffer_, o.size);
    most_live_ = std::max(most_live_, ++live_);
    most_bytes_ = std::max(most_bytes_, bytes_ += size_of(o));
  }
  // An object from before the recording, with its references (0: immortal). Optional, and before its first event.
  void existing(const void* at, std::uint64_t references) {
    const std::lock_guard hold(lock_);
    make_room();
    if (references > limits::first_references) exceeded(limits::first_references, "references of an object from before");
    if (alive_.find(key_of(at)) != nullptr) refuse("an object appears twice");
    appear(at, static_cast<std::uint32_t>(references)).counted = true;
  }
  // `stack`: the reference is one that the program keeps on its stack only, which deferral need not count.
  void increment(const void* at, bool stack = false) {
    const std::lock_guard hold(lock_);
    object& o = known(at, false);
    ++o.references;
    count(taken, o, stack);
  }
  void decrement(const void* at, bool stack = false) {
    const std::lock_guard hold(lock_);
    object& o = known(at, false);
    if (o.references == 1 && o.existing && !o.counted) {  // it had one more before the recording
      ++appearances_[o.size].references;
    } else if (--o.references == 0) {
      count(last_dropped, o, stack);
      if (!o.existing) --live_, bytes_ -= size_of(o);
      dead_.insert(page_of(at)).set(bit_of(at));
      alive_.erase(key_of(at));
      return;
    }
    count(dropped, o, stack);
  }
  void immortal_increment(const void* at, bool stack = false) { immortal(immortal_taken, at, stack); }
  void immortal_decrement(const void* at, bool stack = false) { immortal(immortal_dropped, at, stack); }

  // Objects that appeared at an address whose object had died.
  [[nodiscard]] std::uint64_t repairs() const { return repairs_; }

  // What was recorded so far. Calls may follow, and another write().
  void write(const std::string& path) const {
    const std::lock_guard hold(lock_);
    check_process();
    std::string references;
    for (const appearance& a : appearances_) varint(references, a.references);
    const std::string h = header();
    frame to(path, 12 + h.size() + events_end() + references.size());
    to.add("RCTRACE1" + little_endian(h.size(), 4) + h);
    std::uint64_t done = 0;
    for (const appearance& a : appearances_) {
      copy(done, a.offset, to);
      references.clear();
      varint(references, a.references);
      to.add(references);
      done = a.offset;
    }
    copy(done, events_end(), to);
  }

 private:
  using limits = recording_limits;
  enum kind : std::uint8_t { taken, dropped, immortal_taken, immortal_dropped, last_dropped, born, thread_switch, appeared };
  struct object {
    std::uint32_t number = 0;
    std::uint32_t size = 0;        // as in the file; of an object from before: its index in appearances_
    std::uint32_t references = 1;  // below 2^30: at most first_references and one per event
    std::uint32_t operations = 0;
    std::uint16_t thread = 0;  // of its first event
    bool existing = false, immortal = false, shared = false;
    bool counted = false;  // by existing()
  };
  // References of an object from before, and where among the events write() is to put them: they are not known earlier.
  struct appearance {
    std::uint64_t offset;
    std::uint32_t references;
  };

  // Open addressing with linear probing. Key 0 is none.
  template <class Value>
  struct table {
    struct place {
      std::uint64_t key = 0;
      Value value{};
    };
    Value* find(std::uint64_t key) {
      place& p = places[slot(key)];
      return p.key == key ? &p.value : nullptr;
    }
    Value& insert(std::uint64_t key) {  // or what is there; make_room() comes before
      place& p = places[slot(key)];
      if (p.key != key) p = {key, Value{}}, ++used;
      return p.value;
    }
    void erase(std::uint64_t key) {
      std::size_t hole = slot(key);
      for (std::size_t i = hole; places[i = (i + 1) & mask()].key != 0;) {
        const std::size_t way = (i - first(places[i].key)) & mask();
        if (way >= ((i - hole) & mask())) places[std::exchange(hole, i)] = places[i];  // its search passes the hole
      }
      places[hole].key = 0, --used;
    }
    void make_room() {
      if (used < places.size() / 4 * 3) return;
      std::vector<place> old(places.size() * 2);
      old.swap(places);
      --shift;
      for (const place& p : old) {
        if (p.key != 0) places[slot(p.key)] = p;
      }
    }
    [[nodiscard]] std::size_t mask() const { return places.size() - 1; }
    [[nodiscard]] std::size_t first(std::uint64_t key) const { return key * 0x9E3779B97F4A7C15U >> shift; }
    [[nodiscard]] std::size_t slot(std::uint64_t key) const {
      std::size_t i = first(key);
      while (places[i].key != 0 && places[i].key != key) i = (i + 1) & mask();
      return i;
    }
    std::vector<place> places = std::vector<place>(64);
    int shift = 64 - 6;
    std::size_t used = 0;
  };

  // A zstd frame of so many bytes, written as they come: magic; descriptor (content size in 8 bytes, no checksum, no dictionary);
  // window of 128 KiB; stored blocks of at most as much, each with three bytes of header: bit 0 the last, bits 1-2 the type (0:
  // stored), the rest its size. [RFC8878]
  struct frame {
    frame(const std::string& name, std::uint64_t bytes) : path(name), file(name, std::ios::binary), left(bytes) {
      put(little_endian(0xFD2FB528, 4) + "\xC0\x38" + little_endian(bytes, 8));
    }
    void add(std::string_view bytes) {
      for (std::size_t n = 0; !bytes.empty(); bytes.remove_prefix(n)) {
        n = std::min(bytes.size(), most - block.size());
        block.append(bytes.data(), n);
        if (block.size() != most && block.size() != left) continue;
        left -= block.size();
        put(little_endian(block.size() << 3 | (left == 0 ? 1 : 0), 3) + block);
        block.clear();
      }
    }
    static constexpr std::size_t most = 128 * 1024;
    void put(const std::string& bytes) {
      file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      if (left == 0) file.close();
      if (!file) fail(path + " can't be written");
    }
    std::string path;
    std::ofstream file;
    std::uint64_t left;
    std::string block;
  };

  [[noreturn]] static void refuse(const std::string& why) { throw std::runtime_error("recorder: " + why); }
  [[noreturn]] static void fail(const std::string& why) { refuse(why + ": " + std::strerror(errno)); }
  [[noreturn]] static void exceeded(std::uint64_t n, const char* of) { refuse("at most " + std::to_string(n) + " " + of); }

  static std::uint64_t address(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }
  static std::uint64_t key_of(const void* at) { return address(at) + 1; }
  // An address whose object has died has a bit. A page has those of 4 KiB that agree in their last three bits.
  using page = std::bitset<512>;
  static std::uint64_t page_of(const void* at) { return (address(at) >> 12 << 3 | (address(at) & 7)) + 1; }
  static std::size_t bit_of(const void* at) { return address(at) >> 3 & 511; }

  // Whatever a call may need of memory and disk is had here, before it changes anything.
  void make_room() {
    if (events_ + 3 > limits::events) exceeded(limits::events, "events in a recording; begin another");
    if (buffer_.size() + most_bytes > buffer_.capacity()) flush();
    alive_.make_room();
    dead_.make_room();
    if (appearances_.size() == appearances_.capacity()) appearances_.reserve(2 * appearances_.size() + 16);
  }
  void flush() {
    check_process();
    if (spool_ < 0) {
      const char* const folder = std::getenv("TMPDIR");
      std::string name = std::string(folder == nullptr ? "/tmp" : folder) + "/tally_recorder_XXXXXX";
      spool_ = ::mkostemp(name.data(), O_CLOEXEC);
      if (spool_ < 0) fail("the events can't be kept in " + name + " (TMPDIR says where)");
      ::unlink(name.c_str());
    }
    for (std::size_t done = 0; done < buffer_.size();) {
      const auto n = ::pwrite(spool_, buffer_.data() + done, buffer_.size() - done, static_cast<off_t>(spooled_ + done));
      if (n < 0) fail("the events can't be kept (TMPDIR says where)");
      done += static_cast<std::size_t>(n);
    }
    spooled_ += buffer_.size();
    buffer_.clear();
  }
  void check_process() const {  // a child has the file in common with its parent
    if (::getpid() != process_) refuse("called in a child process; only its parent can go on");
  }
  [[nodiscard]] std::uint64_t events_end() const { return spooled_ + buffer_.size(); }
  void copy(std::uint64_t from, std::uint64_t to, frame& into) const {
    std::string piece(most_buffered, 0);
    for (const std::uint64_t end = std::min(to, spooled_); from < end;) {
      const auto n = ::pread(spool_, piece.data(), std::min<std::uint64_t>(piece.size(), end - from), static_cast<off_t>(from));
      if (n <= 0) fail("the events can't be read back");
      into.add({piece.data(), static_cast<std::size_t>(n)});
      from += static_cast<std::uint64_t>(n);
    }
    if (from < to) into.add({buffer_.data() + (from - spooled_), to - from});
  }

  object& introduce(const void* at, bool existing) {
    thread_ = thread_number();
    object& o =
        alive_.insert(key_of(at)) = {.number = objects_++, .thread = static_cast<std::uint16_t>(thread_), .existing = existing};
    if (page* const p = dead_.find(page_of(at)); p != nullptr && p->test(bit_of(at))) {
      p->reset(bit_of(at));
      repairs_ += existing ? 1 : 0;
    }
    return o;
  }
  object& appear(const void* at, std::uint32_t references) {
    object& o = introduce(at, true);
    o.immortal = references == 0, o.references = references, o.size = static_cast<std::uint32_t>(appearances_.size());
    append(appeared, o, false);
    appearances_.push_back({events_end(), references});
    return o;
  }
  object& known(const void* at, bool immortal) {
    make_room();
    object* const found = alive_.find(key_of(at));
    if (found == nullptr) return appear(at, immortal ? 0 : 1);
    if (found->immortal != immortal) refuse("an object is immortal or it is not");
    thread_ = thread_number();
    return *found;
  }
  void immortal(kind what, const void* at, bool stack) {
    const std::lock_guard hold(lock_);
    count(what, known(at, true), stack);
  }
  // Threads are numbered as they appear; an id that is used again is the same thread. Nothing else of a call may fail after it: a
  // thread that has a number must have an event.
  std::uint32_t thread_number() {
    static thread_local std::pair<std::uint64_t, std::uint32_t> last;  // the recorder that asked, and the answer
    if (last.first == identity_) return last.second;
    const auto id = std::this_thread::get_id();
    if (threads_.size() == limits::threads && !threads_.contains(id)) exceeded(limits::threads, "threads in a recording");
    last = {identity_, threads_.try_emplace(id, static_cast<std::uint32_t>(threads_.size())).first->second};
    return last.second;
  }

  void append(kind what, const object& o, bool stack) {
    if (thread_ != written_thread_) {
      buffer_ += static_cast<char>(thread_switch);
      varint(buffer_, written_thread_ = thread_);
      ++kinds_[thread_switch], ++events_;
    }
    buffer_ += static_cast<char>(what | (stack ? 8 : 0));
    const std::int64_t step = std::int64_t{o.number} - std::int64_t{std::exchange(previous_, o.number)};
    varint(buffer_, (static_cast<std::uint64_t>(step) << 1) ^ static_cast<std::uint64_t>(step >> 63));
    ++kinds_[what], ++events_;
  }
  void count(kind what, object& o, bool stack) {
    if (!o.shared && thread_ != o.thread) {
      o.shared = true;
      ++shared_;
      on_shared_ += o.operations;
    }
    ++o.operations, on_shared_ += o.shared ? 1 : 0, on_stack_ += stack ? 1 : 0, by_first_ += thread_ == 0 ? 1 : 0;
    append(what, o, stack);
  }
  static std::uint64_t size_of(const object& o) { return std::uint64_t{o.size >> 1} * 16; }

  static void varint(std::string& to, std::uint64_t n) {
    for (; n > 127; n >>= 7) to += static_cast<char>((n & 127) | 128);
    to += static_cast<char>(n);
  }
  static std::string little_endian(std::uint64_t n, int bytes) {
    std::string s;
    for (int i = 0; i < bytes; ++i) s += static_cast<char>((n >> (8 * i)) & 255);
    return s;
  }
  static std::string quoted(const std::string& s) {
    std::string q = "\"";
    for (const char c : s) {
      char code[8] = {c};
      if (c == '"' || c == '\\' || (c >= 0 && c < 32)) std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      q += code;
    }
    return q + "\"";
  }

  [[nodiscard]] std::string header() const {
    std::string h = "{\"format\":1," + text_;
    const auto number = [&](const char* key, std::uint64_t n) { h += ",\"" + std::string(key) + "\":" + std::to_string(n); };
    const auto immortals = static_cast<std::uint64_t>(std::ranges::count(appearances_, 0U, &appearance::references));
    const std::uint64_t counted = events_ - kinds_[born] - kinds_[thread_switch] - kinds_[appeared];
    const auto share = [&](const char* key, std::uint64_t n) {  // not by printf, whose point may be a comma
      const std::string digits = std::to_string(10000 + (counted == 0 ? 0 : (n * 10000 + counted / 2) / counted));
      h += ",\"" + std::string(key) + "\":" + static_cast<char>(digits[0] - 1) + "." + digits.substr(1);
    };
    number("threads", threads_.size()), number("events", events_), number("objects", objects_), number("created", kinds_[born]);
    number("died", kinds_[last_dropped]), number("existing", kinds_[appeared]), number("immortal_objects", immortals);
    number("shared_objects", shared_), number("max_live_objects", most_live_), number("max_live_bytes", most_bytes_);
    number("increfs", kinds_[taken]), number("decrefs", kinds_[dropped]), number("immortal_increfs", kinds_[immortal_taken]);
    number("immortal_decrefs", kinds_[immortal_dropped]), number("last_decrefs", kinds_[last_dropped]);
    number("news", kinds_[born]), number("thread_switches", kinds_[thread_switch]), share("interpreter_share", on_stack_);
    share("ops_on_shared_objects", on_shared_), share("first_thread_share", by_first_), number("repairs", repairs_);
    return h + "}";
  }

  static inline std::atomic<std::uint64_t> recorders_{0};
  static constexpr std::uint64_t most_text = limits::header_bytes - 4096;   // the rest is for the totals
  static constexpr std::size_t most_buffered = 64 * 1024, most_bytes = 64;  // of a call: thread switch, appearance, event
  const std::uint64_t identity_ = ++recorders_;
  const pid_t process_ = ::getpid();
  const std::string text_;  // of the header
  mutable std::mutex lock_;
  table<object> alive_;
  table<page> dead_;
  std::unordered_map<std::thread::id, std::uint32_t> threads_;
  std::vector<appearance> appearances_;  // in the order of their offsets
  std::string buffer_;                   // the events behind those in the file
  std::uint64_t spooled_ = 0;            // bytes in the file
  int spool_ = -1;
  std::uint32_t objects_ = 0, previous_ = 0, thread_ = 0, written_thread_ = ~std::uint32_t{0};
  std::uint64_t events_ = 0, live_ = 0, bytes_ = 0, most_live_ = 0, most_bytes_ = 0, shared_ = 0;
  std::uint64_t on_stack_ = 0, on_shared_ = 0, by_first_ = 0, kinds_[8]{};
  std::atomic<std::uint64_t> repairs_ = 0;
};

}  // namespace tally
