// The command line: parses, calls, and turns what goes wrong into one line and an exit code (docs: results/README.md).
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <vector>

#include "harness/base/program.hpp"
#include "harness/base/text.hpp"
#include "harness/cli/cli.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/results_file.hpp"
#include "harness/run/choices.hpp"
#include "harness/session/run_session.hpp"

namespace {

// The flag that was meant.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  if (const auto chosen = app.get_subcommands(); !chosen.empty()) at = chosen.front();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto extras = app.remaining(true);
    if (extras.empty()) return error.what();
    std::vector<std::string> known;
    if (extras.front().starts_with('-')) {
      for (const auto* option : at->get_options()) {
        for (const auto& name : option->get_lnames()) known.push_back("--" + name);
      }
      const std::string named = at == &app ? "tally" : "tally " + at->get_name();
      if (tally::nearest(extras.front(), known).empty()) {
        const std::string help = at == &app ? tally::command("--help") : tally::command(at->get_name(), "--help");
        return fmt::format("{} {}: no such flag; {} lists them", named, extras.front(), help);
      }
      return tally::no_such(named, extras.front(), "flag", known);
    }
    for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
      if (!sub->get_name().empty() && !sub->get_group().empty()) known.push_back(sub->get_name());
    }
    if (at == &app) return tally::no_such("tally", extras.front(), "subcommand", known);
    return fmt::format("tally {} {}: not expected here", at->get_name(), extras.front());
  }
  return error.what();
}

// In one line. Never throws: it is what is done about exceptions.
bool complained = false;
int complain(const char* what, int code) {
  complained = true;
  std::fputs("tally: ", stderr);
  std::fputs(what, stderr);
  std::fputs("\n", stderr);
  return code;
}

// Memory that ends in a destructor (the JSON library's need some) can't be reported upwards any more: the same line, from here.
[[noreturn]] void last_words() noexcept {
  if (complained) std::_Exit(tally::exit_harness);  // what comes after the end
  if (std::current_exception() == nullptr) {
    complain("terminated", 0);
    std::abort();
  }
  try {
    throw;
  } catch (const std::bad_alloc&) {
    std::_Exit(complain("out of memory", tally::exit_harness));
  } catch (const std::exception& e) {
    complain(e.what(), 0);
  } catch (...) {}
  std::abort();
}

// What was printed must have arrived: a full disk is noticed when the last of it is written.
int arrived(int code) {
  if (std::fflush(stdout) != 0) {
    return complain(fmt::format("standard output: {}", std::strerror(errno)).c_str(), tally::exit_harness);
  }
  if (std::ferror(stdout) != 0) return complain("standard output: a part of it could not be written", tally::exit_harness);
  return code;
}

int run(int argc, char** argv) {
  CLI::App app{"Tally: a benchmark of concurrent reference counting", "tally"};
  try {
    app.set_version_flag("--version", [] { return "tally " + tally::version_text(); });
    tally::cli::action run;
    tally::cli::add_list(app, run);
    tally::cli::add_describe(app, run);
    tally::cli::add_run(app, run);
    tally::cli::add_sim(app, run);
    tally::cli::add_micro(app, run);
    tally::cli::add_trace(app, run);
    tally::cli::add_watch(app, run);
    tally::cli::add_findings(app, run);
    tally::cli::add_doctor(app, run);
    tally::cli::add_compare(app, run);
    tally::cli::add_merge(app, run);
    tally::cli::add_export(app, run);
    tally::cli::add_plot(app, run);
    tally::cli::add_report(app, run);
    tally::cli::add_completion(app, run);
    tally::cli::add_worker(app, run);
    app.require_subcommand(0, 1);  // what follows is the subcommand's, whatever it is called: tally plot sim
    app.parse(argc, argv);
    if (!run) {
      fmt::print("{}", app.help());
      return arrived(tally::exit_usage);
    }
    return arrived(run());
  } catch (const CLI::CallForHelp& e) {
    return arrived(app.exit(e));
  } catch (const CLI::CallForVersion& e) {
    return arrived(app.exit(e));
  } catch (const CLI::ParseError& e) {
    return complain(explain(app, e).c_str(), tally::exit_usage);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(last_words);
  try {
    if (argc > 0) tally::called_as(argv[0]);
    return run(argc, argv);
  } catch (const tally::usage_error& e) {
    return complain(e.what(), tally::exit_usage);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", tally::exit_harness);
  } catch (const std::exception& e) {
    return complain(e.what(), tally::exit_harness);
  }
}
