// A hand-written program on the virtual multicore, for tests.
#pragma once

#include <memory>
#include <string>

#include "harness/sim/cores/tasks_simulated.hpp"

namespace tally::sim {

class test_program {
 public:
  explicit test_program(int cores, const std::string& order = "timed", const std::string& machine_name = "epyc-7773x-2s")
      : caches_(load_machine(machine_name), static_cast<unsigned>(cores),
                {.fields = static_cast<unsigned>(fields().names().size())}),
        cores_(memory_, caches_, schedule::read("--schedule", order), 1) {}

  // `first` on core 0.
  template <class F>
  void run(F&& first) {
    cores_.run([&] {
      cores_.set_counting(true);
      first(cores_);
    });
  }
  [[nodiscard]] const std::string& failure() const { return cores_.failure(); }
  [[nodiscard]] traffic field(std::string_view name) const {
    return caches_.by_field(static_cast<field_id>(fields().enter(name)));
  }
  [[nodiscard]] multicore& cores() { return cores_; }

 private:
  space memory_;
  memory_system caches_;
  multicore cores_;
};

}  // namespace tally::sim
