// The command line: parses, calls, and turns what goes wrong into one line and an exit code (docs: results/README.md).
#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "harness/cli/cli.hpp"
#include "harness/run/names.hpp"
#include "harness/run/results_file.hpp"
#include "harness/run/session.hpp"

namespace {

// The flag that was meant.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  for (const auto chosen = app.get_subcommands(); !chosen.empty();) {
    at = chosen.front();
    break;
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto extras = app.remaining(true);
    if (extras.empty()) return error.what();
    std::vector<std::string> known;
    if (extras.front().starts_with('-')) {
      for (const auto* option : at->get_options()) known.push_back("--" + option->get_lnames().front());
      return tally::no_such("tally", extras.front(), "flag", known);
    }
    for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
      if (!sub->get_name().empty() && !sub->get_group().empty()) known.push_back(sub->get_name());
    }
    if (at == &app) return tally::no_such("tally", extras.front(), "subcommand", known);
    return fmt::format("tally {} {}: not expected here", at->get_name(), extras.front());
  }
  return error.what();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Tally: a benchmark of concurrent reference counting", "tally"};
  app.set_version_flag("--version", "tally 0.1");
  tally::cli::action run;
  tally::cli::add_list(app, run);
  tally::cli::add_describe(app, run);
  tally::cli::add_run(app, run);
  tally::cli::add_sim(app, run);
  tally::cli::add_micro(app, run);
  tally::cli::add_trace(app, run);
  tally::cli::add_worker(app, run);
  try {
    app.parse(argc, argv);
    if (!run) {
      fmt::print("{}", app.help());
      return tally::exit_usage;
    }
    return run();
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "tally: {}\n", explain(app, e));
    return tally::exit_usage;
  } catch (const tally::usage_error& e) {
    fmt::print(stderr, "tally: {}\n", e.what());
    return tally::exit_usage;
  } catch (const std::exception& e) {
    fmt::print(stderr, "tally: {}\n", e.what());
    return tally::exit_harness;
  }
}
