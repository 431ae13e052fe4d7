#include "harness/engine/lane.hpp"

#include <algorithm>

#include "harness/counters/perf.hpp"
#include "harness/counting/live.hpp"
#include "harness/engine/think.hpp"
#include "harness/memory/deaths.hpp"
#include "harness/memory/native.hpp"

namespace tally {
namespace {

// Until an operation that is no farther away than this a lane stays where it is and spins: to leave and to come back costs a
// strategy some atomic operations, and a collector is held up for no longer than by an operation of that length.
constexpr std::uint64_t attached_ns = 2'000;
// How long before its time a sleeping lane is to be woken; it spins from there. A timer of the kernel's is some microseconds late,
// on virtual machines some tens, and a lane that wakes too late adds that to a latency (`overslept` says how often).
constexpr std::uint64_t wake_early_ns = 50'000;
// A lane that sleeps looks at the phase so often: a window's end does not wait for an intended start.
constexpr std::uint64_t longest_sleep_ns = 5'000'000;

// A wait for an operation's intended start, or for the next phase.
struct idle_wait {
  lane_control& lane;
  const batch_runner& batches;
  std::uint64_t due;
  phase seen;
  bool overslept = false;
  std::uint64_t spun_ns = 0;

  void wait() {
    bool slept = false;
    for (;;) {
      const std::uint64_t t = batches.clock();
      overslept = slept && t > due;
      if (t >= due || lane.now() != seen) return;
      if (due - t <= wake_early_ns) return spin(t);
      batches.sleep(std::min(due - t - wake_early_ns, longest_sleep_ns));
      slept = true;
    }
  }

 private:
  // What is spun is processor time: a thread that is off its processor meanwhile sees the clock jump.
  void spin(std::uint64_t since) {
    constexpr std::uint64_t jump_ns = 5'000;
    for (std::uint64_t t = since; t < due; since = t) {
      native::pause();
      t = batches.clock();
      if (t - since < jump_ns) spun_ns += t - since;
    }
  }
};

}  // namespace

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
  if (open) {
    (void)shared->phase.load(std::memory_order_acquire);  // pairs with the conductor's release of ramp_up, after the origin
    arrivals_.emplace(*open, env.index, sharing, shared->origin_ns.load(std::memory_order_relaxed));
  }
  phase seen = phase::ramp_up;
  std::uint64_t done = 0, timed_steps = 1;
  batch_length batch;
  if (latency) longest.allocate();
  for (;;) {
    const phase p = now();
    if (p != seen) [[unlikely]] {
      mark(seen, p, done, batches.clock);
      if (p == phase::stop) break;
      seen = p;
    }
    if (arrivals_) {
      const std::uint64_t counted = paced_step(batches, seen);
      done += counted;
      if (think_steps != 0) think(counted * think_steps);
    } else if (latency) {
      const std::uint64_t counted = timed(batches, seen == phase::window, timed_steps);
      done += counted;
      if (think_steps != 0) {
        think(counted * think_steps);  // a batch is one step then, and begins with a look at the clock
      } else if (timed_steps < 64) {
        timed_steps *= 2;
      }
    } else if (!batch.settled()) {
      const std::uint64_t before = batches.clock();
      done += worked(batches, batch.steps());
      batch.took(batches.clock() - before);
    } else {
      done += worked(batches, batch.steps());
    }
    all_operations = done;
  }
}

// Without work between operations the workload's own loop; with it, single steps, and as much work as they say that they did
// operations.
std::uint64_t lane_control::worked(const batch_runner& batches, std::uint64_t batch) const {
  if (think_steps == 0) return batches.run(batches.state, batch);
  std::uint64_t done = 0;
  for (std::uint64_t i = 0; i < batch; ++i) {
    const std::uint64_t counted = batches.run(batches.state, 1);
    think(counted * think_steps);
    done += counted;
  }
  return done;
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
  if (record) steps += batch;
  return done;
}

// One step, when it is due: late if the one before was not over by then. Nothing is done where another phase comes first.
//
// Its latency counts from the intended start, so what the strategy does when the thread comes back from a wait (the exit of a
// blocked region waits for a running collection, and takes a lock or an owner's place again) is in it, as it is in a server's.
std::uint64_t lane_control::paced_step(const batch_runner& batches, phase seen) {
  const bool record = seen == phase::window;
  const std::uint64_t due = arrivals_->next();
  std::uint64_t began = batches.clock();
  const bool late = began > due;
  if (!late) {
    const bool overslept = wait_until_due(batches, due, seen);
    began = batches.clock();
    if (began < due) return 0;
    paced.overslept += record && overslept;
    // What was done in the wait was inside of no operation.
    (void)inside_.read(batches);
  }
  const std::uint64_t counted = batches.run(batches.state, 1);
  const std::uint64_t ended = batches.clock();
  const delay_bits inside = inside_.read(batches);
  arrivals_->advance();
  if (!record) return counted;
  ++steps;
  paced.late += late;
  if (counted != 0) {
    latencies.record(ended - due);
    service.record(ended - began);
    if (inside.any()) [[unlikely]]
      note({ended - opened_ns, ended - due, inside});
  }
  return counted;
}

// In a blocked region, unless it is short: an idle lane holds up nobody. `deferred` and the tracing collectors stop the world
// without it, and `gil` runs another thread. An owner of `biased` is away meanwhile: what others drop of its objects waits until it
// is back, whose next operation pays for that, or is merged for it (merge=detached). True if the kernel woke it too late.
bool lane_control::wait_until_due(const batch_runner& batches, std::uint64_t due, phase seen) {
  idle_wait idle{*this, batches, due, seen};
  if (due - std::min(due, batches.clock()) <= attached_ns) {
    idle.wait();
  } else {
    batches.blocked(batches.context, [](void* at) { static_cast<idle_wait*>(at)->wait(); }, &idle);
  }
  if (seen == phase::window) paced.spun_ns += idle.spun_ns;
  return idle.overslept;
}

void lane_control::note(const delayed_operation& o) {
  for (std::size_t d = 0; d < delays; ++d) {
    if (o.inside.has(d)) delayed[d].record(o.ns);
  }
  longest.note(o);
}

// When a phase began, to this lane.
std::uint64_t lane_control::moment_of(phase p, std::uint64_t (*clock)()) const {
  if (!in_turns) return clock();
  (void)shared->phase.load(std::memory_order_acquire);  // pairs with the conductor's release of the phase, after its time
  return shared->since_ns[static_cast<std::size_t>(p)].load(std::memory_order_relaxed);
}

// The clock is read inside of the two readings of the usage and the counters, which are slow.
void lane_control::mark(phase from, phase to, std::uint64_t done, std::uint64_t (*clock)()) {
  if (from < phase::window &&
      (to == phase::window || (in_turns && to > phase::window))) {  // perhaps it had no turn in the window
    usage_at_opening_ = thread_usage::now();
    if (counters != nullptr) counters->open_window();
    if (observed) handoffs_at_opening_ = handoff_watch::mine().counts();
    if (stamped) death_record::mine().open();
    opened_ns = moment_of(phase::window, clock);
    opened_at_ = done;
    if (arrivals_) paced.backlog_at_opening = arrivals_->due_before(opened_ns);
    shared->opened.store(true, std::memory_order_relaxed);
  }
  if (from <= phase::window && to > phase::window && opened_ns != 0) {
    closed_ns = moment_of(phase::ramp_down, clock);
    if (stamped) death_record::mine().close();
    if (arrivals_) paced.backlog_at_closing = arrivals_->due_before(closed_ns);
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
    if (arrivals_) paced.backlog_at_closing = arrivals_->due_before(closed_ns);
    if (observed) handoffs = handoffs_between(handoffs_at_opening_, handoff_watch::mine().counts());
    if (counters != nullptr) counters->close_window();
    usage = thread_usage::now().since(usage_at_opening_);
    operations = all_operations - opened_at_;
  }
}

}  // namespace tally
