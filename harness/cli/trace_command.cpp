#include <fmt/format.h>

#include <memory>

#include "harness/base/terminal.hpp"
#include "harness/cli/cli.hpp"
#include "harness/trace/info.hpp"

namespace tally::cli {

int trace_info(const std::string& file, bool json) {
  if (json) {
    fmt::print("{}", recorded::info_json(file));
  } else {
    tell(recorded::info_text(file));
  }
  return 0;
}

void add_trace(CLI::App& app, action& run) {
  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* trace = app.add_subcommand("trace", "recordings of real programs");
  trace->require_subcommand(1);
  CLI::App* info = trace->add_subcommand("info", "what a recording holds; a damaged one is refused with the place");
  info->add_option("file", *file, "a path, or the name of a bundled recording")->required();
  info->add_flag("--json", *json, "the header and what was found, as JSON");
  info->callback([file, json, &run] { run = [file, json] { return trace_info(*file, *json); }; });
}

}  // namespace tally::cli
