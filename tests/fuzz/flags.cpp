// A file of flags (`tally run --config`): what it gives is a request like one that was typed, or it is refused.
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/cli/run_flags.hpp"
#include "harness/contract/workload.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  constexpr std::size_t most = 1 << 14;
  if (size > most) return 0;
  std::istringstream text(std::string(reinterpret_cast<const char*>(data), size));
  run_options o;
  CLI::App app("run");
  const auto asked = cli::add_run_flags(app, o);
  if (!fuzz::accepted<usage_error, CLI::Error>([&] { cli::take_flags(app, text, "--config it"); })) return 0;
  std::string kept;
  if (!fuzz::accepted<usage_error>([&] { kept = config_text({{"request", to_json(o.request)}}); })) return 0;
  if (!(request_from(json::parse(kept).at("request")) == o.request))
    fuzz::finding("a request that does not survive writing", kept);
  const auto count_of = [&](const char* flag) { return app.get_option(flag)->count(); };
  const run_request standard;
  if (count_of("--processes") == 0 && o.request.processes != standard.processes) fuzz::finding("a flag that was not given", kept);
  if (o.request.processes < 0 || o.request.processes > 1000 || o.request.blocks < 0 || o.request.blocks > 1000 ||
      !(o.timeout_s >= 1)) {
    fuzz::finding("a value outside of its range", kept);
  }
  return 0;
}
