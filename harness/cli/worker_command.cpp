#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "harness/cli/cli.hpp"
#include "harness/run/worker.hpp"

namespace tally::cli {

// What `tally run` starts; not for people, so not in the help.
void add_worker(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("worker", "")->group("");
  sub->callback([&run] {
    run = [] {
      // Records have a pipe of their own: whatever else writes to standard output must not get among them.
      std::FILE* records = fdopen(dup(STDOUT_FILENO), "w");
      dup2(STDERR_FILENO, STDOUT_FILENO);
      serve(built_in(), stdin, records);
      std::fclose(records);
      return 0;
    };
  });
}

}  // namespace tally::cli
