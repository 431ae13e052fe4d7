// The decompressed bytes of a recording, one after the other: neither the file nor what it unpacks to is ever held whole, so that
// a small file which unpacks to gigabytes costs no memory. Where the container is damaged, reading throws usage_error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tally::recorded {

// "FILE: WHY at SPACE N"; the space is "offset" (in the decompressed stream) or "compressed offset".
[[noreturn]] void refuse(const std::string& file, const char* space, std::uint64_t offset, const std::string& why);

class raw_stream {
 public:
  // Puts as many of the file's next bytes there as it has, at most so many; 0 at the end.
  using source = std::function<std::size_t(unsigned char* to, std::size_t most)>;
  raw_stream(source, std::string file);
  raw_stream(const raw_stream&) = delete;
  raw_stream& operator=(const raw_stream&) = delete;
  ~raw_stream();

  // False: that was all, and the file ends there, too.
  bool next(unsigned char& byte) {
    if (at_ == end_ && !refill()) return false;
    byte = *at_++;
    return true;
  }
  [[nodiscard]] std::uint64_t offset() const { return before_ + static_cast<std::uint64_t>(at_ - out_.data()); }
  // FNV-1a of all bytes, 16 hex digits; after the last.
  [[nodiscard]] std::string content_hash() const;

 private:
  struct context;
  bool refill();
  bool fetch();  // more of the file
  [[noreturn]] void damaged(const std::string& why) const;

  source source_;
  std::string file_;
  std::unique_ptr<context> zstd_;
  std::vector<unsigned char> in_, out_;
  const unsigned char *at_ = nullptr, *end_ = nullptr;
  std::uint64_t before_ = 0;   // decompressed bytes before out_
  std::uint64_t fetched_ = 0;  // bytes of the file before in_
  std::uint64_t hash_ = 14695981039346656037U;
  bool frame_over_ = false;
};

}  // namespace tally::recorded
