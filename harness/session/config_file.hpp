// config.json: what was asked for, by which binary and on which machine, so that a session can be made again (--from) or gone on
// with (--resume).
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/json.hpp"
#include "harness/run/plan.hpp"
#include "harness/sim/sim_request.hpp"

namespace tally {

// `run` or `sim`: what a config.json is of, and what goes on with it.
enum class session_kind { run, sim };
inline constexpr std::array<std::string_view, 2> session_names{"run", "sim"};
static_assert(session_names.size() == static_cast<std::size_t>(session_kind::sim) + 1);

struct session_config {
  session_kind kind = session_kind::run;
  json request;                          // read_request() reads it
  std::string machine, git, executable;  // where, and the binary's revision and hash
};

// Checked: all that session_config has is there and of its type. `origin` ("--from DIR") opens the message. Throws usage_error.
[[nodiscard]] session_config parse_config(std::string_view text, const std::string& origin);
// The one in `directory`, which `flag` named.
[[nodiscard]] session_config read_config(std::string_view flag, const std::filesystem::path& directory);

// The keys of the planned rows, in the plan's order; none where config.json is not there or does not say it.
[[nodiscard]] std::vector<std::string> planned_rows(const std::filesystem::path& directory);

// What is written. Throws usage_error where a flag's value is not UTF-8 text: JSON can't hold it.
[[nodiscard]] std::string config_text(const run_plan&);
[[nodiscard]] std::string config_text(const sim::sim_request&, const std::vector<std::string>& not_modelled);

// Writes into the config.json of `directory` how the run ended or stands, with what that makes of its number of processes.
void note_end(const std::filesystem::path& directory, const stop_rule&, const run_end&);
// What was noted; nothing where nothing was. Without the widths.
[[nodiscard]] std::optional<run_end> noted_end(const std::filesystem::path& directory);

// A request as it is kept: flags with their values, as they are typed; those that have none are left out.
[[nodiscard]] json request_json(const run_request&);
[[nodiscard]] json request_json(const sim::sim_request&);
// Throws usage_error where a flag has a value that it can't have, or a simulation lacks what it needs.
void read_request(const json&, run_request&);
void read_request(const json&, sim::sim_request&);

}  // namespace tally
