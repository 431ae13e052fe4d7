#include <csignal>
#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/session/merge_session.hpp"

namespace tally::cli {

void add_merge(CLI::App& app, action& run) {
  auto o = std::make_shared<merge_options>();
  CLI::App* sub = app.add_subcommand("merge", "one results directory of several; machines and builds stay apart");
  sub->add_option("directories", o->directories, "results directories, merged ones among them")->required();
  sub->add_option("--out", o->out, "the directory; a merge that is there gets what it lacks")->required();
  sub->add_flag("--quiet", o->quiet, "no summary; the exit code tells");
  sub->callback([o, &run] {
    run = [o] {
      std::signal(SIGPIPE, SIG_IGN);
      return merge_session(*o);
    };
  });
}

}  // namespace tally::cli
