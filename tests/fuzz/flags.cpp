// A file of flags (`tally run --config`): what it gives is a request like one that was typed, or it is refused.
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/cli/flag_parsing.hpp"
#include "harness/session/config_file.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  constexpr std::size_t most = 1 << 14;
  if (size > most) return 0;
  std::istringstream text(std::string(reinterpret_cast<const char*>(data), size));
  run_options o;
  CLI::App app("run");
  cli::add_flags(app, o, [] {});
  if (!fuzz::accepted<usage_error, CLI::Error>([&] { cli::take_flags(app, text, "--config it"); })) return 0;
  const run_request& asked = o;
  std::string kept;
  if (!fuzz::accepted<json::exception>([&] { kept = request_json(asked).dump(); })) return 0;
  run_request back;
  read_request(json::parse(kept), back);
  if (!(back == asked)) fuzz::finding("a request that does not survive writing", kept);
  if (app.get_option("--processes")->count() == 0 && asked.processes) fuzz::finding("a flag that was not given", kept);
  const auto outside = [](const std::optional<int>& n) { return n && (*n < 1 || *n > 1000); };
  if (outside(asked.processes) || outside(asked.blocks) || !(o.timeout_s >= 1))
    fuzz::finding("a value outside of its range", kept);
  return 0;
}
