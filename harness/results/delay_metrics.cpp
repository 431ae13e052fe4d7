#include "harness/results/delay_metrics.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

namespace tally {
namespace {

// Null: nothing was delayed by it, or there are no latencies.
template <std::size_t D>
const histogram* delayed(const measured_window& s) {
  const histogram& h = s.window.delayed[D];
  return s.row.mode == measure_mode::latency && h.total() != 0 ? &h : nullptr;
}
template <std::size_t D, int PerMille>
std::optional<double> latency_of(const measured_window& s) {
  const histogram* h = delayed<D>(s);
  if (h == nullptr) return {};
  return static_cast<double>(h->quantile(PerMille / 1000.0));
}
template <std::size_t D>
std::optional<double> share_of(const measured_window& s) {
  const histogram* h = delayed<D>(s);
  if (h == nullptr) return {};
  return static_cast<double>(h->total()) / static_cast<double>(s.window.latencies.total());
}

struct cause_texts {
  std::array<std::string, 4> names, meanings;
};

cause_texts texts_of(const delay_info& cause) {
  const auto name = [&](std::string_view what) { return fmt::format("latency_{}_{}", cause.name, what); };
  return {{name("share"), name("p50"), name("p99"), name("max")},
          {fmt::format("share of the operations with {} inside them", cause.what),
           fmt::format("the median latency of the operations with {} inside them", cause.what),
           fmt::format("the latency that 99 % of the operations with {} inside them stay below", cause.what),
           fmt::format("the longest latency of an operation with {} inside it", cause.what)}};
}

template <std::size_t D>
void add(std::vector<metric_row<measured_window>>& into, const cause_texts& t) {
  into.push_back({{t.names[0], "ratio", "measured", better::neither, t.meanings[0]}, share_of<D>});
  into.push_back({{t.names[1], "ns", "measured", better::less, t.meanings[1]}, latency_of<D, 500>});
  into.push_back({{t.names[2], "ns", "measured", better::less, t.meanings[2]}, latency_of<D, 990>});
  into.push_back({{t.names[3], "ns", "measured", better::less, t.meanings[3]}, latency_of<D, 1000>});
}

}  // namespace

std::vector<metric_row<measured_window>> delay_metrics() {
  std::vector<metric_row<measured_window>> rows;
  [&]<std::size_t... D>(std::index_sequence<D...>) {
    static const std::array<cause_texts, delays> texts{texts_of(delay_table[D])...};
    (add<D>(rows, texts[D]), ...);
  }(std::make_index_sequence<delays>());
  return rows;
}

}  // namespace tally
