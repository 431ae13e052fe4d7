// Runs a fuzz target without libFuzzer: every file of the folders that are named, all prefixes of the small ones, and mutations
// drawn from a fixed seed: bytes changed, runs removed and doubled, two files spliced. The same inputs at every run.
//   fuzz_NAME MUTATIONS FOLDER_OR_FILE...
// Before each input its bytes are kept where a finding can be looked at: fuzz_NAME.last in the working folder.
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "tests/fuzz/fuzz.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;
const bytes* current = nullptr;
const char* kept = "";

// On a finding: keep the input. Writing a file from a handler of SIGABRT is fine here, the process is its own.
void keep(int signal) {
  std::ofstream(kept, std::ios::binary)
      .write(reinterpret_cast<const char*>(current->data()), static_cast<std::streamsize>(current->size()));
  std::fprintf(stderr, "the input is in %s\n", kept);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

bytes mutated(const std::vector<bytes>& corpus, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
  bytes b = corpus[below(corpus.size())];
  for (std::size_t n = 1 + below(4); n > 0; --n) {
    const std::size_t at = below(b.size());
    const std::size_t length = std::min(b.size() - at, 1 + below(16));
    const auto begin = b.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    switch (below(6)) {
      case 0:
        if (!b.empty()) b[at] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 1:
        if (!b.empty()) b[at] = static_cast<std::uint8_t>(below(256));
        break;
      case 2: b.erase(begin, end); break;
      case 3: {
        const bytes run(begin, end);
        b.insert(begin, run.begin(), run.end());
        break;
      }
      case 4: {  // numbers are where parsers break
        static const std::string_view numbers[] = {"0",   "-1",    "1e9", "65536", "4294967296", "18446744073709551616",
                                                   "nan", "\"x\"", "null"};
        const auto text = numbers[below(std::size(numbers))];
        b.insert(begin, text.begin(), text.end());
        break;
      }
      default: {
        const bytes& other = corpus[below(corpus.size())];
        b.resize(at);
        b.insert(b.end(), other.begin() + static_cast<std::ptrdiff_t>(std::min(below(other.size()), other.size())), other.end());
      }
    }
  }
  return b;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MUTATIONS FOLDER_OR_FILE...\n", argv[0]);
    return 64;
  }
  const std::string name = std::filesystem::path(argv[0]).filename().string() + ".last";
  kept = name.c_str();
  for (const int s : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS}) std::signal(s, keep);
  std::vector<std::filesystem::path> files;
  for (int i = 2; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& f : std::filesystem::directory_iterator(argv[i])) {
      if (f.is_regular_file()) files.push_back(f.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::size_t inputs = 0;
  const auto run = [&](const bytes& b) {
    current = &b;
    ++inputs;
    LLVMFuzzerTestOneInput(b.data(), b.size());
  };
  std::vector<bytes> corpus;
  for (const auto& f : files) {
    std::ifstream in(f, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "%s can't be read\n", f.c_str());
      return 64;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "an empty corpus tests nothing\n");
    return 64;
  }
  for (const bytes& b : corpus) {
    run(b);
    constexpr std::size_t small = 4096;
    for (std::size_t n = 0; b.size() <= small && n < b.size(); ++n)
      run(bytes(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(n)));
  }
  std::mt19937_64 random(1);
  for (long n = std::atol(argv[1]); n > 0; --n) run(mutated(corpus, random));
  std::printf("%zu inputs from %zu files\n", inputs, corpus.size());
}
