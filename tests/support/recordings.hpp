// Recordings in tests: written and read back, replayed for a moment, refused.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "harness/trace/format.hpp"
#include "harness/trace/recorder.hpp"

namespace tally::testing {

inline std::string path_for_recording(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("tally_" + name + "_" + std::to_string(getpid()) + ".rct.zst")).string();
}

inline recorded::recording read_back(const recorder& r) {
  const std::string path = path_for_recording("read_back");
  r.write(path);
  recorded::recording found = recorded::read_recording(path);
  std::filesystem::remove(path);
  return found;
}

// What a call throws, or "".
std::string refusal(const auto& call) {
  try {
    call();
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

}  // namespace tally::testing
