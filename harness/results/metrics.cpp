#include "harness/results/metrics.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "harness/results/delay_metrics.hpp"

namespace tally {
namespace {

using source = const measured_window&;
using value = std::optional<double>;
using enum better;

bool has_latency(source s) { return s.row.mode == measure_mode::latency; }
bool has_memory(source s) { return s.row.mode == measure_mode::memory; }
bool observed(source s) { return s.row.mode == measure_mode::observed; }
bool has_deaths(source s) { return s.row.mode == measure_mode::promptness && s.window.deaths.objects != 0; }
value when(bool known, double v) { return known ? value(v) : std::nullopt; }
value as_value(const std::optional<std::uint64_t>& n) { return n ? value(static_cast<double>(*n)) : std::nullopt; }
template <int PerTenThousand>
value latency(source s) {
  return when(has_latency(s), has_latency(s) ? static_cast<double>(s.window.latencies.quantile(PerTenThousand / 10'000.0)) : 0);
}
double share(double part, double whole) { return whole == 0 ? 0 : part / whole; }

template <int PerTenThousand>
value service(source s) {
  return when(s.open.has_value(), s.open ? static_cast<double>(s.window.service.quantile(PerTenThousand / 10'000.0)) : 0);
}
template <double open_loop_outcome::* Member>
value of_open(source s) {
  return s.open ? value((*s.open).*Member) : std::nullopt;
}
// Processor time per step of an open loop, without what was spun until intended starts.
value cpu_of_open(source s) {
  if (!s.open || s.open->steps == 0) return {};
  const std::uint64_t cpu = s.window.process_cpu_ns;
  if (cpu <= s.open->spun_ns) return {};  // a spin is timed from within: of a window that only spins the rest is not known
  return share(static_cast<double>(cpu - s.open->spun_ns), static_cast<double>(s.open->steps));
}

// Over all that died in the window: what was not freed in it counts as longer than all that was, so that a rank among those has no
// time.
template <int PerMille>
value promptness(source s) {
  if (!has_deaths(s)) return {};
  const window_deaths& d = s.window.deaths;
  const double of_freed = PerMille / 1000.0 * static_cast<double>(d.objects) / static_cast<double>(d.delays.total());
  return when(of_freed <= 1, of_freed <= 1 ? static_cast<double>(d.delays.quantile(of_freed)) : 0);
}

template <held_cause Cause>
value held(source s) {
  return when(has_memory(s) && s.held_told, s.held_peaks[static_cast<std::size_t>(Cause)]);
}

template <std::size_t Generation>
value collections(source s) {
  if (!s.window.collector) return {};
  return static_cast<double>(s.window.collector->totals.collections[Generation]);
}
// Of collections; nothing where there was none.
template <int PerMille>
value pause(source s) {
  if (!s.window.collector || s.window.collector->totals.pauses.total() == 0) return {};
  return static_cast<double>(s.window.collector->totals.pauses.quantile(PerMille / 1000.0));
}

// In the order in which a record has them.
constexpr std::array table{
    metric_row<measured_window>{
        {"operations", "1", "measured", neither, "operations that ended inside the window, of all threads"},
        [](source s) { return when(s.timed() || observed(s), s.operations); }},
    metric_row<measured_window>{{"ops_per_second", "1/s", "measured", more, "operations per second, of all threads together"},
                                [](source s) { return when(s.timed() && s.rate > 0, s.rate); }},
    metric_row<measured_window>{{"ns_per_op", "ns", "measured", less, "wall time per operation, on its thread"},
                                [](source s) { return when(s.timed() && s.rate > 0, 1e9 * s.row.threads / s.rate); }},
    // Over the conductor's window, which the lanes' own windows follow within microseconds.
    metric_row<measured_window>{
        {"cpu_ns_per_op", "ns", "measured", less, "processor time per operation, of all threads, collectors included"},
        [](source s) {
          if (s.open) return cpu_of_open(s);
          return when(s.timed() && s.rate > 0 && s.window.window_ns != 0,
                      static_cast<double>(s.window.process_cpu_ns) / (s.rate * static_cast<double>(s.window.window_ns) * 1e-9));
        }},
    metric_row<measured_window>{
        {"fairness_min_max", "ratio", "measured", more, "rate of the slowest thread over that of the fastest"},
        [](source s) { return when(s.timed() && s.rate > 0 && s.window.lanes.size() > 1, share(s.least_rate, s.most_rate)); }},
    metric_row<measured_window>{{"fairness_jain", "ratio", "measured", more,
                                 "Jain's index of the threads' rates: 1 all alike, 1/n one did it all [Jain84]"},
                                [](source s) {
                                  return when(
                                      s.timed() && s.rate > 0 && s.window.lanes.size() > 1,
                                      share(s.rate * s.rate, static_cast<double>(s.window.lanes.size()) * s.squared_rates));
                                }},
    metric_row<measured_window>{
        {"handoffs_per_op", "1/op", "measured", less,
         "line hand-offs per operation, as read-modify-writes notice them: a lower bound of line transfers"},
        [](source s) {
          return when(observed(s) && s.operations > 0, share(static_cast<double>(s.handoffs.handoffs), s.operations));
        }},
    metric_row<measured_window>{{"rmws_per_op", "1/op", "measured", less, "atomic read-modify-writes per operation"},
                                [](source s) {
                                  return when(observed(s) && s.operations > 0,
                                              share(static_cast<double>(s.handoffs.rmws), s.operations));
                                }},
    metric_row<measured_window>{{"ops_per_handoff", "1", "measured", more, "operations per line hand-off"},
                                [](source s) {
                                  return when(observed(s) && s.handoffs.handoffs != 0,
                                              share(s.operations, static_cast<double>(s.handoffs.handoffs)));
                                }},
    metric_row<measured_window>{
        {"rmws_known_share", "ratio", "measured", neither, "share of the read-modify-writes that could tell who wrote before"},
        [](source s) {
          return when(observed(s) && s.handoffs.rmws != 0,
                      share(static_cast<double>(s.handoffs.known), static_cast<double>(s.handoffs.rmws)));
        }},
    metric_row<measured_window>{{"handoff_latency", "ns", "measured", less,
                                 "one way of a line between the row's first two processors, probed before and after"},
                                [](source s) -> value {
                                  double sum = 0, probes = 0;
                                  for (const auto* p : {&s.context.probe_before, &s.context.probe_after}) {
                                    if (*p && (*p)->p50_ns > 0) sum += (*p)->p50_ns, probes += 1;
                                  }
                                  return when(observed(s) && probes != 0, share(sum, probes));
                                }},
    metric_row<measured_window>{{"latency_p50", "ns", "measured", less, "the median latency of an operation"}, latency<5000>},
    metric_row<measured_window>{{"latency_p90", "ns", "measured", less, "the latency that 90 % of the operations stay below"},
                                latency<9000>},
    metric_row<measured_window>{{"latency_p99", "ns", "measured", less, "the latency that 99 % of the operations stay below"},
                                latency<9900>},
    metric_row<measured_window>{{"latency_p999", "ns", "measured", less, "the latency that 99.9 % of the operations stay below"},
                                latency<9990>},
    metric_row<measured_window>{
        {"latency_p9999", "ns", "measured", less, "the latency that 99.99 % of the operations stay below"}, latency<9999>},
    metric_row<measured_window>{{"latency_max", "ns", "measured", less, "the longest latency of an operation"},
                                [](source s) { return when(has_latency(s), static_cast<double>(s.window.latencies.max())); }},
    metric_row<measured_window>{{"latency_mean", "ns", "measured", less, "the mean latency of an operation"},
                                [](source s) { return when(has_latency(s), s.window.latencies.mean()); }},
    // Of an open loop, where a latency counts from the intended start.
    metric_row<measured_window>{
        {"service_p50", "ns", "measured", less, "at a rate: the median time from an operation's actual start to its end"},
        service<5000>},
    metric_row<measured_window>{{"service_p90", "ns", "measured", less, "the time that 90 % of them stay below"}, service<9000>},
    metric_row<measured_window>{{"service_p99", "ns", "measured", less, "the time that 99 % of them stay below"}, service<9900>},
    metric_row<measured_window>{{"service_p999", "ns", "measured", less, "the time that 99.9 % of them stay below"},
                                service<9990>},
    metric_row<measured_window>{{"service_p9999", "ns", "measured", less, "the time that 99.99 % of them stay below"},
                                service<9999>},
    metric_row<measured_window>{{"service_max", "ns", "measured", less, "the longest of them"},
                                [](source s) { return when(s.open.has_value(), static_cast<double>(s.window.service.max())); }},
    metric_row<measured_window>{{"service_mean", "ns", "measured", less, "the mean of them"},
                                [](source s) { return when(s.open.has_value(), s.window.service.mean()); }},
    metric_row<measured_window>{
        {"rate_asked", "1/s", "measured", neither, "operations per second that were asked for, of all threads"},
        of_open<&open_loop_outcome::asked>},
    metric_row<measured_window>{{"rate_reached", "1/s", "measured", neither, "operations per second that began and ended"},
                                of_open<&open_loop_outcome::reached>},
    metric_row<measured_window>{{"rate_closed", "1/s", "measured", neither,
                                 "what a closed loop reached before the window, of which the rate asked for is a share"},
                                [](source s) { return s.context.closed_loop_rate; }},
    metric_row<measured_window>{
        {"backlog", "1", "measured", neither, "operations that were due when the window closed, and had not begun"},
        [](source s) { return when(s.open.has_value(), s.open ? static_cast<double>(s.open->backlog) : 0); }},
    metric_row<measured_window>{{"late_share", "ratio", "measured", neither,
                                 "share of the operations that were due before their thread was done with the one ahead"},
                                of_open<&open_loop_outcome::late_share>},
    metric_row<measured_window>{{"overslept_share", "ratio", "measured", neither,
                                 "share of the operations that the kernel woke their thread too late for"},
                                of_open<&open_loop_outcome::overslept_share>},
    metric_row<measured_window>{
        {"spun_ns_per_op", "ns", "measured", neither,
         "processor time per operation in which threads spun for an intended start; cpu_ns_per_op is without it"},
        [](source s) -> value {
          if (!s.open || s.open->steps == 0) return {};
          return share(static_cast<double>(s.open->spun_ns), static_cast<double>(s.open->steps));
        }},
    // Of a collector, over the time in which the lanes ran, ramps included.
    metric_row<measured_window>{{"collections_young", "1", "measured", neither,
                                 "collections of generation 0; of deferred, reconciliations that looked for no cycles"},
                                collections<0>},
    metric_row<measured_window>{{"collections_middle", "1", "measured", neither, "collections of generation 1"}, collections<1>},
    metric_row<measured_window>{{"collections_full", "1", "measured", neither, "collections of the whole heap"},
                                collections<collector_totals::full>},
    metric_row<measured_window>{
        {"objects_looked_at", "1", "measured", less, "objects that collections looked at, once each time"},
        [](source s) {
          const bool known = s.window.collector && s.window.collector->totals.looked_at != 0;
          return when(known, known ? static_cast<double>(s.window.collector->totals.looked_at) : 0);
        }},
    metric_row<measured_window>{{"objects_collected", "1", "measured", neither, "objects that collections found to be garbage"},
                                [](source s) -> value {
                                  if (!s.window.collector) return {};
                                  return static_cast<double>(s.window.collector->totals.unreachable);
                                }},
    metric_row<measured_window>{{"pause_p50", "ns", "measured", less, "the median time of a collection"}, pause<500>},
    metric_row<measured_window>{{"pause_p99", "ns", "measured", less, "the time that 99 % of the collections stay below"},
                                pause<990>},
    metric_row<measured_window>{{"pause_max", "ns", "measured", less, "the longest time of a collection"}, pause<1000>},
    metric_row<measured_window>{{"pause_share", "ratio", "measured", less, "share of the time that collections took"},
                                [](source s) -> value {
                                  if (!s.window.collector) return {};
                                  return share(static_cast<double>(s.window.collector->totals.pauses.sum()),
                                               static_cast<double>(s.window.collector->lanes_ns));
                                }},
    metric_row<measured_window>{
        {"promptness_objects", "1", "measured", neither, "objects whose last reference was dropped inside the window"},
        [](source s) { return when(has_deaths(s), static_cast<double>(s.window.deaths.objects)); }},
    metric_row<measured_window>{
        {"promptness_censored", "1", "measured", less, "of these, objects that were not yet freed when the window closed"},
        [](source s) { return when(has_deaths(s), static_cast<double>(s.window.deaths.censored())); }},
    metric_row<measured_window>{{"promptness_censored_share", "ratio", "measured", less, "their share"},
                                [](source s) {
                                  return when(has_deaths(s), share(static_cast<double>(s.window.deaths.censored()),
                                                                   static_cast<double>(s.window.deaths.objects)));
                                }},
    metric_row<measured_window>{{"promptness_p50", "ns", "measured", less,
                                 "the median time from an object's last drop to its free; one that is not freed takes longest"},
                                promptness<500>},
    metric_row<measured_window>{
        {"promptness_p90", "ns", "measured", less, "the time after its last drop in which 90 % of the objects are freed"},
        promptness<900>},
    metric_row<measured_window>{
        {"promptness_p99", "ns", "measured", less, "the time after its last drop in which 99 % of the objects are freed"},
        promptness<990>},
    metric_row<measured_window>{
        {"promptness_p999", "ns", "measured", less, "the time after its last drop in which 99.9 % of the objects are freed"},
        promptness<999>},
    metric_row<measured_window>{
        {"promptness_max", "ns", "measured", less, "the longest time from last drop to free, of what was freed in the window"},
        [](source s) {
          const bool any = has_deaths(s) && s.window.deaths.delays.total() != 0;
          return when(any, any ? static_cast<double>(s.window.deaths.delays.max()) : 0);
        }},
    metric_row<measured_window>{
        {"promptness_held_bytes_peak", "B", "measured", less, "most payload bytes of dead objects not yet freed, at a sample"},
        [](source s) { return when(has_deaths(s) && !s.window.held_back.empty(), s.late_peak); }},
    metric_row<measured_window>{
        {"promptness_held_bytes_mean", "B", "measured", less, "payload bytes of dead objects not yet freed, over the samples"},
        [](source s) {
          const auto samples = static_cast<double>(s.window.held_back.size());
          return when(has_deaths(s) && samples != 0, share(s.late_sum, samples));
        }},
    metric_row<measured_window>{{"live_objects_peak", "1", "measured", less, "most objects alive at a sample"},
                                [](source s) { return when(has_memory(s), s.objects_peak); }},
    metric_row<measured_window>{
        {"live_bytes_peak", "B", "measured", less, "most bytes of live objects, headers included, at a sample"},
        [](source s) { return when(has_memory(s), s.bytes_peak); }},
    metric_row<measured_window>{
        {"live_bytes_mean", "B", "measured", less, "bytes of live objects, headers included, over the samples"},
        [](source s) {
          return when(has_memory(s) && !s.window.memory.empty(), share(s.bytes_sum, static_cast<double>(s.window.memory.size())));
        }},
    metric_row<measured_window>{
        {"held_bytes_peak", "B", "measured", less,
         "most bytes that the heap had taken from its allocator and not given back, live objects included, at a sample"},
        [](source s) { return when(has_memory(s), s.held_peak); }},
    metric_row<measured_window>{{"held_bytes_mean", "B", "measured", less,
                                 "bytes that the heap had taken from its allocator and not given back, over the samples"},
                                [](source s) {
                                  return when(has_memory(s) && !s.window.memory.empty(),
                                              share(s.held_sum, static_cast<double>(s.window.memory.size())));
                                }},
    // By cause: absent where a heap does not tell.
    metric_row<measured_window>{{"held_weak_peak", "B", "measured", less,
                                 "most of these bytes in dead objects whose memory stays for their weak references"},
                                held<held_cause::weak>},
    metric_row<measured_window>{{"held_retired_peak", "B", "measured", less,
                                 "most of these bytes in dead objects that a reader in an epoch might still look at"},
                                held<held_cause::retired>},
    metric_row<measured_window>{{"held_queued_peak", "B", "measured", less,
                                 "most of these bytes in objects that wait in their owner's queue, since others dropped them"},
                                held<held_cause::queued>},
    metric_row<measured_window>{
        {"held_undecided_peak", "B", "measured", less,
         "most of these bytes in objects made since the last stop: which of them are dead the next one says"},
        held<held_cause::undecided>},
    metric_row<measured_window>{
        {"held_logged_peak", "B", "measured", less, "most of these bytes in logs of references that are to be counted"},
        held<held_cause::logged>},
    metric_row<measured_window>{{"held_headroom_peak", "B", "measured", less,
                                 "most of these bytes in no object: free cells and blocks, and the heap's tables"},
                                held<held_cause::headroom>},
    metric_row<measured_window>{{"malloc_free_bytes", "B", "measured", less,
                                 "bytes that the C library's malloc kept free as the window closed, of the whole process"},
                                [](source s) {
                                  const bool known = s.window.malloc_free && s.row.allocator == system_allocator;
                                  return when(known, known ? static_cast<double>(*s.window.malloc_free) : 0);
                                }},
    metric_row<measured_window>{
        {"rss_bytes", "B", "measured", less, "memory of the worker process that is in RAM, after the window"},
        [](source s) { return as_value(s.context.rss_bytes); }},
    metric_row<measured_window>{{"rss_peak_bytes", "B", "measured", less, "the same at its highest since the row began"},
                                [](source s) { return as_value(s.context.peak_rss_bytes); }},
    metric_row<measured_window>{{"header_bytes", "B", "measured", less, "bytes before each object that the strategy counts in"},
                                [](source s) { return when(s.row.header_bytes != 0, static_cast<double>(s.row.header_bytes)); }},
};

}  // namespace

measured_window::measured_window(const row_spec& r, const window_result& w, const window_context& c)
    : row(r), window(w), context(c) {
  for (const auto& l : w.lanes) {
    operations += static_cast<double>(l.operations);
    const double here = l.rate();
    least_rate = rate == 0 ? here : std::min(least_rate, here);
    most_rate = std::max(most_rate, here);
    rate += here;
    squared_rates += here * here;
    for (const auto& f : l.handoffs) handoffs += f.counts;
  }
  if (w.open) open = outcome_of(w);
  for (const auto& m : w.memory) {
    objects_peak = std::max(objects_peak, static_cast<double>(m.objects));
    bytes_peak = std::max(bytes_peak, static_cast<double>(m.bytes));
    bytes_sum += static_cast<double>(m.bytes);
    held_peak = std::max(held_peak, static_cast<double>(m.held.taken));
    held_sum += static_cast<double>(m.held.taken);
    held_told = held_told || m.held.told;
    for (std::size_t i = 0; i < held_causes; ++i) {
      held_peaks[i] = std::max(held_peaks[i], static_cast<double>(m.held.by_cause[i]));
    }
  }
  for (const auto& h : w.held_back) {
    late_peak = std::max(late_peak, static_cast<double>(h.bytes));
    late_sum += static_cast<double>(h.bytes);
  }
}

std::span<const metric_row<measured_window>> measured_metrics() {
  static const auto all = [] {
    std::vector<metric_row<measured_window>> rows(table.begin(), table.end());
    const auto delayed = delay_metrics();
    const auto latencies = std::ranges::find(rows, "latency_mean", &metric_info::name);
    rows.insert(latencies + 1, delayed.begin(), delayed.end());
    return rows;
  }();
  return all;
}

const metric_info* measured_metric(std::string_view name) {
  const auto all = measured_metrics();
  const auto found = std::ranges::find(all, name, &metric_info::name);
  return found == all.end() ? nullptr : &*found;
}

const metric_info& judged_metric(std::string_view mode) {
  return *measured_metric(mode == "latency"      ? "latency_p99"
                          : mode == "memory"     ? "held_bytes_peak"
                          : mode == "promptness" ? "promptness_p50"
                                                 : "ns_per_op");
}

}  // namespace tally
