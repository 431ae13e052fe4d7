#include "harness/measure/presence.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <set>

namespace tally {
namespace {

constexpr std::string_view prefix = "tally-session-";

struct address {
  sockaddr_un at{};
  socklen_t length = 0;
};

address address_of(const std::string& name) {
  address a;
  a.at.sun_family = AF_UNIX;  // an abstract name begins with a zero
  const std::size_t n = std::min(name.size(), sizeof a.at.sun_path - 1);
  std::memcpy(a.at.sun_path + 1, name.data(), n);
  a.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + n);
  return a;
}

// As /proc/net/unix shows them: the last word of a line, "@" for the zero.
std::set<std::string> announced_names() {
  std::set<std::string> names;
  std::ifstream in("/proc/net/unix");
  for (std::string line; std::getline(in, line);) {
    const auto at = line.find('@' + std::string(prefix));
    if (at != std::string::npos) names.insert(line.substr(at + 1));
  }
  return names;
}

int process_of(const std::string& name) { return std::atoi(name.c_str() + std::min(prefix.size(), name.size())); }

}  // namespace

session_presence::session_presence()
    // Process ids of two containers that share a network may be the same.
    : name_(fmt::format("{}{}-{:08x}", prefix, ::getpid(), std::random_device{}())),
      socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  const address own = address_of(name_);
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&own.at), own.length) != 0) return;
  for (const auto& other : announced_names()) {
    if (other == name_) continue;
    const address to = address_of(other);
    (void)::sendto(socket_, name_.data(), name_.size(), 0, reinterpret_cast<const sockaddr*>(&to.at), to.length);
  }
}

session_presence::~session_presence() {
  if (socket_ >= 0) ::close(socket_);
}

std::vector<int> session_presence::others() {
  std::set<std::string> names = announced_names();
  char heard[sizeof(sockaddr_un::sun_path)];
  for (ssize_t n; socket_ >= 0 && (n = ::recv(socket_, heard, sizeof heard, 0)) >= 0;) {
    const std::string_view name(heard, static_cast<std::size_t>(n));
    if (name.starts_with(prefix)) names.emplace(name);
  }
  names.erase(name_);
  std::set<int> processes;
  for (const auto& name : names) processes.insert(process_of(name));
  return {processes.begin(), processes.end()};
}

}  // namespace tally
