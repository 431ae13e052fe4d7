// The model checker behind the modelled policy: the only file that sees Relacy.
//
// Relacy has the memory model (which stores a load may return, who happens before whom), mutexes, fibers and the loop over
// schedules. Ours are: the words, since a strategy's memory is zeroed, freed and used again under them; memory, so that a free is
// checked against every access to the words in it; and the choice of schedules. Relacy's own random choice is a generator whose low
// bits, the ones that choose between two threads, repeat after 2^17 draws: a million of its schedules are 131,072 different ones.
// Ours draws from 64 bits, and half of the schedules prefer to stay on a thread, which reaches deeper than fair coins do.
//
// Its operator new and its macros (new, free, assert, the names of the memory orders, $) are kept in this file: we include the parts
// that we need and not the header that defines most of them.
#include "harness/model/modelled.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <new>
#include <sstream>
#include <tuple>
#include <unordered_map>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#include <relacy/base.hpp>
#include <relacy/context.hpp>
#include <relacy/context_base_impl.hpp>
#include <relacy/atomic.hpp>
#include <relacy/var.hpp>
#include <relacy/thread_local.hpp>
#include <relacy/test_suite.hpp>
#include <relacy/stdlib/mutex.hpp>
#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/semaphore.hpp>
#include <relacy/stdlib/event.hpp>
#pragma GCC diagnostic pop
#undef $

namespace tally::model {
namespace {

constexpr int most_threads = 3;
constexpr unsigned most_points = 20000;           // scheduling points of one schedule beyond which a wait is taken to be endless
constexpr std::uint64_t most_accesses = 200000;  // the same for accesses

using std::memory_order;

rl::debug_info nowhere() { return {"", "", 0}; }
// Out of line, as is all that only failing schedules do: the way of the others is what a search's time goes to.
[[noreturn, gnu::cold, gnu::noinline]] void fail(rl::test_result_e what, const char* why) {
  rl::ctx().fail_test(why, what, nowhere());
  std::abort();  // not reached: the schedule ends in fail_test
}
[[noreturn, gnu::cold, gnu::noinline]] void fail(rl::test_result_e what, const char* why, std::string_view field) {
  fail(what, (std::string(why) + std::string(field)).c_str());
}

// --- words ---

enum class kind : std::uint8_t { none, atomic, var, mutex };

struct cell {
  handle* home = nullptr;  // the handle that refers to this cell; any other is a copy of its bytes
  kind is = kind::none;
  bool failed_once = false;
  std::uint64_t value = 0;
  std::array<std::uint64_t, rl::atomic_history_size> history{};
  rl::atomic_data* atomic = nullptr;
  rl::var_data* var = nullptr;  // of an atomic: all accesses as reads, so that a free can be checked against them
  rl::generic_mutex_data* mutex = nullptr;
  cell* next = nullptr;
};

struct block {
  std::size_t bytes = 0;
  bool live = false;
};
constexpr std::size_t before_block = 32;

struct region {
  std::byte* at = nullptr;
  std::size_t bytes = 0;
  bool used = false;
};

struct delayed {
  handle* word = nullptr;
  std::uint64_t value = 0;
  memory_order order = std::memory_order_relaxed;
};

// Everything that a schedule starts with afresh.
struct state {
  std::vector<cell> cells = std::vector<cell>(1 << 15);
  std::size_t cells_used = 0;
  cell* free_cells = nullptr;
  std::vector<std::byte*> blocks;                                    // of this schedule
  std::unordered_map<std::size_t, std::vector<std::byte*>> reusable; // freed in this schedule, by size
  std::unordered_map<std::size_t, std::vector<std::byte*>> cached;   // of earlier schedules
  std::size_t live_blocks = 0;
  std::vector<region> regions;
  std::array<std::array<handle, 32>, most_threads> stacks{};
  std::array<std::size_t, most_threads> depth{};
  std::array<delayed, most_threads> late{};
  int acting = -1;
  std::uint64_t clock = 0, accesses = 0;
  std::uint64_t writes = 0;                            // to shared words and locks: who waits waits for one
  std::array<std::uint64_t, most_threads> waits_at{};  // writes that there were when the thread began to wait, and one
  std::string failure;
  std::uint64_t schedule = 0;
};
state s;

struct {
  const mutation* active = nullptr;
  bool record = false;
  std::vector<mutation> seen;
  std::map<std::tuple<const char*, unsigned, unsigned, int, int, const char*>, bool> known;
} changes;

rl::thread_info_base& thread() { return *rl::ctx().threadx_; }
int current() { return s.acting >= 0 ? s.acting : rl::ctx().threadx_->index_; }

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

bool is_cell(handle h) {
  const auto first = reinterpret_cast<handle>(s.cells.data());
  return h >= first && h < first + s.cells_used * sizeof(cell) && (h - first) % sizeof(cell) == 0;
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

void end_cell(cell& c) {
  rl::context& checker = rl::ctx();
  if (c.var != nullptr) checker.var_dtor(c.var);
  if (c.atomic != nullptr) checker.atomic_dtor(c.atomic);
  if (c.mutex != nullptr) checker.mutex_dtor(c.mutex);
  c = {};
  c.next = s.free_cells;
  s.free_cells = &c;
}

// --- mutations ---

const char* text(access a) {
  static constexpr const char* names[] = {"load",     "store",     "exchange", "fetch_add",
                                          "fetch_sub", "fetch_or", "fetch_and", "compare_exchange"};
  return names[static_cast<int>(a)];
}
const char* text(memory_order o) {
  switch (o) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    default: return "seq_cst";
  }
}
[[gnu::cold, gnu::noinline]] bool same_place(const site& a, const site& b) {
  return a.at.line() == b.at.line() && a.at.column() == b.at.column() && a.what == b.what && a.order == b.order &&
         a.field == b.field && std::strcmp(a.at.file_name(), b.at.file_name()) == 0;
}
inline bool changed(const site& at, change what) {
  return changes.active != nullptr && changes.active->what == what && same_place(changes.active->where, at);
}
memory_order order_of(const site& at) { return changed(at, change::weaken) ? changes.active->to : at.order; }
memory_order failure_order_of(const site& at) {
  return changed(at, change::weaken_failure) ? changes.active->to : at.on_failure;
}

// The weaker orders that are worth a mutant of their own: each step down, and relaxed.
std::vector<memory_order> weaker(access what, memory_order o) {
  using enum memory_order;
  switch (o) {
    case acquire: case release: case consume: return {relaxed};
    case acq_rel: return {acquire, release};
    case seq_cst:
      if (what == access::load) return {acquire, relaxed};
      if (what == access::store) return {release, relaxed};
      return {acq_rel, acquire, release};
    default: return {};
  }
}
[[gnu::cold, gnu::noinline]] void write_record(const site& at, bool shared) {
  const auto key = std::tuple(at.at.file_name(), at.at.line(), at.at.column(), static_cast<int>(at.what),
                              static_cast<int>(at.order), at.field.data());
  if (!changes.known.emplace(key, true).second) return;
  const auto add = [&](change what, memory_order to) { changes.seen.push_back({what, at, to, {}}); };
  if (!shared) {
    if (at.what == access::store) add(change::skip, at.order);
    return;
  }
  for (const memory_order to : weaker(at.what, at.order)) add(change::weaken, to);
  if (at.what == access::compare_exchange && at.on_failure != std::memory_order_relaxed) {
    add(change::weaken_failure, std::memory_order_relaxed);
  }
  if (at.what != access::load) add(change::skip, at.order);
  if (at.what == access::store) add(change::delay, at.order);
  if (at.what != access::load && at.what != access::store) add(change::tear, at.order);
}
inline void record(const site& at, bool shared) {
  if (changes.record) write_record(at, shared);
}

// --- accesses ---

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
// The store that a mutation delayed: it is made behind the thread's next write.
[[gnu::cold, gnu::noinline]] void catch_up_with(delayed& d) {
  handle& h = *std::exchange(d.word, nullptr);
  store_as(arrive(h), d.value, d.order);
}
inline void catch_up() {
  delayed& d = s.late[static_cast<std::size_t>(thread().index_)];
  if (d.word != nullptr) catch_up_with(d);
}
memory_order read_part(memory_order o) {
  return o == std::memory_order_acq_rel ? std::memory_order_acquire : o == std::memory_order_release ? std::memory_order_relaxed : o;
}
memory_order write_part(memory_order o) {
  return o == std::memory_order_acq_rel ? std::memory_order_release : o == std::memory_order_acquire ? std::memory_order_relaxed : o;
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
  // One that fails is a load like any other, and may find a value that is not the youngest. That load must not acquire anything in
  // case of success; so if it could, it is made in every second schedule only.
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

bool mutant(std::string_view step) {
  if (changes.record) {
    const mutation m{change::step, {}, std::memory_order_relaxed, std::string(step)};
    if (std::none_of(changes.seen.begin(), changes.seen.end(), [&](const mutation& o) { return o.same_as(m); })) {
      changes.seen.push_back(m);
    }
  }
  return changes.active != nullptr && changes.active->what == change::step && changes.active->name == step;
}

// --- memory ---

namespace {
block& block_of(std::byte* p) { return *reinterpret_cast<block*>(p - before_block); }
void end_words(std::byte* p, std::size_t bytes, bool check) {
  for (std::size_t i = 0; i + sizeof(handle) <= bytes; i += sizeof(handle)) {
    auto& h = *reinterpret_cast<handle*>(p + i);
    if (!is_cell(h)) continue;
    cell& c = *reinterpret_cast<cell*>(h);
    if (c.home != &h) continue;
    if (check && c.var != nullptr && !c.var->store(thread())) {
      fail(rl::test_result_data_race, "freeing memory that another thread's access is not ordered before");
    }
    end_cell(c);
  }
}
std::byte* take(std::unordered_map<std::size_t, std::vector<std::byte*>>& from, std::size_t bytes) {
  const auto at = from.find(bytes);
  if (at == from.end() || at->second.empty()) return nullptr;
  std::byte* p = at->second.back();
  at->second.pop_back();
  return p;
}
}  // namespace

void* alloc(std::size_t bytes) {
  bytes = (bytes + 15) & ~std::size_t{15};
  std::byte* p = take(s.reusable, bytes);
  if (p == nullptr) {
    p = take(s.cached, bytes);
    if (p == nullptr) {
      auto* raw = static_cast<std::byte*>(std::aligned_alloc(64, (before_block + 32 + bytes + 63) & ~std::size_t{63}));
      if (raw == nullptr) throw std::bad_alloc();
      p = raw + 64;  // contexts have parts aligned to 64
    }
    s.blocks.push_back(p);
  }
  std::memset(p, 0, bytes);
  block_of(p) = {bytes, true};
  ++s.live_blocks;
  return p;
}

// Freed memory is used again at once or never in this schedule: the first shows what the wrong object in the right place does, the
// second every access to it. A search that visits all schedules does the second.
void free(void* at) {
  if (at == nullptr) return;
  auto* p = static_cast<std::byte*>(at);
  block& b = block_of(p);
  if (!b.live) fail(rl::test_result_double_free, "");
  b.live = false;
  --s.live_blocks;
  end_words(p, b.bytes, true);
  rl::context& checker = rl::ctx();
  if (checker.is_random_sched() && checker.rand(4, rl::sched_type_mem_realloc) == 0) s.reusable[b.bytes].push_back(p);
}

std::byte* reserve(std::size_t bytes) {
  for (region& r : s.regions) {
    if (!r.used && r.bytes == bytes) {
      r.used = true;
      return r.at;
    }
  }
  auto* at = static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) & ~std::size_t{4095}));
  if (at == nullptr) throw std::bad_alloc();
  s.regions.push_back({at, bytes, true});
  return at;
}
void commit(std::byte* at, std::size_t bytes) { std::memset(at, 0, bytes); }
void unreserve(std::byte* at, std::size_t) {
  for (region& r : s.regions) {
    if (r.at == at) r.used = false;
  }
}

// --- the rest of the world ---

void yield() { rl::ctx().yield(1, nowhere()); }
std::uint64_t now() { return ++s.clock; }
stack_range stack() {
  auto& mine = s.stacks[static_cast<std::size_t>(current())];
  const auto* low = reinterpret_cast<const std::byte*>(mine.data());
  return {low, low + sizeof(mine)};
}
void act_as(int t) { s.acting = t; }
handle& push_word() {
  const auto me = static_cast<std::size_t>(current());
  return s.stacks[me][s.depth[me]++];
}
void pop_word() { --s.depth[static_cast<std::size_t>(current())]; }
void require(bool holds, const char* what) {
  if (!holds) fail(rl::test_result_user_assert_failed, what);
}

// --- schedules ---

namespace {
// A mutant may follow any pointer. What it hits is a fault of that schedule, not of the checker.
struct faults_are_failures {
  struct sigaction old_segv {}, old_bus {};
  faults_are_failures() {
    struct sigaction a {};
    a.sa_flags = SA_NODEFER;
    a.sa_handler = [](int) {
      if (!rl::is_ctx() || rl::ctx().threadx_ == nullptr) std::abort();
      fail(rl::test_result_access_to_freed_memory, "a pointer to nothing");
    };
    sigaction(SIGSEGV, &a, &old_segv);
    sigaction(SIGBUS, &a, &old_bus);
  }
  ~faults_are_failures() {
    sigaction(SIGSEGV, &old_segv, nullptr);
    sigaction(SIGBUS, &old_bus, nullptr);
  }
};
}  // namespace

namespace {

const plan* planned = nullptr;
const std::function<std::unique_ptr<program>()>* maker = nullptr;

// Relacy counts the allocations of operator new, too: not ours.
struct opened : rl::context {
  static void keep_out(rl::context& c) { ++(c.*(&opened::disable_alloc_)); }
};

template <int Threads>
struct suite : rl::test_suite<suite<Threads>, Threads> {
  std::unique_ptr<program> what;
  suite() {
    ++s.schedule;
    opened::keep_out(rl::ctx());
    what = (*maker)();
    act_as(-1);
  }
  ~suite() {
    act_as(-1);
    what.reset();
    act_as(-1);
    if (s.live_blocks != 0) fail(rl::test_result_memory_leak, "");
    for (std::size_t i = 0; i < s.cells_used; ++i) {
      if (s.cells[i].home != nullptr) end_cell(s.cells[i]);
    }
  }
  void thread(unsigned number) {
    what->thread(static_cast<int>(number));
    catch_up();
  }
  void after() { what->end(); }
};

struct generator {
  std::uint64_t x = 0;
  std::uint32_t operator()() {  // splitmix64
    std::uint64_t z = (x += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::uint32_t>(z >> 33);
  }
  // Below `limit`. Mostly 2 or 3, threads or values, by which the compiler need not divide.
  std::uint32_t below(std::uint32_t limit) {
    const std::uint32_t drawn = (*this)();
    return limit == 2 ? drawn % 2 : limit == 3 ? drawn % 3 : drawn % limit;
  }
};

template <rl::thread_id_t Threads>
class random_search : public rl::scheduler<random_search<Threads>, rl::scheduler_thread_info, Threads> {
  using base = rl::scheduler<random_search<Threads>, rl::scheduler_thread_info, Threads>;

 public:
  struct task_t {};
  random_search(rl::test_params& p, typename base::shared_context_t& c, rl::thread_id_t dynamic) : base(p, c, dynamic) {}

  rl::thread_id_t iteration_begin_impl() {
    draw_.x = planned->seed * 0xd1342543de82ef95 + this->iter_ * 0x2545f4914f6cdd1d;
    static constexpr std::uint32_t stays[] = {0, 0, 12, 15};  // of 16: how likely a thread goes on
    stay_ = stays[this->iter_ % 4];
    return this->running_threads[draw_.below(static_cast<unsigned>(this->running_threads_count))];
  }
  bool iteration_end_impl() { return this->iter_ >= this->params_.iteration_count; }
  rl::thread_id_t schedule_impl(rl::unpark_reason& reason, unsigned yields) {
    reason = rl::unpark_reason_normal;
    const auto n = static_cast<unsigned>(this->running_threads_count);
    const rl::thread_id_t me = this->thread_->index_;
    s.waits_at[static_cast<std::size_t>(me)] = yields != 0 ? s.writes + 1 : 0;
    if (yields == 0 && this->thread_->state_ == rl::thread_state_running && (draw_() & 15) < stay_) return me;
    // Who waits is not worth waking before somebody has written something.
    rl::thread_id_t to = this->running_threads[draw_.below(n)];
    for (unsigned i = 0; i < n && s.waits_at[static_cast<std::size_t>(to)] == s.writes + 1; ++i) {
      to = this->running_threads[draw_.below(n)];
    }
    return to;
  }
  unsigned rand_impl(unsigned limit, rl::sched_type) { return draw_.below(limit); }
  rl::iteration_t iteration_count_impl() { return this->params_.iteration_count; }
  void get_state_impl(std::ostream&) {}
  void set_state_impl(std::istream&) {}
  void on_thread_block(rl::thread_id_t, bool) {}
  void thread_finished_impl() {}
  void purge_blocked_threads() {}

 private:
  generator draw_;
  std::uint32_t stay_ = 0;
};

// Every schedule, or every one with so many unforced switches; up to the number planned.
template <rl::thread_id_t Threads>
class tree_search : public rl::tree_search_scheduler<tree_search<Threads>, rl::tree_search_scheduler_thread_info<Threads>, Threads> {
  using base = rl::tree_search_scheduler<tree_search<Threads>, rl::tree_search_scheduler_thread_info<Threads>, Threads>;

 public:
  using thread_info_t = typename base::thread_info_t;
  tree_search(rl::test_params& p, typename base::shared_context_t& c, rl::thread_id_t dynamic) : base(p, c, dynamic) {}
  rl::thread_id_t iteration_begin_impl() {
    left_ = planned->switches;
    return base::iteration_begin_impl();
  }
  bool iteration_end() {
    if (base::iteration_end()) return complete = true;
    return this->iter_ >= planned->schedules;
  }
  bool can_switch(thread_info_t&) { return planned->kind == search::full || left_ > 0; }
  void on_switch(thread_info_t& t) {
    if (t.state_ == rl::thread_state_running) --left_;
  }
  double iteration_count_approx() { return 1; }
  static inline bool complete = false;

 private:
  int left_ = 0;
};

// What a schedule that was cut short by a failure left behind. The checker that knew its words is gone.
void start_afresh() {
  std::fill(s.cells.begin(), s.cells.begin() + static_cast<std::ptrdiff_t>(s.cells_used), cell{});
  s.cells_used = 0;
  s.free_cells = nullptr;
}
void begin_schedule() {
  for (std::byte* p : s.blocks) s.cached[block_of(p).bytes].push_back(p);
  s.blocks.clear();
  for (auto& [bytes, list] : s.reusable) list.clear();
  s.live_blocks = 0;
  for (region& r : s.regions) r.used = false;
  s.stacks = {};
  s.depth = {};
  s.late = {};
  s.acting = -1;
  s.clock = s.accesses = s.writes = 0;
  s.waits_at = {};
}

}  // namespace

namespace {
template <int Threads, template <rl::thread_id_t> class Search>
outcome run(const plan& p, bool with_history) {
  using suite_t = suite<Threads>;
  std::ostringstream nothing, told;
  rl::test_params params;
  params.output_stream = params.progress_stream = &nothing;
  params.iteration_count = p.schedules;
  params.execution_depth_limit = most_points;
  params.search_type = p.kind == search::random ? rl::random_scheduler_type : rl::fair_full_search_scheduler_type;
  rl::ostringstream trail;
  outcome out;
  const faults_are_failures here;
  start_afresh();
  s.schedule = 0;
  const rl::test_result_e result = rl::run_test<suite_t, Search<Threads>>(params, trail, false);
  out.schedules = s.schedule;
  if (result == rl::test_result_success) return out;
  out.failure = rl::test_result_str(result);
  if (with_history) {
    params.initial_state = trail.str();
    params.collect_history = true;
    params.output_stream = &told;
    start_afresh();
    static_cast<void>(rl::run_test<suite_t, Search<Threads>>(params, trail, true));
    out.history = told.str();
  }
  start_afresh();
  return out;
}
}  // namespace

outcome check(const plan& p, const std::function<std::unique_ptr<program>()>& make, bool with_history) {
  const std::function<std::unique_ptr<program>()> fresh = [&make] {
    begin_schedule();
    return make();
  };
  planned = &p;
  maker = &fresh;
  if (p.kind == search::random) {
    return p.threads == 2 ? run<2, random_search>(p, with_history) : run<3, random_search>(p, with_history);
  }
  bool& complete = p.threads == 2 ? tree_search<2>::complete : tree_search<3>::complete;
  complete = false;
  outcome out = p.threads == 2 ? run<2, tree_search>(p, with_history) : run<3, tree_search>(p, with_history);
  out.complete = complete;
  return out;
}

bool mutation::same_as(const mutation& o) const {
  if (what != o.what || to != o.to) return false;
  return what == change::step ? name == o.name : same_place(where, o.where);
}

std::vector<mutation> mutations_of(const plan& p, const std::function<std::unique_ptr<program>()>& make) {
  changes.record = true;
  changes.seen.clear();
  changes.known.clear();
  static_cast<void>(check(p, make, false));
  changes.record = false;
  return std::move(changes.seen);
}

void mutate(const mutation* m) { changes.active = m; }

void name_all(std::vector<mutation>& all) {
  const auto function = [](const std::source_location& at) {
    std::string_view f = at.function_name();
    f = f.substr(0, f.find('('));
    const auto cut = f.find_last_of(": &*");
    return std::string(cut == f.npos ? f : f.substr(cut + 1));
  };
  const auto before = [](const mutation& a, const mutation& b) {
    return std::tuple(a.where.at.line(), a.where.at.column(), a.what, a.to) <
           std::tuple(b.where.at.line(), b.where.at.column(), b.what, b.to);
  };
  std::stable_sort(all.begin(), all.end(), before);
  std::map<std::string, int> used;
  for (mutation& m : all) {
    if (m.what == change::step) continue;
    std::string_view file = m.where.at.file_name();
    file = file.substr(file.find_last_of('/') + 1);
    std::string n = std::string(file) + " " + function(m.where.at) + ": " + std::string(m.where.field) + "." + text(m.where.what);
    switch (m.what) {
      case change::weaken: n += std::string(" ") + text(m.where.order) + " -> " + text(m.to); break;
      case change::weaken_failure: n += std::string(", failed, ") + text(m.where.on_failure) + " -> " + text(m.to); break;
      case change::skip: n += " skipped"; break;
      case change::delay: n += " delayed"; break;
      default: n += " torn"; break;
    }
    const int again = ++used[n];
    m.name = again == 1 ? n : n + " #" + std::to_string(again);
  }
}

}  // namespace tally::model

// assert() in a header that is checked: a failure of the schedule, like any other.
extern "C" [[noreturn]] void __assert_fail(const char* what, const char* file, unsigned line, const char*) noexcept(false) {
  if (rl::is_ctx() && rl::ctx().threadx_ != nullptr) tally::model::fail(rl::test_result_user_assert_failed, what);
  std::fprintf(stderr, "%s:%u: assertion failed: %s\n", file, line, what);
  std::abort();
}
