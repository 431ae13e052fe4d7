// Sessions of Tally that work on one machine at the same time disturb each other's windows, and neither load averages nor stolen
// time say who it was. Each announces itself while it lives, and hears of the others.
#pragma once

#include <string>
#include <vector>

namespace tally {

// An abstract Unix socket (unix(7)): gone with its process however that ends, and nothing on a disk. It is seen as far as the
// network namespace goes; where sockets are forbidden nobody is seen. Never throws for that.
class session_presence {
 public:
  session_presence();
  ~session_presence();
  session_presence(const session_presence&) = delete;
  session_presence& operator=(const session_presence&) = delete;

  // Process ids, in order, of the others that were there at any time since the last call, or since this began. One that came and
  // went in between is among them.
  [[nodiscard]] std::vector<int> others();

 private:
  std::string name_;
  int socket_ = -1;
};

}  // namespace tally
