#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/errors.hpp"
#include "harness/cli/cli.hpp"
#include "harness/session/python_program.hpp"

namespace tally::cli {
namespace {

struct export_format {
  const char *name, *help;
};
// Of scripts/tally_plots/export.py.
constexpr std::array formats{export_format{"csv", "a line per window, a column per axis and metric"},
                             export_format{"parquet", "the same as a Parquet file; needs pandas and pyarrow"},
                             export_format{"latex", "a table for a paper: what rows are judged by, with intervals (booktabs)"},
                             export_format{"gbench", "Google Benchmark's JSON, which its compare.py reads"},
                             export_format{"pyperf", "pyperf's JSON, which its commands stats and hist read"}};

}  // namespace

void add_export(CLI::App& app, action& run) {
  struct state {
    std::string directory, out;
    std::array<bool, formats.size()> chosen{};
  };
  auto s = std::make_shared<state>();
  CLI::App* sub = app.add_subcommand("export", "results for other tools: tables, Google Benchmark's JSON, pyperf's");
  sub->add_option("dir", s->directory, "a results directory")->required();
  for (std::size_t i = 0; i < formats.size(); ++i) {
    sub->add_flag(fmt::format("--{}", formats.at(i).name), s->chosen.at(i), formats.at(i).help)->group("Format, one of these");
  }
  sub->add_option("--out", s->out, "the file; standard output if not given");
  sub->callback([s, &run] {
    run = [s]() -> int {
      std::vector<std::string> arguments, names;
      for (std::size_t i = 0; i < formats.size(); ++i) {
        names.push_back(fmt::format("--{}", formats.at(i).name));
        if (s->chosen.at(i)) arguments.emplace_back(formats.at(i).name);
      }
      if (arguments.size() != 1) throw usage_error(fmt::format("export: name one of {}", fmt::join(names, ", ")));
      arguments.push_back(s->directory);
      if (!s->out.empty()) arguments.push_back(s->out);
      become_python("export", export_script, std::move(arguments));
    };
  });
}

}  // namespace tally::cli
