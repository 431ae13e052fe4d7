// How the machine's facts and moments are written in records.
#include <nlohmann/json.hpp>

#include "harness/measure/environment.hpp"

namespace tally {
namespace {

template <class T>
nlohmann::json or_null(const std::optional<T>& v) {
  return v ? nlohmann::json(*v) : nlohmann::json(nullptr);
}

}  // namespace

void to_json(nlohmann::json& j, const cache_fact& c) {
  j = {{"level", c.level}, {"type", c.type}, {"kib", c.kib}, {"line_bytes", c.line_bytes}, {"shared_by", c.shared_by}};
}
void to_json(nlohmann::json& j, const group_limits& g) {
  j = {{"version", g.version}, {"cpus", or_null(g.cpus)}, {"memory_mib", or_null(g.memory_mib)}, {"cpuset", g.cpuset}};
}
void to_json(nlohmann::json& j, const timer_probe& t) { j = {{"cost_ns", t.cost_ns}, {"resolution_ns", t.resolution_ns}}; }
void to_json(nlohmann::json& j, const handoff_probe& p) {
  j = {{"cpus", {p.cpu_a, p.cpu_b}}, {"round_trips", p.round_trips}};
  if (!p.absent.empty()) {
    j["absent"] = p.absent;
    return;
  }
  j.update({{"p10_ns", p.p10_ns},
            {"p50_ns", p.p50_ns},
            {"p90_ns", p.p90_ns},
            {"p99_ns", p.p99_ns},
            {"max_ns", p.max_ns},
            {"lost_share", p.lost_share}});
}
void to_json(nlohmann::json& j, const environment_facts& f) {
  j = {{"machine_id", f.machine_id},
       {"architecture", f.architecture},
       {"kernel", f.kernel},
       {"cpu_model", f.cpu_model},
       {"cpus", f.cpus},
       {"usable_cpus", f.usable_cpus},
       {"cores", f.cores},
       {"packages", f.packages},
       {"numa_nodes", f.numa_nodes},
       {"core_kinds", f.core_kinds},
       {"smt", f.smt},
       {"caches", f.caches},
       {"governor", f.governor},
       {"frequency_driver", f.frequency_driver},
       {"turbo", f.turbo},
       {"hypervisor", f.hypervisor},
       {"container", f.container},
       {"control_group", f.groups},
       {"isolated_cpus", f.isolated_cpus},
       {"aslr", f.aslr},
       {"thp", f.thp},
       {"clocksource", f.clocksource},
       {"clocksources", f.clocksources},
       {"pmu", f.pmu},
       {"perf_hardware", f.perf_hardware},
       {"perf_software", f.perf_software},
       {"libc", f.libc},
       {"memory_mib", f.memory_mib},
       {"page_bytes", f.page_bytes},
       {"timer", f.timer}};
}
void to_json(nlohmann::json& j, const environment_moment& m) {
  j = {{"load1", m.load1},
       {"load5", m.load5},
       {"runnable", m.runnable},
       {"all_ticks", m.all_ticks},
       {"idle_ticks", m.idle_ticks},
       {"steal_ticks", m.steal_ticks},
       {"context_switches", m.context_switches},
       {"throttled_us", m.throttled_us},
       {"governor", m.governor},
       {"frequency_mhz", or_null(m.frequency_mhz)},
       {"temperature_c", or_null(m.temperature_c)},
       {"available_mib", m.available_mib}};
}
void from_json(const nlohmann::json& j, environment_moment& m) {
  const auto number = [&](const char* key) {
    return j.contains(key) && j[key].is_number() ? std::optional(j[key].get<double>()) : std::nullopt;
  };
  m.load1 = j.value("load1", 0.0);
  m.load5 = j.value("load5", 0.0);
  m.runnable = j.value("runnable", 0);
  m.all_ticks = j.value("all_ticks", std::uint64_t{0});
  m.idle_ticks = j.value("idle_ticks", std::uint64_t{0});
  m.steal_ticks = j.value("steal_ticks", std::uint64_t{0});
  m.context_switches = j.value("context_switches", std::uint64_t{0});
  m.throttled_us = j.value("throttled_us", std::uint64_t{0});
  m.governor = j.value("governor", "");
  m.frequency_mhz = number("frequency_mhz");
  m.temperature_c = number("temperature_c");
  m.available_mib = j.value("available_mib", 0L);
}
void to_json(nlohmann::json& j, const row_quality& q) {
  j = {{"verdict", q.verdict},
       {"oversubscribed", q.oversubscribed},
       {"doubtful", q.doubtful},
       {"reasons", q.reasons},
       {"overlap", q.overlap},
       {"present", q.present},
       {"least_cpu_share", q.least_cpu_share},
       {"fairness", q.fairness},
       {"jain", q.jain},
       {"involuntary_per_second", q.involuntary_per_second},
       {"steal_share", q.steal_share},
       {"load", q.load}};
}

}  // namespace tally
