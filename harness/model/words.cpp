// The words: how each access is made in the checker's memory model, with the mutation in force.
#include "harness/model/words.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <utility>

#include "harness/model/changes.hpp"
#include "harness/model/checker.hpp"

namespace tally::model {
using namespace checker;
namespace {

void with_threads(auto&& f) {
  if (rl::ctx().get_thread_count() == 2) {
    f(std::integral_constant<int, 2>{});
  } else {
    f(std::integral_constant<int, 3>{});
  }
}

cell& make_cell(handle& h, kind is, std::uint64_t value) {
  cell* c = s.free_cells;
  if (c != nullptr) {
    s.free_cells = c->next;
  } else {
    if (s.cells_used == s.cells.size()) {
      std::fputs("model: more words in one schedule than the checker has room for\n", stderr);
      std::abort();
    }
    c = &s.cells[s.cells_used++];
  }
  *c = {};
  c->home = &h;
  c->is = is;
  c->value = value;
  h = reinterpret_cast<handle>(c);
  rl::context& checker = rl::ctx();
  if (is == kind::mutex) {
    c->mutex = checker.mutex_ctor(false, false, false, true);
    return *c;
  }
  c->var = checker.var_ctor();
  if (is == kind::atomic) {
    c->atomic = checker.atomic_ctor(nullptr);
    const unsigned i = thread().atomic_init(c->atomic);  // a value that every thread may see, from no time
    c->history[i] = value;
    with_threads([&](auto n) {
      auto& record = static_cast<rl::atomic_data_impl<n>*>(c->atomic)->history_[i];
      std::fill(std::begin(record.first_seen_order_), std::end(record.first_seen_order_), static_cast<rl::timestamp_t>(-1));
    });
  }
  return *c;
}

// An access counts against endless loops, too: they need not pass a scheduling point.
inline cell& cell_of(handle& h, kind is) {
  if (++s.accesses > most_accesses) fail(rl::test_result_livelock, "");
  if (reinterpret_cast<handle>(&h) % sizeof h != 0) fail(rl::test_result_access_to_freed_memory, "a word where none can be");
  if (h == 0) return make_cell(h, is, 0);
  if (!is_cell(h)) fail(rl::test_result_unitialized_access, "a word that was never made");
  cell& c = *reinterpret_cast<cell*>(h);
  if (c.home != &h || c.is != is) fail(rl::test_result_access_to_freed_memory, "a word in memory that was freed");
  return c;
}

[[gnu::cold, gnu::noinline]] void write_log(const site& at, memory_order o, std::uint64_t before, std::uint64_t after) {
  std::ostringstream line;
  line << at.field << "." << text(at.what) << "(" << text(o) << ") " << std::hex << before << " -> " << after;
  rl::ctx().exec_log(rl::debug_info(at.at.function_name(), at.at.file_name(), at.at.line()),
                     rl::user_msg_event{line.str().c_str()});
}
inline void log(const site& at, memory_order o, std::uint64_t before, std::uint64_t after) {
  if (rl::ctx().collecting_history()) write_log(at, o, before, after);
}

// A scheduling point; then this access counts as a read for the check at free. The word may be gone after the switch.
inline cell& arrive(handle& h) {
  rl::ctx().sched();
  cell& c = cell_of(h, kind::atomic);
  static_cast<void>(c.var->load(thread()));
  return c;
}
std::uint64_t load_as(cell& c, memory_order o, bool youngest) {
  rl::thread_info_base& t = thread();
  unsigned i = 0;
  switch (o) {
    case std::memory_order_relaxed: i = youngest ? t.atomic_load_relaxed_rmw(c.atomic) : t.atomic_load_relaxed(c.atomic); break;
    case std::memory_order_seq_cst: i = youngest ? t.atomic_load_seq_cst_rmw(c.atomic) : t.atomic_load_seq_cst(c.atomic); break;
    default: i = youngest ? t.atomic_load_acquire_rmw(c.atomic) : t.atomic_load_acquire(c.atomic);
  }
  if (i == static_cast<unsigned>(-1)) fail(rl::test_result_unitialized_access, "a load that may come before the first store");
  return c.history[i];
}
void store_as(cell& c, std::uint64_t v, memory_order o) {
  ++s.writes;
  rl::thread_info_base& t = thread();
  const unsigned i = o == std::memory_order_relaxed   ? t.atomic_store_relaxed(c.atomic)
                     : o == std::memory_order_seq_cst ? t.atomic_store_seq_cst(c.atomic)
                                                      : t.atomic_store_release(c.atomic);
  c.history[i] = c.value = v;
}
void modify_as(cell& c, std::uint64_t v, memory_order o) {
  ++s.writes;
  rl::thread_info_base& t = thread();
  bool aba = false;
  unsigned i = 0;
  switch (o) {
    case std::memory_order_relaxed: i = t.atomic_rmw_relaxed(c.atomic, aba); break;
    case std::memory_order_release: i = t.atomic_rmw_release(c.atomic, aba); break;
    case std::memory_order_acq_rel: i = t.atomic_rmw_acq_rel(c.atomic, aba); break;
    case std::memory_order_seq_cst: i = t.atomic_rmw_seq_cst(c.atomic, aba); break;
    default: i = t.atomic_rmw_acquire(c.atomic, aba);
  }
  c.history[i] = c.value = v;
}
memory_order read_part(memory_order o) {
  return o == std::memory_order_acq_rel   ? std::memory_order_acquire
         : o == std::memory_order_release ? std::memory_order_relaxed
                                          : o;
}
memory_order write_part(memory_order o) {
  return o == std::memory_order_acq_rel   ? std::memory_order_release
         : o == std::memory_order_acquire ? std::memory_order_relaxed
                                          : o;
}
std::uint64_t applied(access what, std::uint64_t old, std::uint64_t operand, unsigned bytes) {
  std::uint64_t v = operand;
  switch (what) {
    case access::fetch_add: v = old + operand; break;
    case access::fetch_sub: v = old - operand; break;
    case access::fetch_or: v = old | operand; break;
    case access::fetch_and: v = old & operand; break;
    default: break;
  }
  return bytes == 8 ? v : v & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

}  // namespace

namespace checker {

void end_cell(cell& c) {
  rl::context& checker = rl::ctx();
  if (c.var != nullptr) checker.var_dtor(c.var);
  if (c.atomic != nullptr) checker.atomic_dtor(c.atomic);
  if (c.mutex != nullptr) checker.mutex_dtor(c.mutex);
  c = {};
  c.next = s.free_cells;
  s.free_cells = &c;
}

void catch_up_with(delayed& d) {
  handle& h = *std::exchange(d.word, nullptr);
  store_as(arrive(h), d.value, d.order);
}

}  // namespace checker

std::uint64_t load(handle& h, const site& at) {
  record(at, true);
  const memory_order o = order_of(at);
  cell& c = arrive(h);
  const std::uint64_t v = load_as(c, o, false);
  log(at, o, v, v);
  return v;
}

void store(handle& h, std::uint64_t v, const site& at) {
  record(at, true);
  if (changed(at, change::skip)) return;
  if (changed(at, change::delay)) {
    catch_up();
    s.late[static_cast<std::size_t>(thread().index_)] = {&h, v, at.order};
    return;
  }
  const memory_order o = order_of(at);
  cell& c = arrive(h);
  log(at, o, c.value, v);
  store_as(c, v, o);
  catch_up();
}

std::uint64_t modify(handle& h, std::uint64_t operand, unsigned bytes, const site& at) {
  record(at, true);
  const memory_order o = order_of(at);
  cell* c = &arrive(h);
  const std::uint64_t old = c->value, now = applied(at.what, old, operand, bytes);
  log(at, o, old, now);
  if (changed(at, change::skip)) {
    load_as(*c, read_part(o), true);
  } else if (changed(at, change::tear)) {
    load_as(*c, read_part(o), true);
    store_as(arrive(h), now, write_part(o));
  } else {
    modify_as(*c, now, o);
  }
  catch_up();
  return old;
}

bool compare_exchange(handle& h, std::uint64_t& expected, std::uint64_t desired, bool weak, const site& at) {
  record(at, true);
  const memory_order o = order_of(at);
  cell* c = &arrive(h);
  bool done = c->value == expected;
  // One that fails is a load like any other, and may find a value that is not the youngest. That load must not acquire anything
  // in case of success; so if it could, it is made in every second schedule only.
  const memory_order failing = failure_order_of(at);
  if (failing == std::memory_order_relaxed || rl::ctx().rand(2, rl::sched_type_user) == 0) {
    const std::uint64_t found = load_as(*c, failing, false);
    if (found != expected && found != c->value) {
      log(at, failing, found, found);
      expected = found;
      return false;
    }
  }
  if (done && weak) {  // spuriously
    rl::context& checker = rl::ctx();
    if (checker.is_random_sched()) {
      done = checker.rand(8, rl::sched_type_cas_fail) != 0;
    } else if (!c->failed_once) {
      done = checker.rand(2, rl::sched_type_cas_fail) != 0;
      c->failed_once = !done;
    }
  }
  const std::uint64_t old = c->value;
  if (!done) {
    load_as(*c, failure_order_of(at), true);
    log(at, at.on_failure, old, old);
  } else if (changed(at, change::skip)) {
    load_as(*c, read_part(o), true);
  } else if (changed(at, change::tear)) {
    load_as(*c, read_part(o), true);
    store_as(arrive(h), desired, write_part(o));
  } else {
    log(at, o, old, desired);
    modify_as(*c, desired, o);
  }
  if (done) {
    catch_up();
  } else {
    expected = old;
  }
  return done;
}

void begin(handle& h, std::uint64_t value) { make_cell(h, kind::atomic, value); }

std::uint64_t var_load(handle& h, const site& at) {
  record(at, false);
  cell& c = cell_of(h, kind::var);
  if (!c.var->load(thread())) fail(rl::test_result_data_race, "reading ", at.field);
  log(at, std::memory_order_relaxed, c.value, c.value);
  return c.value;
}
void var_store(handle& h, std::uint64_t v, const site& at) {
  record(at, false);
  if (changed(at, change::skip)) return;
  cell& c = cell_of(h, kind::var);
  if (!c.var->store(thread())) fail(rl::test_result_data_race, "writing ", at.field);
  log(at, std::memory_order_relaxed, c.value, v);
  c.value = v;
}

void lock(handle& h) { cell_of(h, kind::mutex).mutex->lock_exclusive(false, nowhere()); }
bool try_lock(handle& h) { return cell_of(h, kind::mutex).mutex->try_lock_exclusive(nowhere()); }
void unlock(handle& h) {
  ++s.writes;
  cell_of(h, kind::mutex).mutex->unlock_exclusive(nowhere());
  catch_up();
}

}  // namespace tally::model
