// What a person reads: text that fits the terminal it is printed on.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace tally {

// Columns of the terminal that `out` is; 80 where the terminal does not say; 0 where it is none.
[[nodiscard]] std::size_t terminal_columns(std::FILE* out);

// Lines longer than `columns` are broken between words and go on a little further in than they began; 0: as they are. A word that
// is longer stays whole, and so does a line with a command to be copied ("Next: ...", "Results: ...").
[[nodiscard]] std::string folded(std::string_view text, std::size_t columns);

// To standard output, folded where that is a terminal: what is piped has the lines of the text.
void tell(std::string_view text);

}  // namespace tally
