#include "harness/engine/lane.hpp"

#include <algorithm>

#include "harness/counters/perf.hpp"
#include "harness/counting/live.hpp"
#include "harness/memory/deaths.hpp"

namespace tally {

const char* reason_of(const std::exception& e) noexcept {
  const bool memory = dynamic_cast<const std::bad_alloc*>(&e) != nullptr && dynamic_cast<const heap_exhausted*>(&e) == nullptr;
  return memory ? "out of memory" : e.what();
}

delay_bits delay_reader::read(const batch_runner& batches) {
  delay_bits inside = take_delays();
  if (batches.freed_word != nullptr) {
    const std::uint64_t freed = batches.freed_word(batches.context);
    // A lane that left its heap and came back has a context that begins at 0 again: below any number.
    if (live_counter::objects(freed - std::exchange(freed_, freed)) >= cascade_from) inside.add(delay::cascade);
  }
  return std::exchange(begun_, true) ? inside : delay_bits();
}

namespace {
bool longer(const delayed_operation& a, const delayed_operation& b) { return a.ns > b.ns; }
}  // namespace

void delayed_operations::note(const delayed_operation& o) {
  if (heap_.size() == most) {
    if (!longer(o, heap_.front())) return;
    std::ranges::pop_heap(heap_, longer);
    heap_.pop_back();
  }
  heap_.push_back(o);
  std::ranges::push_heap(heap_, longer);
}

std::vector<delayed_operation> delayed_operations::by_time() const {
  std::vector<delayed_operation> all = heap_;
  std::ranges::sort(all, {}, &delayed_operation::at_ns);
  return all;
}

void lane_control::fail(const std::exception& why) noexcept {
  try {
    failure = reason_of(why);
  } catch (const std::bad_alloc&) {
    failure = "out of memory";  // short enough to be in the string itself
  }
}

void lane_control::operate(const batch_runner& batches) {
  if (driver != nullptr) return driver->operate(*this, batches);
  phase seen = phase::ramp_up;
  std::uint64_t done = 0, batch = 1;
  if (latency) longest.allocate();
  for (;;) {
    const phase p = now();
    if (p != seen) [[unlikely]] {
      mark(seen, p, done, batches.clock);
      if (p == phase::stop) break;
      seen = p;
    }
    if (latency) {
      done += timed(batches, seen == phase::window, batch);
      if (seen == phase::ramp_up && batch < 64) batch *= 2;
    } else if (seen == phase::ramp_up && batch < (1U << 16)) {
      const std::uint64_t before = batches.clock();
      done += batches.run(batches.state, batch);
      if (batches.clock() - before < 20'000) batch *= 2;
    } else {
      done += batches.run(batches.state, batch);
    }
    all_operations = done;
  }
}

// Chained clock reads: one a step, which is counted into the step before it.
std::uint64_t lane_control::timed(const batch_runner& batches, bool record, std::uint64_t batch) {
  std::uint64_t done = 0, last = batches.clock();
  for (std::uint64_t i = 0; i < batch; ++i) {
    const std::uint64_t counted = batches.run(batches.state, 1);
    const std::uint64_t t = batches.clock();
    const delay_bits inside = inside_.read(batches);
    if (record && counted != 0) {
      latencies.record(t - last);
      if (inside.any()) [[unlikely]]
        note({t - opened_ns, t - last, inside});
    }
    last = t;
    done += counted;
  }
  return done;
}

void lane_control::note(const delayed_operation& o) {
  for (std::size_t d = 0; d < delays; ++d) {
    if (o.inside.has(d)) delayed[d].record(o.ns);
  }
  longest.note(o);
}

// The clock is read inside of the two readings of the usage and the counters, which are slow.
void lane_control::mark(phase from, phase to, std::uint64_t done, std::uint64_t (*clock)()) {
  if (from < phase::window && to == phase::window) {
    usage_at_opening_ = thread_usage::now();
    if (counters != nullptr) counters->open_window();
    if (observed) handoffs_at_opening_ = handoff_watch::mine().counts();
    if (stamped) death_record::mine().open();
    opened_ns = clock();
    opened_at_ = done;
  }
  if (from <= phase::window && to > phase::window && opened_ns != 0) {
    closed_ns = clock();
    if (stamped) death_record::mine().close();
    if (observed) handoffs = handoffs_between(handoffs_at_opening_, handoff_watch::mine().counts());
    if (counters != nullptr) counters->close_window();
    usage = thread_usage::now().since(usage_at_opening_);
    operations = done - opened_at_;
  }
}

void lane_control::cut(std::uint64_t ns) {
  if (opened_ns != 0 && closed_ns == 0) {
    closed_ns = ns;
    if (stamped) death_record::mine().close();
    if (observed) handoffs = handoffs_between(handoffs_at_opening_, handoff_watch::mine().counts());
    if (counters != nullptr) counters->close_window();
    usage = thread_usage::now().since(usage_at_opening_);
    operations = all_operations - opened_at_;
  }
}

}  // namespace tally
