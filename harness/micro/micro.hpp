// tally micro: Google Benchmark over the registry, for single-thread operation costs with a hand-written baseline beside each.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace benchmark {
class State;
}

namespace tally::micro {

struct benchmark_entry {
  std::string operation, who;  // who: a strategy's name, or a baseline's in brackets
  std::function<void(benchmark::State&)> run;
};
using benchmark_list = std::vector<benchmark_entry>;

// What one iteration of each operation does, in the order of the help.
struct operation_info {
  std::string_view name, what;
};
inline constexpr std::array<operation_info, 8> operations{
    {{"make_drop",
      "makes an object of 32 bytes, header included, and drops it; (malloc+free) takes, writes and gives back as many"},
     {"copy_drop", "copies a ref and drops the copy"},
     {"load_drop", "loads the ref in an object's slot and drops it"},
     {"load_store", "loads it and stores it again"},
     {"take_store", "takes it out of the slot and puts it back, with nothing to count"},
     {"upgrade_drop", "makes a ref of a weak ref and drops it"},
     {"shared_load_drop", "loads the ref in a slot that other threads may store into, and drops it"},
     {"borrow", "reads through such a slot without a count"}}};

// Runs what `args` (Google Benchmark's own flags: --benchmark_filter=copy_drop ...) select. Returns the exit code;
// throws usage_error.
int run(const std::vector<std::string>& args);

void add_baselines(benchmark_list& into);
void add_strategies(benchmark_list& into);  // generated: a call per registered strategy

}  // namespace tally::micro
