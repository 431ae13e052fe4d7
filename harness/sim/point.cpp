#include "harness/sim/point.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "harness/engine/lane.hpp"
#include "harness/sim/cores/field_names.hpp"
#include "harness/sim/cores/multicore.hpp"
#include "harness/sim/settled.hpp"

namespace tally::sim {
namespace {

class point_run final : public lane_driver {
 public:
  point_run(const point_spec& spec, space& memory)
      : spec_(spec), caches_(spec.model, static_cast<unsigned>(spec.body.lanes), options(spec)),
        cores_(memory, caches_, spec.order, spec.body.seed) {}

  point_result run() {
    cores_.on_idle_look = [this] { begin_together(); };
    cores_.run([this] { program(); });
    if (!cores_.failure().empty()) result_.failure = cores_.failure();
    for (const auto& c : controls_) {
      // Their texts are in the simulated memory.
      if (!c->failure.empty()) result_.failure = std::string(c->failure.data(), c->failure.size());
      result_.exhausted = result_.exhausted || c->exhausted;
    }
    result_.switches = cores_.switches();
    return std::move(result_);
  }

  void operate(lane_control& lane, const batch_runner& batches) override {
    while (!words_.stop.load(std::memory_order_relaxed)) {
      const std::uint64_t done = batches.run(batches.state, 1);
      cores_.work(step_cycles + done * spec_.think);
      latest_ = std::max(latest_, cores_.now());
      if (words_.stop.load(std::memory_order_relaxed)) break;
      total_ += done;
      if (open_) result_.lanes[static_cast<std::size_t>(lane.env.index)] += done;
      if (total_ >= due_) due();
    }
  }

 private:
  static constexpr std::uint64_t step_cycles = 1;  // the loop around an operation: a program without accesses ends, too

  static memory_options options(const point_spec& s) {
    memory_options o = s.caches;
    o.fields = static_cast<unsigned>(fields().names().size());
    return o;
  }

  // The guest's main thread.
  void program() {
    try {
      const std::unique_ptr<run_body> body = spec_.pair->make(spec_.body);
      body_ = body.get();
      cores_.set_counting(true);
      const oracle_verdict verdict = body->run([this] { lanes(); });
      metric_list own;
      body->report(own);
      cores_.set_guest(false);
      result_.oracle = {verdict.ok, std::string(verdict.message.data(), verdict.message.size()), verdict.expected, verdict.live};
      for (const auto& m : own) {
        result_.metrics.push_back({m.name, m.value, m.unit, "simulated"});
      }
    } catch (const std::exception& e) {
      cores_.set_guest(false);
      result_.failure = std::string(e.what());
    }
    cores_.set_guest(true);
  }

  void lanes() {
    cores_.set_guest(false);
    lanes_ = body_->arena_threads() ? 1 : spec_.body.lanes;
    result_.lanes.resize(static_cast<std::size_t>(lanes_));
    for (int i = 0; i < lanes_; ++i) {
      controls_.push_back(std::make_unique<lane_control>());
      controls_.back()->shared = &words_;
      controls_.back()->driver = this;
    }
    due_ = spec_.warm_up * static_cast<std::uint64_t>(lanes_);
    cores_.set_guest(true);
    for (int i = 0; i < lanes_; ++i) {
      cores_.spawn(i, [this, i] {
        body_->lane(i, *controls_[static_cast<std::size_t>(i)]);
        ++gone_;
        if (gone_ == lanes_ && !closed_) close();
        cores_.wake_all();
      });
    }
    cores_.join();
    cores_.set_counting(false);
  }

  // All lanes stand before their first operation: they start at the same time.
  void begin_together() {
    if (words_.phase.load(std::memory_order_relaxed) != static_cast<int>(phase::attach)) return;
    if (lanes_ == 0 || words_.ready.load(std::memory_order_relaxed) + gone_ < lanes_) return;
    words_.phase.store(static_cast<int>(phase::window), std::memory_order_relaxed);
    if (due_ == 0) open(spec_.operations);
    cores_.wake_all();
  }

  // The next of: the first window's opening, its half, its end, where another opens if it has not settled and may be longer.
  void due() {
    cores_.set_guest(false);
    if (!open_) {
      open(spec_.operations);
    } else {
      if (!half_) half_ = here(), due_ = end_;
      if (total_ >= due_) {
        result_.unsettled = why_unsettled(opened_, *half_, here(), static_cast<std::uint64_t>(lanes_), spec_.may_grow);
        result_.unsettled.empty() || next_accesses() > spec_.most_accesses ? close() : open(2 * window_);
      }
    }
    cores_.set_guest(true);
  }
  void open(std::uint64_t operations) {
    open_ = true;
    window_ = operations;
    count_accesses();
    cores_.clear_counts();
    std::ranges::fill(result_.lanes, 0);
    opened_ = here();
    half_.reset();
    started_ = total_;
    const std::uint64_t length = operations * static_cast<std::uint64_t>(lanes_);
    due_ = started_ + length / 2;
    end_ = started_ + length;
  }
  // Of the run, with a window that is twice as long as this one was.
  [[nodiscard]] std::uint64_t next_accesses() const { return result_.accesses + 3 * caches_.total().accesses(); }
  [[nodiscard]] moment here() const {
    return {total_, latest_, caches_.total().transfers(), cores_.pages_touched(), cores_.periodic()};
  }
  void close() {
    closed_ = true;
    cores_.set_guest(false);
    if (open_) take_counts();
    cores_.set_guest(true);
    words_.stop.store(true, std::memory_order_relaxed);
    cores_.set_counting(false);
    cores_.wake_all();
  }
  void count_accesses() { result_.accesses += caches_.total().accesses(); }

  void take_counts() {
    open_ = false;
    result_.operations = total_ - started_;
    result_.cycles = latest_ - opened_.cycles;
    count_accesses();
    const auto& names = fields().names();
    for (std::size_t f = 0; f < names.size(); ++f) {
      const traffic sum = caches_.by_field(static_cast<field_id>(f));
      if (sum == traffic{}) continue;
      result_.fields.push_back({std::string(names[f]), sum, cores_.failed_cas(f), cores_.handoffs(f)});
    }
    std::ranges::sort(result_.fields, {}, &field_counts::name);
    for (std::size_t p = 0; p < paths().names().size(); ++p) {
      if (cores_.path(p) != 0) result_.paths.emplace_back(paths().names()[p], cores_.path(p));
    }
    std::ranges::sort(result_.paths);
    const auto n = static_cast<unsigned>(spec_.body.lanes);
    result_.taken.resize(n);
    for (unsigned from = 0; from < n; ++from) {
      for (unsigned to = 0; to < n; ++to) result_.taken[from].push_back(caches_.taken(from, to));
    }
  }

  const point_spec& spec_;
  memory_system caches_;
  multicore cores_;
  run_body* body_ = nullptr;
  conductor_words words_;
  std::vector<std::unique_ptr<lane_control>> controls_;
  point_result result_;
  int lanes_ = 0, gone_ = 0;
  bool open_ = false, closed_ = false;
  std::uint64_t total_ = 0, started_ = 0, due_ = 0, end_ = 0;  // operations of all lanes
  std::uint64_t window_ = 0;                                   // operations of a lane
  std::uint64_t latest_ = 0;                                   // cycles: of the core that is farthest at the end of an operation
  moment opened_;
  std::optional<moment> half_;
};

}  // namespace

point_result run_point(const point_spec& spec) {
  space memory;
  try {
    return point_run(spec, memory).run();
  } catch (const std::exception& e) {  // the machine has fewer cores
    point_result r;
    r.failure = e.what();
    return r;
  }
}

}  // namespace tally::sim
