// config.json: what --resume and --from read is a request with all that they look at, or refused.
#include "harness/run/request.hpp"

#include <nlohmann/json.hpp>

#include "harness/base/text.hpp"
#include "harness/contract/workload.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  const std::string text(reinterpret_cast<const char*>(data), size);
  json config;
  if (!fuzz::accepted<usage_error>([&] { config = parse_config(text, "--from it"); })) return 0;
  const run_request r = request_from(config.at("request"));
  if (!first_difference(r, request_from(to_json(r))).empty()) fuzz::finding("a request that does not survive writing", text);
  static_cast<void>(config.at("machine").get<std::string>());
  for (const char* key : {"git", "executable"}) static_cast<void>(config.at("binary").at(key).get<std::string>());
  // The values that are text are read on their own.
  fuzz::accepted<usage_error>([&] { static_cast<void>(thread_counts(r.threads, {1, 2})); });
  fuzz::accepted<usage_error>([&] { static_cast<void>(duration_ns("--duration", r.duration)); });
  for (const auto& h : r.heaps) fuzz::accepted<usage_error>([&] { static_cast<void>(size_bytes("--heap", h)); });
  return 0;
}
