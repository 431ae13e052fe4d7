#include "harness/cli/flag_parsing.hpp"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "harness/base/program.hpp"
#include "harness/base/text.hpp"

namespace tally::cli {
namespace {

// As help shows it.
template <class T>
std::string type_of(number_range range) {
  if constexpr (is_optional<T>::value || is_list<T>::value) {
    return type_of<typename T::value_type>(range);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return range.most == 0 ? "N" : fmt::format("N ({:.0f} to {:.0f})", range.least, range.most);
  } else if constexpr (std::same_as<T, std::filesystem::path>) {
    return "DIR";
  } else {
    return "TEXT";
  }
}

// Flags with a value. A list's may be given several times; of another's the last one counts.
template <class Options, class Row>
CLI::Option* add_valued(CLI::App& sub, Options& o, const Row& row) {
  using value = typename Row::value;
  const std::string flag = std::string("--") + row.name;
  const auto read = [&o, row, flag](const std::vector<std::string>& typed) {
    value& into = o.*row.member;
    if constexpr (is_list<value>::value) {
      into.clear();
      for (const auto& t : typed) {
        for (auto& v : read_values<typename value::value_type>(flag, t, row.range)) into.push_back(std::move(v));
      }
    } else {
      into = read_value<value>(flag, typed.back(), row.range);
    }
  };
  CLI::Option* option = sub.add_option_function<std::vector<std::string>>(flag, read, with_program(row.help));
  option->type_name(type_of<value>(row.range))->expected(1)->allow_extra_args(false);
  if constexpr (is_list<value>::value) {
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  } else {
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  if (const std::string standard = value_text(o.*row.member); standard != "0") option->default_str(standard);
  return option;
}

// CLI11 takes the commas of `threads=1,2` for those of an array, `threads=["1", "2"]`: values that are no array are put in
// quotes.
std::istringstream as_typed(std::istream& text) {
  std::string out;
  bool in_array = false;
  for (std::string line; std::getline(text, line);) {
    line.erase(std::min(line.find('#'), line.size()));  // comments
    line.erase(line.find_last_not_of(" \t\r") + 1);
    const auto equals = line.find('=');
    const auto value = equals == std::string::npos ? equals : line.find_first_not_of(" \t", equals + 1);
    if (!in_array && value != std::string::npos) {
      in_array = line[value] == '[';
      if (line.find_first_of("[\"'", value) != value) line = line.substr(0, value) + '"' + line.substr(value) + '"';
    }
    if (in_array && line.ends_with(']')) in_array = false;
    out += line + '\n';
  }
  return std::istringstream(out);
}

}  // namespace

template <class Options>
void add_flags(CLI::App& sub, Options& o, const std::function<void()>& then) {
  auto config = std::make_shared<std::string>();
  sub.add_option("--config", *config, "flags from a file of name=value lines; the command line's own count more");
  std::vector<CLI::Option*> kept;
  each_flag<Options>([&](const auto& row) {
    using value = typename std::remove_cvref_t<decltype(row)>::value;
    CLI::Option* option = nullptr;
    if constexpr (std::same_as<value, bool>) {
      option = sub.add_flag(std::string("--") + row.name, o.*row.member, with_program(row.help));
    } else {
      option = add_valued(sub, o, row);
    }
    option->group(flag_group_titles.at(static_cast<std::size_t>(row.group)));
    if (row.requested) kept.push_back(option);
  });
  sub.callback([&sub, &o, kept, config, then] {
    if (!config->empty()) {
      std::ifstream file(*config);
      if (!file) throw usage_error("--config " + *config + ": can't be read");
      take_flags(sub, file, "--config " + *config);
    }
    if constexpr (requires { o.given; }) {
      for (const auto* option : kept) {
        if (option->count() > 0) o.given.insert(option->get_lnames().front());
      }
    }
    then();
  });
}

template void add_flags<run_options>(CLI::App&, run_options&, const std::function<void()>&);
template void add_flags<sim::sim_options>(CLI::App&, sim::sim_options&, const std::function<void()>&);
template void add_flags<watch_options>(CLI::App&, watch_options&, const std::function<void()>&);

void take_flags(CLI::App& sub, std::istream& text, const std::string& origin) {
  std::vector<CLI::ConfigItem> items;
  try {
    std::istringstream quoted = as_typed(text);
    items = CLI::ConfigTOML().from_config(quoted);
  } catch (const CLI::Error&) {
    throw usage_error(origin + ": can't be read");
  }
  if (text.bad()) throw usage_error(origin + ": can't be read");  // a directory opens like a file
  std::vector<std::string> known;
  for (const auto* option : sub.get_options()) known.push_back(option->get_lnames().front());
  for (const auto& item : items) {
    CLI::Option* option = sub.get_option_no_throw("--" + item.fullname());
    if (option == nullptr && nearest(item.fullname(), known).empty()) {
      throw unknown_name(
          fmt::format("{}: {}: no such flag; {} lists them", origin, item.fullname(), command(sub.get_name(), "--help")));
    }
    if (option == nullptr) throw unknown_name(no_such(origin + ":", item.fullname(), "flag", known));
    if (option->count() != 0) continue;
    for (const auto& value : item.inputs) option->add_result(value);
    try {
      option->run_callback();
    } catch (const unknown_name& e) {
      throw unknown_name(fmt::format("{}: {}", origin, e.what()));
    } catch (const usage_error& e) {
      throw usage_error(fmt::format("{}: {}", origin, e.what()));
    }
  }
}

}  // namespace tally::cli
