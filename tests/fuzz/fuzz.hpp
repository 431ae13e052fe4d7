// What the fuzz targets have in common. Each tests/fuzz/NAME.cpp is one reader: bytes in, and either a result or a refusal in one
// line. With clang and TALLY_FUZZ=ON it is a libFuzzer program; in every other build replay.cpp runs it over the corpus and over
// a fixed number of mutations of it, so that the same checks are an ordinary test.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tally::fuzz {

// Ends the process, as libFuzzer and the replay expect of a finding.
[[noreturn]] inline void finding(const char* what, std::string_view detail) {
  std::fprintf(stderr, "finding: %s: %.*s\n", what, static_cast<int>(detail.size()), detail.data());
  std::abort();
}

// Runs a reader; `Refusal`s are how it may say no. Anything else that it throws escapes, which is a finding too.
template <class... Refusal, class F>
bool accepted(F&& read) {
  try {
    read();
    return true;
  } catch (const std::exception& e) {
    if ((... || (dynamic_cast<const Refusal*>(&e) != nullptr))) {
      if (std::string_view(e.what()).empty()) finding("a refusal without a word", "");
      return false;
    }
    finding("neither a result nor a refusal", e.what());
  }
}

}  // namespace tally::fuzz
