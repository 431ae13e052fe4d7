#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/cli/cli.hpp"
#include "harness/report/listing.hpp"
#include "harness/run/choices.hpp"

namespace tally::cli {

void add_list(CLI::App& app, action& run) {
  struct state {
    std::string what;
    bool as_json = false;
  };
  auto s = std::make_shared<state>();
  CLI::App* list = app.add_subcommand("list", fmt::format("what there is: {}", fmt::join(list_sections, ", ")));
  list->add_option("what", s->what, "one of these; all if not given");
  list->add_flag("--json", s->as_json, "for programs");
  list->callback([s, &run] {
    run = [s] {
      const std::vector<std::string> sections(list_sections.begin(), list_sections.end());
      if (!s->what.empty() && std::ranges::find(sections, s->what) == sections.end()) {
        throw usage_error(no_such("list", s->what, "list", sections));
      }
      if (s->as_json) {
        fmt::print("{}\n", list_json(built_in(), s->what).dump(2));
      } else {
        tell(list_text(built_in(), s->what));
      }
      return 0;
    };
  });
}

}  // namespace tally::cli
