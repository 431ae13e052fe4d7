// A worker process, seen from its parent: lines in, lines out, and how it ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tally {

// Seconds on the steady clock.
[[nodiscard]] double now_s();

class child {
 public:
  // Starts this same executable with `arguments`, `preload` in LD_PRELOAD if not empty. The child dies with its parent.
  // Throws std::system_error.
  child(const std::vector<std::string>& arguments, const std::string& preload);
  ~child();  // kills what still runs
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  void send(const std::string& line);  // a child that is gone is noticed by receive()
  enum class answer { line, ended, late, interrupted };
  // Waits for a line. `interrupted`: the flag was set meanwhile (by a signal handler).
  answer receive(std::string& line, double seconds, const volatile int& interrupt);
  // Closes its input and waits for it to end by itself; kills it when it doesn't.
  void finish();
  void kill();
  // After `ended` or kill(): "killed by SIGSEGV (Segmentation fault)", "ended with code 1", and the end of what it wrote to
  // standard error.
  [[nodiscard]] std::string epitaph();

 private:
  void reap();
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, error_ = -1;
  int status_ = 0;
  std::string pending_, complaint_;
};

}  // namespace tally
