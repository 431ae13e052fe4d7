// rows.jsonl: what is read can be keyed, summed up and written again; what is not, is refused or set aside whole.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/contract/workload.hpp"
#include "harness/results/results_file.hpp"
#include "harness/run/runner.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

namespace fs = std::filesystem;

// In memory where there is such a place: it is written once an input.
fs::path make_folder() {
  std::string pattern = (fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) / "tally-fuzz-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) tally::fuzz::finding("no folder to work in", pattern);
  return pattern;
}

struct scratch {
  fs::path folder = make_folder();
  scratch() = default;
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
};

std::string content(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One that no result has.
int free_block(const std::vector<tally::result>& results) {
  int block = 0;
  while (std::ranges::find(results, block, &tally::result::block) != results.end()) ++block;
  return block;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  static const scratch at;
  const fs::path path = at.folder / "rows.jsonl", aside = at.folder / "rows.damaged";
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::error_code ignored;
  fs::remove(aside, ignored);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  loaded_results loaded;
  const bool fine = fuzz::accepted<usage_error, results_error>([&] { loaded = load_results(path, damaged_end::set_aside); });
  if (!fine) {
    if (content(path) != text) fuzz::finding("a file that was refused was changed", text);
    return 0;
  }
  for (const result& r : loaded.results) static_cast<void>(key_of(r));
  // Nothing is lost: what is left and what was set aside are the file.
  const std::string left = content(path), damaged = content(aside);
  if (loaded.message.empty() ? left != text : left + damaged != text + '\n' && left + damaged != text) {
    fuzz::finding("bytes were lost", text);
  }
  const std::size_t before = loaded.results.size();
  if (!loaded.results.empty()) {
    json again = json::parse(left.substr(0, left.find('\n')));
    again["block"] = free_block(loaded.results);  // a window twice would be refused
    results_file(path).append(again);
    if (load_results(path).results.size() != before + 1) fuzz::finding("an appended record is not there", text);
  }
  return 0;
}
