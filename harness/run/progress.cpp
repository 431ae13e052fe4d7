#include "harness/run/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "harness/base/text.hpp"
#include "harness/run/request.hpp"

namespace tally {
namespace {

constexpr double plain_every_s = 10;

int width_of(std::FILE* out) {
  winsize size{};
  return ::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

progress::style progress::detect(std::FILE* out, bool quiet) {
  if (quiet) return style::quiet;
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb" || (no_color != nullptr && *no_color != '\0');
  return ::isatty(::fileno(out)) == 1 && !dumb ? style::terminal : style::plain;
}

double progress::left_seconds(std::size_t done, std::size_t total, double seconds, double predicted_s) {
  if (total == 0 || done >= total) return 0;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  if (done < 5) return predicted_s * (1 - share);
  return seconds / static_cast<double>(done) * static_cast<double>(total - done);
}

void progress::show(std::size_t done, double seconds, const std::string& what) {
  if (style_ == style::quiet || (style_ == style::plain && seconds < next_plain_s_) ||
      (style_ == style::terminal && seconds < next_draw_s_)) {
    return;
  }
  const std::string left = spoken_duration(left_seconds(done, total_, seconds, predicted_s_));
  std::string line = fmt::format("{}/{} windows, {} left", done, total_, left);
  if (style_ == style::plain) {
    next_plain_s_ = seconds + plain_every_s;
    write(line + "\n");
  } else {
    next_draw_s_ = seconds + 0.1;
    line += "  " + what;
    const auto width = static_cast<std::size_t>(width_of(out_) - 1);
    if (line.size() > width) line.resize(width);
    write("\r" + line + "\033[K");
    drawn_ = true;
  }
  std::fflush(out_);
}

// A run goes on when nobody can be told how far it is.
void progress::write(const std::string& text) { (void)std::fputs(text.c_str(), out_); }

void progress::clear() {
  if (drawn_) write("\r\033[K");
  drawn_ = false;
}

void progress::say(const std::string& line) {
  clear();
  if (style_ != style::quiet) write(line + "\n");
  std::fflush(out_);
  next_draw_s_ = 0;
}

void progress::finish() {
  clear();
  std::fflush(out_);
}

}  // namespace tally
