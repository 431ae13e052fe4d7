#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "harness/base/program.hpp"
#include "harness/base/terminal.hpp"
#include "harness/cli/cli.hpp"
#include "harness/report/listing.hpp"

namespace tally::cli {

void add_describe(CLI::App& app, action& run) {
  struct state {
    std::string name;
    bool as_json = false;
  };
  auto s = std::make_shared<state>();
  CLI::App* describe =
      app.add_subcommand("describe", "one strategy, workload, suite, group of counters, metric, machine or runtime in full");
  describe->add_option("name", s->name, fmt::format("as `{}` shows it, or a .group or .machine file", command("list")))
      ->required();
  describe->add_flag("--json", s->as_json, "for programs: what list --json has of it");
  describe->callback([s, &run] {
    run = [s] {
      if (s->as_json) {
        fmt::print("{}\n", describe_json(built_in(), s->name).dump(2));
      } else {
        tell(describe_text(built_in(), s->name));
      }
      return 0;
    };
  });
}

}  // namespace tally::cli
