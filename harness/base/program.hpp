// The running program, in hints that can be pasted: how it was called, and how a build of it gets a part that it was made without.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace tally {

// main says it once: argv[0]. Until then it is "tally".
void called_as(const char* argv0);
// As a shell reads one word.
[[nodiscard]] std::string shell_word(std::string_view);
[[nodiscard]] std::string command_of(std::initializer_list<std::string_view> words);
// A command of this program, as a shell reads it: command("run", "--from", directory) is "build/release/tally run --from 'my run'".
template <class... Words>
[[nodiscard]] std::string command(const Words&... words) {
  return command_of({std::string_view(words)...});
}
// The text with each {tally} replaced by how the program was called: for texts that are constants.
[[nodiscard]] std::string with_program(std::string_view text);
// What builds this program again with `option` (empty: after something was installed): the commands, if it lies in its build folder.
[[nodiscard]] std::string rebuilding(std::string_view option);

}  // namespace tally
