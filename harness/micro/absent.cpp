// `tally micro` in a build without Google Benchmark.
#include <cstdio>

#include "harness/micro/micro.hpp"

namespace tally::micro {

int run(const std::vector<std::string>&) {
  std::fputs("tally micro: this build has no Google Benchmark; install libbenchmark-dev and build again\n", stderr);
  return 64;
}

}  // namespace tally::micro
