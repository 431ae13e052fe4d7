// What a simulation was asked for, as config.json keeps it: so that it can be made again (--from) or gone on with (--resume).
#pragma once

#include <filesystem>

#include "harness/session/sim_session.hpp"
#include "harness/sim/caches/machine.hpp"

namespace tally::sim {

// The whole config.json.
[[nodiscard]] json config_of(const sim_options&, const machine&, std::uint64_t seed);

// Options and machine as there, but for the flags in o.given. Throws usage_error that begins with the earlier session's flag.
void take_over(sim_options& o, machine& model, const earlier_session&);

// The first flag that was typed and says something else than `config`, "" if none.
[[nodiscard]] std::string first_difference(const sim_options& typed, const machine& model, const json& config);

}  // namespace tally::sim
