// tests/conform/pairs.txt: what each strategy x workload pair must do, "ok", or "skip" and why.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace tally::testing {

// By "STRATEGY[:OPTIONS] WORKLOAD".
inline std::map<std::string, std::string> pair_table() {
  std::map<std::string, std::string> table;
  std::ifstream file(TALLY_SOURCE_DIR "/tests/conform/pairs.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string strategy, workload, verdict;
    words >> strategy >> workload >> std::ws;
    std::getline(words, verdict);
    table[strategy + " " + workload] = verdict;
  }
  return table;
}

}  // namespace tally::testing
