// Runs a part of a test in a process of its own, and says how that ended.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace tally::fault {

struct ending {
  int status = 0;    // as waitpid says
  std::string said;  // on standard error
  [[nodiscard]] bool with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  // By no_way_on(): one line that names the strategy, then abort.
  [[nodiscard]] bool in_one_sentence(const std::string& name) const {
    return aborted() && said.starts_with(name + ": ") && is_a_line();
  }
  // By a library that has its own way to say it: some line, then abort or exit.
  [[nodiscard]] bool in_a_line() const { return (with(1) || aborted()) && is_a_line(); }
  [[nodiscard]] std::string text() const {
    const std::string how =
        WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "code " + std::to_string(WEXITSTATUS(status));
    return how + ", saying \"" + said + "\"";
  }

 private:
  [[nodiscard]] bool aborted() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }
  [[nodiscard]] bool is_a_line() const { return said.find('\n') == said.size() - 1; }
};

// f() in a child, which ends with the code that f returns. A child that takes longer than `seconds` is ended by SIGALRM.
template <class F>
ending isolated(F&& f, unsigned seconds = 20) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {};
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]), ::close(ends[1]);
    ::alarm(seconds);
    const int code = f();
    std::_Exit(code);
  }
  ::close(ends[1]);
  ending e;
  std::array<char, 4096> part{};
  for (ssize_t n; (n = ::read(ends[0], part.data(), part.size())) > 0;) e.said.append(part.data(), static_cast<std::size_t>(n));
  ::close(ends[0]);
  while (::waitpid(child, &e.status, 0) < 0 && errno == EINTR) {}
  return e;
}

}  // namespace tally::fault
