#include "harness/run/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace tally {
namespace {

constexpr std::size_t kept_complaint = 400;

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  return ends;
}

}  // namespace

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

child::child(const std::vector<std::string>& arguments, const std::string& preload) {
  const auto in = make_pipe(), out = make_pipe(), error = make_pipe();
  std::vector<char*> argv;
  static char name[] = "tally";
  argv.push_back(name);
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(error[1], STDERR_FILENO);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    // What a terminal, or who stops a process group, sends is for the parent, which ends its children itself.
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, SIG_IGN);
    ::signal(SIGPIPE, SIG_DFL);
    if (!preload.empty()) ::setenv("LD_PRELOAD", preload.c_str(), 1);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  ::close(in[0]), ::close(out[1]), ::close(error[1]);
  in_ = in[1], out_ = out[0], error_ = error[0];
  ::fcntl(out_, F_SETFL, O_NONBLOCK);
  ::fcntl(error_, F_SETFL, O_NONBLOCK);
}

child::~child() {
  kill();
  for (const int d : {in_, out_, error_}) {
    if (d >= 0) ::close(d);
  }
}

void child::send(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(in_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    done += static_cast<std::size_t>(n);
  }
}

child::answer child::receive(std::string& line, double seconds, const volatile int& interrupt) {
  // A wait that took this much longer than asked for: this process was stopped meanwhile (Ctrl-Z), which is nobody's lateness.
  constexpr double stopped = 0.25;
  double left = seconds;
  for (;;) {
    if (const auto end = pending_.find('\n'); end != std::string::npos) {
      line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return answer::line;
    }
    if (interrupt != 0) return answer::interrupted;
    if (left <= 0) return answer::late;
    const double wait = std::min(left, 1.0), before = now_s();
    std::array<pollfd, 2> waited{{{out_, POLLIN, 0}, {error_, POLLIN, 0}}};
    ::poll(waited.data(), waited.size(), static_cast<int>(wait * 1000) + 1);
    if (const double took = now_s() - before; took < wait + stopped) left -= std::min(took, wait);
    std::array<char, 8192> part{};
    for (ssize_t n; (n = ::read(error_, part.data(), part.size())) > 0;) {
      complaint_.append(part.data(), static_cast<std::size_t>(n));
      if (complaint_.size() > 2 * kept_complaint) complaint_.erase(0, complaint_.size() - kept_complaint);
    }
    const ssize_t n = ::read(out_, part.data(), part.size());
    if (n > 0) pending_.append(part.data(), static_cast<std::size_t>(n));
    if (n == 0) {
      reap();
      return answer::ended;
    }
  }
}

void child::finish() {
  if (pid_ < 0) return;
  ::close(in_);
  in_ = -1;
  std::string rest;
  static const volatile int never = 0;
  while (pid_ > 0) {
    const answer a = receive(rest, 10, never);
    if (a == answer::late) kill();
  }
}

void child::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void child::reap() {
  if (pid_ < 0) return;
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {}
  pid_ = -1;
}

std::string child::epitaph() {
  std::string how = WIFSIGNALED(status_)
                        ? fmt::format("killed by SIG{} ({})", ::sigabbrev_np(WTERMSIG(status_)), ::strsignal(WTERMSIG(status_)))
                        : fmt::format("ended with code {}", WEXITSTATUS(status_));
  std::array<char, 4096> part{};
  for (ssize_t n; (n = ::read(error_, part.data(), part.size())) > 0;) {
    complaint_.append(part.data(), static_cast<std::size_t>(n));
  }
  while (!complaint_.empty() && complaint_.back() == '\n') complaint_.pop_back();
  if (complaint_.size() > kept_complaint) complaint_.erase(0, complaint_.size() - kept_complaint);
  return complaint_.empty() ? how : how + ": " + complaint_;
}

}  // namespace tally
