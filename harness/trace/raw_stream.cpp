#include "harness/trace/raw_stream.hpp"

#include <fmt/core.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <new>
#include <utility>

#include "harness/base/errors.hpp"

namespace tally::recorded {

struct raw_stream::context {
  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream{ZSTD_createDStream(), &ZSTD_freeDStream};
  ZSTD_inBuffer in{};
};

void refuse(const std::string& file, const char* space, std::uint64_t offset, const std::string& why) {
  throw usage_error(fmt::format("{}: {} at {} {}", file, why, space, offset));
}

raw_stream::raw_stream(source from, std::string file)
    : source_(std::move(from)), file_(std::move(file)), zstd_(std::make_unique<context>()), in_(ZSTD_DStreamInSize()),
      out_(ZSTD_DStreamOutSize()), at_(out_.data()), end_(out_.data()) {
  if (zstd_->stream == nullptr) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(zstd_->stream.get(), ZSTD_d_windowLogMax, 27);
  constexpr unsigned char magic[] = {0x28, 0xB5, 0x2F, 0xFD};
  fetch();
  if (zstd_->in.size < sizeof magic || !std::equal(magic, magic + sizeof magic, in_.data())) {
    refuse(file_, "compressed offset", 0, "not a zstd stream");
  }
}

raw_stream::~raw_stream() = default;

void raw_stream::damaged(const std::string& why) const { refuse(file_, "compressed offset", fetched_ + zstd_->in.pos, why); }

bool raw_stream::fetch() {
  fetched_ += zstd_->in.size;
  std::size_t have = 0;
  while (have < in_.size()) {  // a source may give less than there is
    const std::size_t n = source_(in_.data() + have, in_.size() - have);
    if (n == 0) break;
    have += n;
  }
  zstd_->in = {in_.data(), have, 0};
  return have != 0;
}

bool raw_stream::refill() {
  ZSTD_inBuffer& in = zstd_->in;
  before_ += static_cast<std::uint64_t>(end_ - out_.data());
  at_ = end_ = out_.data();
  while (!frame_over_ && end_ == out_.data()) {
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    const std::size_t left = ZSTD_decompressStream(zstd_->stream.get(), &out, &in);
    if (ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge) {
      damaged("a zstd window of more than 128 MiB (`zstd -d --long=31 -c FILE | zstd -19` writes one that can be read)");
    }
    if (ZSTD_isError(left) != 0) damaged(fmt::format("damaged zstd stream ({})", ZSTD_getErrorName(left)));
    end_ += out.pos;
    frame_over_ = left == 0;
    // What is full may hold back more; otherwise all that was fetched has been used.
    if (!frame_over_ && in.pos == in.size && out.pos < out.size && !fetch()) damaged("the zstd stream is cut off");
  }
  if (frame_over_ && (in.pos != in.size || fetch())) damaged("something follows the zstd stream");
  for (const unsigned char* b = at_; b != end_; ++b) hash_ = (hash_ ^ *b) * 1099511628211U;
  return at_ != end_;
}

std::string raw_stream::content_hash() const { return fmt::format("{:016x}", hash_); }

}  // namespace tally::recorded
