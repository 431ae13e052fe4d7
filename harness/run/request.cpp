#include "harness/run/request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <set>

#include "harness/base/scan.hpp"
#include "harness/base/text.hpp"
#include "harness/engine/think.hpp"

namespace tally {
namespace {

// All of `text`, or nothing.
std::optional<int> whole_number(std::string_view text, int least, int most) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const bool fits = error == std::errc{} && end == text.data() + text.size() && n >= least && n <= most;
  return fits ? std::optional(n) : std::nullopt;
}

// In order, each once; `wanted` says what they may be.
std::vector<int> whole_numbers(std::string_view flag, std::string_view text, int least, int most, const std::string& wanted) {
  std::set<int> numbers;
  for (const auto& v : scan::read(fmt::format("{} ", flag), text).values(true)) {
    const auto n = whole_number(v, least, most);
    if (!n) throw usage_error(fmt::format("{} {}: {}", flag, text, wanted));
    numbers.insert(*n);
  }
  return {numbers.begin(), numbers.end()};
}

}  // namespace

std::vector<int> read_counts(std::string_view flag, std::string_view text, int most, std::string_view wanted) {
  return whole_numbers(flag, text, 1, most, fmt::format("{}numbers between 1 and {} such as 1,2,4 or 1..8*2", wanted, most));
}

think_list think_list::read(std::string_view flag, std::string_view text) {
  think_list list;
  list.ns = whole_numbers(flag, text, 0, most_think_ns,
                          fmt::format("nanoseconds between 0 and {} such as 0,50,200 or 10..10000*10", most_think_ns));
  return list;
}

thread_list thread_list::read(std::string_view flag, std::string_view text) {
  thread_list list;
  if (text != "auto") list.counts = read_counts(flag, text, 1024, "auto, or ");
  return list;
}

std::string counts_text(const std::vector<int>& counts) { return fmt::format("{}", fmt::join(counts, ",")); }

std::string thread_list::text() const { return counts.empty() ? "auto" : counts_text(counts); }

worker_count worker_count::read(std::string_view flag, std::string_view text) {
  if (text == "threads") return {};
  const auto n = whole_number(text, 1, 256);
  if (!n) throw usage_error(fmt::format("{} {}: a number between 1 and 256, or threads", flag, text));
  return {*n};
}

std::string worker_count::text() const { return number == 0 ? "threads" : fmt::format("{}", number); }

}  // namespace tally
