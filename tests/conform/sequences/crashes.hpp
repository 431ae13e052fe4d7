// Crashes of a sequence that is played, as failures.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include <array>
#include <csignal>
#include <cstddef>

namespace tally::conform {

// A crash is a failure, too, and the sequence that led to it is to be shrunk like any other: it ends the call. What was on the
// stack is not destroyed, and what it holds (a heap's lock, memory) is lost with the heap that failed.
inline sigjmp_buf after_crash;
inline volatile std::sig_atomic_t catching = 0;

inline void crashed(int signal) {
  if (catching == 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  catching = 0;
  siglongjmp(after_crash, signal);
}

// Within the scope of one, by one thread at a time.
class crashes_caught {
 public:
  crashes_caught() {
    struct sigaction ours{};
    ours.sa_handler = crashed;
    ours.sa_flags = SA_NODEFER;  // the handler does not return
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &ours, &before_[i]);
  }
  ~crashes_caught() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &before_[i], nullptr);
  }
  crashes_caught(const crashes_caught&) = delete;
  crashes_caught& operator=(const crashes_caught&) = delete;

  // The signal that ended f(); 0: none did.
  template <class F>
  [[gnu::noinline]] static int call(F&& f) {
    const int signal = sigsetjmp(after_crash, 0);
    if (signal != 0) return signal;
    catching = 1;
    f();
    catching = 0;
    return 0;
  }

 private:
  static constexpr std::array<int, 4> signals{SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
  std::array<struct sigaction, 4> before_{};
};

}  // namespace tally::conform
