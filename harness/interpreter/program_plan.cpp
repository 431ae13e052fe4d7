#include "harness/interpreter/program_plan.hpp"

#include <fmt/format.h>

#include "harness/interpreter/assembler.hpp"
#include "harness/interpreter/borrowed_loads.hpp"

namespace tally::bytecode {

std::string unmet(const parameters& p, bool shared_slots) {
  const program_info& program = program_named(p.text("program"));
  return program.shares && !shared_slots ? fmt::format("program={} needs shared slots", program.name) : "";
}

program_plan::program_plan(const parameters& p)
    : program(program_named(p.text("program"))), rounds(p.integer("rounds")), expected(program.result(rounds)),
      immortal(p.is("immortal", "yes")), borrows(p.is("loads", "borrowed")), objects(assembled(program.text)) {
  if (!borrows) return;
  for (code& c : objects.codes) borrow_loads(c);
}

std::string program_plan::verdict(std::uint64_t wrong) const {
  return wrong == 0 ? "" : fmt::format("{} calls of {} met a damaged object or gave back a wrong result", wrong, program.name);
}

void program_plan::report(metric_list& into, std::uint64_t steps, std::uint64_t waits, std::int64_t updates) const {
  const double done = static_cast<double>(steps) * static_cast<double>(rounds);
  const auto share = [&](double n) { return done > 0 ? n / done : 0; };
  if (program.name == "attr_shared_update")
    into.push_back({"lost_updates", share(done - static_cast<double>(updates)), "per operation"});
  if (hands_over()) into.push_back({"queue_waits", share(static_cast<double>(waits)), "per operation"});
}

}  // namespace tally::bytecode
