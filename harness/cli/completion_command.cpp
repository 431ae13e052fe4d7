// `tally completion bash|zsh`: a completion script, written from the command line's own declarations, so that no flag is listed
// a second time.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "harness/base/text.hpp"
#include "harness/cli/cli.hpp"
#include "harness/engine/registry.hpp"
#include "harness/report/listing.hpp"
#include "harness/run/findings.hpp"
#include "harness/run/runtimes.hpp"
#include "harness/run/suites.hpp"
#include "harness/sim/caches/machine.hpp"

namespace tally::cli {
namespace {

using words = std::vector<std::string>;

std::string one_line(const words& all) { return fmt::format("{}", fmt::join(all, " ")); }

words flags_of(const CLI::App& sub) {
  words all;
  for (const auto* option : sub.get_options()) {
    for (const auto& name : option->get_lnames()) all.push_back("--" + name);
  }
  return all;
}

words subcommands_of(const CLI::App& app) {
  words all;
  for (const auto* sub : app.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); })) {
    if (!sub->get_name().empty()) all.push_back(sub->get_name());
  }
  return all;
}

// What may follow a flag, or a subcommand that takes a name.
words names_after(const std::string& word) {
  words all;
  const registry& here = built_in();
  if (word == "--strategy" || word == "--baseline" || word == "describe") {
    for (const auto& s : here.strategies) all.push_back(s.name);
    std::ranges::copy(runtime_names(), std::back_inserter(all));
  }
  if (word == "--workload" || word == "describe") {
    for (const auto& w : here.workloads) all.emplace_back(w.name);
  }
  if (word == "--suite" || word == "describe") {
    for (const auto& s : all_suites()) all.push_back(s.name);
  }
  if (word == "findings") {
    for (auto& slug : finding_slugs()) all.push_back(std::move(slug));
  }
  if (word == "list") all.assign(list_sections.begin(), list_sections.end());
  if (word == "--machine" || word == "describe") {
    for (auto& m : sim::machine_names()) all.push_back(std::move(m));
  }
  return all;
}

// A `case` of `subject` with what is offered after each word.
std::string choice(std::string_view subject, const std::vector<std::pair<std::string, words>>& offers) {
  std::string out = fmt::format("  case {} in\n", subject);
  for (const auto& [after, offered] : offers) {
    if (!offered.empty()) out += fmt::format("    {}) offered='{}' ;;\n", after, one_line(offered));
  }
  return out + "  esac\n";
}

// By the subcommand, and then by the flag that stands before the cursor.
std::string choices(const CLI::App& app, std::string_view subcommand, std::string_view before) {
  std::vector<std::pair<std::string, words>> by_subcommand, by_flag;
  for (const auto& name : subcommands_of(app)) {
    const CLI::App& sub = *app.get_subcommand(name);
    words offered = subcommands_of(sub);
    for (const auto& more : {names_after(name), flags_of(sub)}) offered.insert(offered.end(), more.begin(), more.end());
    by_subcommand.emplace_back(name, std::move(offered));
  }
  for (const char* flag : {"--strategy", "--baseline", "--workload", "--suite", "--machine"})
    by_flag.emplace_back(flag, names_after(flag));
  return choice(subcommand, by_subcommand) + choice(before, by_flag);
}

std::string bash_script(const CLI::App& app) {
  return fmt::format(
      "# bash completion of tally, written by `tally completion bash`\n"
      "_tally() {{\n  local offered=\n{}  (( COMP_CWORD == 1 )) && offered='{}'\n"
      "  COMPREPLY=($(compgen -W \"$offered\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n}}\ncomplete -o default -F _tally tally\n",
      choices(app, "${COMP_WORDS[1]}", "${COMP_WORDS[COMP_CWORD-1]}"), one_line(subcommands_of(app)));
}
std::string zsh_script(const CLI::App& app) {
  return fmt::format(
      "#compdef tally\n# zsh completion of tally, written by `tally completion zsh`\n"
      "_tally() {{\n  local offered=\n{}  (( CURRENT == 2 )) && offered='{}'\n"
      "  [[ -n $offered ]] && compadd -- ${{=offered}}\n  _files\n}}\n_tally \"$@\"\n",
      choices(app, "${words[2]}", "${words[CURRENT-1]}"), one_line(subcommands_of(app)));
}

}  // namespace

void add_completion(CLI::App& app, action& run) {
  auto shell = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand("completion", "a script that completes the command line in bash or zsh");
  sub->add_option("shell", *shell, "bash or zsh")->required();
  sub->callback([shell, &app, &run] {
    run = [shell, &app] {
      const words shells{"bash", "zsh"};
      if (std::ranges::find(shells, *shell) == shells.end()) throw usage_error(no_such("completion", *shell, "shell", shells));
      fmt::print("{}", *shell == "zsh" ? zsh_script(app) : bash_script(app));
      return 0;
    };
  });
}

}  // namespace tally::cli
