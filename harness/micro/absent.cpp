// `tally micro` in a build without Google Benchmark.
#include "harness/base/errors.hpp"
#include "harness/base/program.hpp"
#include "harness/micro/micro.hpp"

namespace tally::micro {

int run(const std::vector<std::string>&) {
  throw usage_error("micro: this build has no Google Benchmark; install libbenchmark-dev, then " + rebuilding(""));
}

}  // namespace tally::micro
