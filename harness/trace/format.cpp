#include "harness/trace/format.hpp"

#include <fmt/core.h>
#include <zstd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"

namespace tally::recorded {
namespace {

constexpr std::size_t most_objects = std::size_t{1} << 28;  // table positions are packed into 28 bits (plan.hpp)

[[noreturn]] void refuse(const std::string& label, const char* space, std::uint64_t offset, const std::string& why) {
  throw usage_error(fmt::format("{}: {} at {} {}", label, why, space, offset));
}

std::vector<unsigned char> decompress(const std::vector<unsigned char>& compressed, const std::string& label) {
  constexpr std::uint32_t zstd_magic = 0xFD2FB528;
  std::uint32_t magic = 0;
  if (compressed.size() >= 4) std::memcpy(&magic, compressed.data(), 4);
  if (magic != zstd_magic) refuse(label, "compressed offset", 0, "not a zstd stream");
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), &ZSTD_freeDStream);
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::vector<unsigned char> raw;
  std::vector<unsigned char> piece(ZSTD_DStreamOutSize());
  for (;;) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    const std::size_t left = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(left) != 0) {
      refuse(label, "compressed offset", in.pos, fmt::format("damaged zstd stream ({})", ZSTD_getErrorName(left)));
    }
    raw.insert(raw.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(out.pos));
    if (left == 0) break;
    if (in.pos == in.size && out.pos < out.size) refuse(label, "compressed offset", in.pos, "the zstd stream is cut off");
  }
  if (in.pos != in.size) refuse(label, "compressed offset", in.pos, "something follows the zstd stream");
  return raw;
}

std::string hash_of(std::span<const unsigned char> bytes) {
  std::uint64_t h = 14695981039346656037U;
  for (const unsigned char b : bytes) h = (h ^ b) * 1099511628211U;
  return fmt::format("{:016x}", h);
}

class decoder {
 public:
  decoder(std::span<const unsigned char> raw, const std::string& label) : raw_(raw), label_(label) {}

  recording decode() {
    head();
    while (at_ < raw_.size()) one_event();
    finish();
    return std::move(r_);
  }

 private:
  [[noreturn]] void damaged(std::size_t offset, const std::string& why) const { refuse(label_, "offset", offset, why); }

  void head() {
    if (raw_.size() < 12) damaged(raw_.size(), "the recording is cut off");
    if (std::memcmp(raw_.data(), "RCTRACE1", 8) != 0) damaged(0, "not a version 1 recording");
    const std::uint32_t length =
        raw_[8] | std::uint32_t{raw_[9]} << 8 | std::uint32_t{raw_[10]} << 16 | std::uint32_t{raw_[11]} << 24;
    if (length > raw_.size() - 12) damaged(raw_.size(), "the header is cut off");
    r_.header.assign(reinterpret_cast<const char*>(raw_.data()) + 12, length);
    at_ = 12 + length;
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
    for (const auto& [key, field] : fields) number(key, stated_.*field);
    if (stated_.events > raw_.size()) damaged(12, "the header promises more events than the file has bytes");
    r_.events.reserve(stated_.events);
  }

  std::uint64_t varint(std::size_t start) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      if (at_ == raw_.size()) damaged(start, "the recording ends inside the event");
      const std::uint64_t byte = raw_[at_++];
      if (shift == 63 && byte > 1) damaged(start, "a number is too large");
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  void one_event() {
    const std::size_t start = at_;
    const unsigned first = raw_[at_++];
    if ((first & ~15U) != 0) damaged(start, "unknown event");
    const auto what = static_cast<kind>(first & 7);
    const bool interpreter = (first & 8) != 0;
    ++r_.sums.events;
    if (what == kind::thread_switch) {
      const std::uint64_t t = varint(start);
      if (interpreter || t > threads_seen_ || t >= stated_.threads || t > 0xFFFF) damaged(start, "impossible thread");
      threads_seen_ = std::max(threads_seen_, t + 1);
      thread_ = static_cast<std::uint16_t>(t);
      ++r_.sums.thread_switches;
      return;
    }
    if (threads_seen_ == 0) damaged(start, "an event before the first thread");
    const std::uint64_t zigzag = varint(start);
    object_ += (zigzag >> 1) ^ (~(zigzag & 1) + 1);  // modulo 2^64: out of range is caught below
    const bool appears = what == kind::birth || what == kind::appearance;
    if (appears ? object_ != r_.objects.size() : object_ >= r_.objects.size()) damaged(start, "object out of order");
    if (r_.objects.size() == most_objects) damaged(start, "more objects than can be replayed");
    const auto id = static_cast<std::uint32_t>(object_);
    if (appears) {
      introduce(what, start);
    } else {
      count(what, r_.objects[id], references_[id], start);
    }
    r_.events.push_back({id, thread_, what, interpreter});
  }

  void introduce(kind what, std::size_t start) {
    const std::uint64_t argument = varint(start);
    if (argument > 0xFFFFFFF) damaged(start, "a number is too large");
    object_facts o;
    o.thread = thread_;
    if (what == kind::birth) {
      o.bytes = static_cast<std::uint32_t>(argument >> 1) * 16;
      ++r_.sums.news, ++r_.sums.created;
      live_bytes_ += o.bytes;
      r_.sums.max_live_objects = std::max(r_.sums.max_live_objects, ++live_);
      if (live_bytes_ > r_.sums.max_live_bytes) {
        r_.sums.max_live_bytes = live_bytes_;
        r_.peak_event = r_.events.size();
      }
    } else {
      o.existing = true;
      o.immortal = argument == 0;
      o.references = static_cast<std::uint32_t>(argument);
      ++r_.sums.existing;
      r_.sums.immortal_objects += o.immortal ? 1 : 0;
    }
    r_.objects.push_back(o);
    references_.push_back(o.references);
    ++r_.sums.objects;
  }

  void count(kind what, object_facts& o, std::uint64_t& references, std::size_t start) {
    if (o.dies) damaged(start, "an object is used after its death");
    if (o.immortal != (what == kind::immortal_increment || what == kind::immortal_decrement)) {
      damaged(start, o.immortal ? "an immortal object is counted" : "a mortal object is taken for an immortal one");
    }
    if (!o.shared && o.thread != thread_) {
      o.shared = true;
      ++r_.sums.shared_objects;
    }
    switch (what) {
      case kind::increment:
        ++references;
        ++r_.sums.increfs;
        break;
      case kind::decrement:
        if (--references == 0) damaged(start, "an object has no reference left before its last decrement");
        ++r_.sums.decrefs;
        break;
      case kind::last_decrement:
        if (references != 1) damaged(start, "an object dies with more than one reference");
        o.dies = true;
        ++r_.sums.last_decrefs, ++r_.sums.died;
        if (!o.existing) --live_, live_bytes_ -= o.bytes;
        break;
      case kind::immortal_increment: ++r_.sums.immortal_increfs; break;
      default: ++r_.sums.immortal_decrefs; break;
    }
  }

  void finish() {
    r_.sums.threads = threads_seen_;
    for (const auto& [key, field] : fields) {
      if (r_.sums.*field != stated_.*field) {
        damaged(raw_.size(), fmt::format("the header says {} {}, found {},", key, stated_.*field, r_.sums.*field));
      }
    }
  }

  static constexpr std::array<std::pair<const char*, std::uint64_t totals::*>, 17> fields{{
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
  }};

  std::span<const unsigned char> raw_;
  const std::string& label_;
  recording r_;
  totals stated_;
  std::vector<std::uint64_t> references_;
  std::size_t at_ = 0;
  std::uint64_t object_ = 0, threads_seen_ = 0, live_ = 0, live_bytes_ = 0;
  std::uint16_t thread_ = 0;
};

}  // namespace

recording decode_recording(const std::vector<unsigned char>& compressed, const std::string& label) {
  const auto raw = decompress(compressed, label);
  recording r = decoder(raw, label).decode();
  r.name = label;
  r.content_hash = hash_of(raw);
  return r;
}

recording read_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) throw usage_error(path + ": can't be opened");
  const std::vector<unsigned char> bytes{std::istreambuf_iterator<char>(file), {}};
  return decode_recording(bytes, std::filesystem::path(path).filename().string());
}

std::string find_recording(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (name.find('/') == std::string::npos) {  // before a file of that name here: a row's name means one recording everywhere
    const std::string bundled = (bundled_folder("traces", TALLY_TRACE_DIR) / (name + ".rct.zst")).string();
    if (fs::is_regular_file(bundled, ignored)) return bundled;
  }
  if (fs::is_regular_file(name, ignored)) return name;
  throw usage_error("trace:file=" + name + ": no such file, and no bundled recording of that name");
}

}  // namespace tally::recorded
