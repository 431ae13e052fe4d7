// config.json: what --resume and --from read is a request with all that they look at, or refused.
#include "harness/session/config_file.hpp"

#include <nlohmann/json.hpp>

#include "harness/session/flags.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  const std::string text(reinterpret_cast<const char*>(data), size);
  session_config config;
  if (!fuzz::accepted<usage_error>([&] { config = parse_config(text, "--from it"); })) return 0;
  const auto survives = [&]<class Request>(Request r) {
    read_request(config.request, r);
    Request back;
    read_request(request_json(r), back);
    if (const auto d = first_difference(r, back); !d.empty()) fuzz::finding("a request that does not survive writing", d);
  };
  if (config.kind == session_kind::run) {
    survives(run_request());
  } else {
    survives(sim::sim_request());
  }
  return 0;
}
