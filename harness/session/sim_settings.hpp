// What a simulation was asked for, as config.json keeps it: so that it can be made again (--from) or gone on with (--resume).
#pragma once

#include <filesystem>

#include "harness/session/sim_session.hpp"
#include "harness/sim/caches/machine.hpp"

namespace tally::sim {

// The whole config.json.
[[nodiscard]] json config_of(const session_options&, const machine&, std::uint64_t seed);

// The config.json of a simulation in `directory`, checked; `flag` opens the message. Throws usage_error.
[[nodiscard]] json read_simulation(std::string_view flag, const std::filesystem::path& directory);

// Options and machine as there, but for the flags in o.given.
void take_over(session_options& o, machine& model, const json& config);

// The first flag that was typed and says something else than `config`, "" if none.
[[nodiscard]] std::string first_difference(const session_options& typed, const machine& model, const json& config);

}  // namespace tally::sim
