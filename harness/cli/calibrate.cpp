#include <fmt/format.h>

#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/measure/calibrate.hpp"

namespace tally::cli {

void add_calibrate(CLI::App& app, action& run) {
  auto file = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand("calibrate", "measure this machine, and write it as one for the simulator");
  sub->add_option("file", *file, "the machine file to be written")->required();
  sub->callback([file, &run] {
    run = [file] {
      fmt::print("{}", calibrate_into(*file));
      return 0;
    };
  });
}

}  // namespace tally::cli
