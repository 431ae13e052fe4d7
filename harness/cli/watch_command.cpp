#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/cli/flag_parsing.hpp"

namespace tally::cli {

void add_watch(CLI::App& app, action& run) {
  auto o = std::make_shared<watch_options>();
  CLI::App* sub = app.add_subcommand("watch", "an object program, and what each strategy does to its objects");
  sub->add_option("file", o->file, "the program: a statement a line, as docs/watching.md has them")->required();
  add_flags(*sub, *o, [o, &run] { run = [o] { return watch_session(built_in(), *o); }; });
}

}  // namespace tally::cli
