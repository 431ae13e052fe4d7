#include "harness/base/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace tally {
namespace {

// Of UTF-8 text of narrow letters.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool to_be_copied(std::string_view line) {
  return std::ranges::any_of(std::initializer_list<std::string_view>{"Next: ", "Results: ", "Rows: "},
                             [&](std::string_view start) { return line.starts_with(start); });
}

// The space to break a line at: the last one that leaves at most `columns` before it, or else the first.
std::size_t break_of(std::string_view line, std::size_t columns) {
  constexpr auto none = std::string_view::npos;
  std::size_t found = none;
  for (std::size_t at = line.find(' ', line.find_first_not_of(' ')); at != none; at = line.find(' ', at + 1)) {
    if (found != none && columns_of(line.substr(0, at)) > columns) break;
    found = at;
  }
  return found;
}

void fold_line(std::string& out, std::string_view line, std::size_t columns) {
  const std::string further(std::min(line.find_first_not_of(' '), columns / 2) + 4, ' ');
  std::size_t margin = 0;
  while (margin + columns_of(line) > columns) {
    const std::size_t end = break_of(line, columns - std::min(margin, columns));
    if (end == std::string_view::npos) break;
    out.append(further, 0, margin).append(line.substr(0, end)).append("\n");
    line.remove_prefix(std::min(line.find_first_not_of(' ', end), line.size()));
    margin = further.size();
  }
  out.append(further, 0, margin).append(line);
}

}  // namespace

std::size_t terminal_columns(std::FILE* out) {
  const int file = ::fileno(out);
  if (::isatty(file) != 1) return 0;
  winsize size{};
  return ::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string folded(std::string_view text, std::size_t columns) {
  if (columns == 0) return std::string(text);
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    to_be_copied(line) ? void(out.append(line)) : fold_line(out, line, columns);
    if (end < text.size()) out += '\n';
    begin = end + 1;
  }
  return out;
}

void tell(std::string_view text) {
  const std::string lines = folded(text, terminal_columns(stdout));
  (void)std::fwrite(lines.data(), 1, lines.size(), stdout);
}

}  // namespace tally
