#include <fmt/format.h>

#include <memory>

#include "harness/base/program.hpp"
#include "harness/base/terminal.hpp"
#include "harness/cli/cli.hpp"
#include "harness/report/listing.hpp"

namespace tally::cli {

void add_describe(CLI::App& app, action& run) {
  auto name = std::make_shared<std::string>();
  CLI::App* describe =
      app.add_subcommand("describe", "one strategy, workload, suite, group of counters, metric, machine or runtime in full");
  describe->add_option("name", *name, fmt::format("as `{}` shows it, or a .group or .machine file", command("list")))->required();
  describe->callback([name, &run] {
    run = [name] {
      tell(describe_text(built_in(), *name));
      return 0;
    };
  });
}

}  // namespace tally::cli
