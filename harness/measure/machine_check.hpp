// A line of `tally doctor`: something that makes numbers lie where it is as it should not be.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace tally {

// unseen, told as "not visible": a kernel or a hypervisor keeps it to itself, which is not a machine that is fine.
enum class check_state { ok, warn, unseen };
inline constexpr std::array<std::string_view, 3> check_state_names{"ok", "warn", "not visible"};
static_assert(check_state_names.size() == static_cast<std::size_t>(check_state::unseen) + 1);

struct machine_check {
  std::string name;   // "governor"
  std::string value;  // what was found
  check_state state = check_state::ok;
  std::string reason;  // what it does to numbers; of what is not visible, why
  std::string remedy;  // a command or a sentence; empty where nothing helps

  [[nodiscard]] static machine_check fine(std::string name, std::string value) {
    return {std::move(name), std::move(value), check_state::ok, "", ""};
  }
  [[nodiscard]] static machine_check warning(std::string name, std::string value, std::string reason, std::string remedy) {
    return {std::move(name), std::move(value), check_state::warn, std::move(reason), std::move(remedy)};
  }
  [[nodiscard]] static machine_check hidden(std::string name, std::string value, std::string reason, std::string remedy = "") {
    return {std::move(name), std::move(value), check_state::unseen, std::move(reason), std::move(remedy)};
  }
};

}  // namespace tally
