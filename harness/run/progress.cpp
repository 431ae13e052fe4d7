#include "harness/run/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/run/request.hpp"

namespace tally {
namespace {

constexpr double plain_every_s = 10;
constexpr std::size_t few = 5;

}  // namespace

progress::style progress::detect(std::FILE* out, bool quiet) {
  if (quiet) return style::quiet;
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb" || (no_color != nullptr && *no_color != '\0');
  return ::isatty(::fileno(out)) == 1 && !dumb ? style::terminal : style::plain;
}

std::optional<double> progress::left_seconds(std::size_t done, std::size_t total, double seconds,
                                             std::optional<double> predicted_s) {
  if (total == 0 || done >= total) return 0;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  if (done < few) return predicted_s ? std::optional(*predicted_s * (1 - share)) : std::nullopt;
  return seconds / static_cast<double>(done) * static_cast<double>(total - done);
}

void progress::show(std::size_t done, double seconds, const std::string& what) {
  if (style_ == style::quiet || (style_ == style::plain && seconds < next_plain_s_) ||
      (style_ == style::terminal && seconds < next_draw_s_)) {
    return;
  }
  std::string line = about_ ? fmt::format("{} of about {} windows", done, total_) : fmt::format("{}/{} windows", done, total_);
  if (const auto left = left_seconds(done, total_, seconds, predicted_s_))
    line += fmt::format(", {} left", spoken_duration(*left));
  if (style_ == style::plain) {
    next_plain_s_ = seconds + plain_every_s;
    write(line + "\n");
  } else {
    next_draw_s_ = seconds + 0.1;
    line += "  " + what;
    const std::size_t width = terminal_columns(out_) - 1;
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
