#include "harness/sim/settled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/base/text.hpp"

namespace tally::sim {
namespace {

constexpr std::uint64_t periods = 4;
constexpr double tolerance = 0.1;
constexpr double few_transfers = 0.01;  // per operation: too few to be told apart

double per_op(std::uint64_t first, std::uint64_t second, double operations) {
  return static_cast<double>(second - first) / operations;
}

bool apart(double a, double b) { return std::abs(a - b) > tolerance * std::max(a, b); }

}  // namespace

std::string why_unsettled(const moment& opened, const moment& half, const moment& closed, std::uint64_t lanes, bool may_grow) {
  const std::uint64_t rounds = closed.periodic - opened.periodic;
  if (closed.periodic != 0 && rounds < periods) {
    return fmt::format("its periodic work happened {} in the window, and not {} times", counted(rounds, "time"), periods);
  }
  const std::uint64_t pages = closed.pages - half.pages;
  if (!may_grow && pages > (closed.periodic == 0 ? lanes : closed.pages / 16)) {
    return fmt::format("memory still grows, by {} KiB in the window's second half", 4 * pages);
  }
  const double before = per_op(opened.operations, half.operations, 1), after = per_op(half.operations, closed.operations, 1);
  const double taken[] = {per_op(opened.cycles, half.cycles, before), per_op(half.cycles, closed.cycles, after)};
  if (apart(taken[0], taken[1])) {
    return fmt::format("operations of the window's second half take {:.2g} times the cycles of the first", taken[1] / taken[0]);
  }
  const double moved[] = {per_op(0, half.transfers, before), per_op(half.transfers, closed.transfers, after)};
  if (std::max(moved[0], moved[1]) > few_transfers && apart(moved[0], moved[1])) {
    return fmt::format("operations of the window's second half move {:.2g} lines each, and of its first {:.2g}", moved[1],
                       moved[0]);
  }
  return "";
}

}  // namespace tally::sim
