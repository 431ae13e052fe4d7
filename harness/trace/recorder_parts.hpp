// What the recorder (recorder.hpp) is made of: what a recording may hold, a table by addresses, where the events are kept, a file's frame and its numbers.
// Nothing but the standard library and POSIX.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tally {

// What a recording may hold; Tally's reader refuses what the recorder does.
struct recording_limits {
  static constexpr std::uint64_t events = std::uint64_t{1} << 28;  // so objects, too: a replay packs their positions into 28 bits
  static constexpr std::uint64_t threads = 1024;                   // as many as `tally run --threads` takes
  static constexpr std::uint64_t slots = std::uint64_t{1} << 28;   // of all objects
  static constexpr std::uint64_t object_bytes = (std::uint64_t{1} << 31) - 16;
  static constexpr std::uint64_t first_references = (std::uint64_t{1} << 28) - 1;  // of an object from before
  static constexpr std::uint64_t header_bytes = std::uint64_t{1} << 20;
};

struct recorder_parts {
  [[noreturn]] static void refuse(const std::string& why) { throw std::runtime_error("recorder: " + why); }
  [[noreturn]] static void fail(const std::string& why) { refuse(why + ": " + std::strerror(errno)); }
  [[noreturn]] static void exceeded(std::uint64_t n, const char* of) { refuse("at most " + std::to_string(n) + " " + of); }

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

  // Bytes behind those in a file without a name, which is made when there are many.
  struct spool {
    spool() { buffer.reserve(most_buffered); }
    spool(const spool&) = delete;
    spool& operator=(const spool&) = delete;
    ~spool() { (void)::close(file_); }

    void make_room() {  // for what one call adds
      if (buffer.size() + most_bytes > buffer.capacity()) flush();
    }
    [[nodiscard]] std::uint64_t end() const { return spooled_ + buffer.size(); }
    void copy(std::uint64_t from, std::uint64_t to, frame& into) const {
      std::string piece(most_buffered, 0);
      for (const std::uint64_t end = std::min(to, spooled_); from < end;) {
        const auto n = ::pread(file_, piece.data(), std::min<std::uint64_t>(piece.size(), end - from), static_cast<off_t>(from));
        if (n <= 0) fail("the events can't be read back");
        into.add({piece.data(), static_cast<std::size_t>(n)});
        from += static_cast<std::uint64_t>(n);
      }
      if (from < to) into.add({buffer.data() + (from - spooled_), to - from});
    }
    void check_process() const {  // a child has the file in common with its parent
      if (::getpid() != process_) refuse("called in a child process; only its parent can go on");
    }

    static constexpr std::size_t most_buffered = 64 * 1024, most_bytes = 64;  // of a call: thread switch, appearance, event
    std::string buffer;

   private:
    void flush() {
      check_process();
      if (file_ < 0) {
        const char* const folder = std::getenv("TMPDIR");
        std::string name = std::string(folder == nullptr ? "/tmp" : folder) + "/tally_recorder_XXXXXX";
        file_ = ::mkostemp(name.data(), O_CLOEXEC);
        if (file_ < 0) fail("the events can't be kept in " + name + " (TMPDIR says where)");
        ::unlink(name.c_str());
      }
      for (std::size_t done = 0; done < buffer.size();) {
        const auto n = ::pwrite(file_, buffer.data() + done, buffer.size() - done, static_cast<off_t>(spooled_ + done));
        if (n < 0) fail("the events can't be kept (TMPDIR says where)");
        done += static_cast<std::size_t>(n);
      }
      spooled_ += buffer.size();
      buffer.clear();
    }
    const pid_t process_ = ::getpid();
    std::uint64_t spooled_ = 0;
    int file_ = -1;
  };
};
}  // namespace tally
