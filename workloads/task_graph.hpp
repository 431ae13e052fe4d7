// task_graph: fork-join tasks that hand objects to each other across threads.
//
// A step runs a graph of some tens of tasks on the memory policy's tasks; the row's threads are the arena's, and which
// thread runs a task is the scheduler's choice. Tasks get references as parcels, make objects of their own (a chain of
// `objects` temporaries each, dropped before they end), and pass a result on that holds what they were given, so that a
// graph of objects made on many threads is dropped by one.
//   shape=reduction  `width` leaves that all read one shared source; pairs of results are combined up to one (2 width - 1
//                    tasks and results). Every leaf's result holds the source: its count is what threads contend for
//   shape=wavefront  a width x width grid; a task starts when its upper and left neighbours have ended and holds both
//                    results, which are thus shared by two tasks each (the alignment of two sequences has this shape)
// A task attaches a context for as long as it runs, so a step pays for attaching too: the price of a runtime whose tasks
// don't know their thread.
// Source: [Blumofe95] for fork-join; the wavefront is the standard example of dependency graphs in oneTBB's documentation.
#pragma once

#include <array>
#include <bit>
#include <vector>

#include "harness/contract/workload.hpp"
#include "harness/memory/tasks.hpp"

namespace tally::workloads {

struct task_graph {
  static constexpr bool arena_threads = true;
  static constexpr std::array<parameter_info, 3> parameters_{{
      word("shape", {"reduction", "wavefront"}, "reduction or wavefront"),
      whole("width", 16, 1, 256, "leaves of the reduction, or rows and columns of the grid (a wavefront has width^2 tasks)"),
      whole("objects", 16, 0, 100'000, "temporaries that each task makes and drops"),
  }};
  static constexpr workload_info info{
      "task_graph", "tasks that carry references across threads",
      "for each of 2*width-1 (reduction) or width^2 (wavefront) tasks: a context attached and detached, unpack of up to two "
      "parcels, `objects` makes, stores and drops of temporaries, a make, up to two stores, a copy and a pack for each "
      "further task that gets the result; then one drop of the last result, which frees them all; one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    if constexpr (!has_tasks<typename H::memory>) {
      return "needs fork-join tasks of the memory policy";
    } else {
      return "";
    }
  }

  // A result, the source, or a temporary.
  template <class H>
  struct object {
    typename H::template slot<object> first, second;
    var<typename H::memory, std::uint64_t, "payload"> value, canary;
    void each_slot(auto&& f) {
      f(first);
      f(second);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using tasks = typename memory::tasks;
    using group = typename tasks::group;
    using node = object<H>;
    using ref = typename H::template ref<node>;
    using parcel = typename H::template parcel<node>;

    program(H& heap, const run_env& env)
        : heap_(heap), wavefront_(env.params.is("shape", "wavefront")),
          width_(static_cast<std::uint32_t>(env.params.integer("width"))), objects_(env.params.integer("objects")), source_(heap),
          answer_(wavefront_ ? grid_answer() : width_ * source_value + sum_below(width_)) {}
    void setup(context& c) { source_.store(c, made(c, source_value)); }

    struct lane {
      lane(program&, context&, const lane_env& e) : pool(e.lanes) {}
      tasks pool;
      std::uint64_t wrong = 0;
    };
    void step(context& c, lane& l) {
      job j{l.pool};
      const parcel source = c.pack(source_.load(c));
      parcel out{};
      if (wavefront_) {
        j.cells = std::vector<cell>(std::size_t{width_} * width_);
        // relaxed: starting a task publishes it
        for (std::uint32_t at = 0; at < j.cells.size(); ++at) {
          j.cells[at].missing.store(static_cast<std::uint32_t>(row(at) != 0) + (column(at) != 0), std::memory_order_relaxed);
        }
        j.cells[0].above = source;
        run_in(c, l.pool, [&](group& g) {
          j.all = &g;
          g.spawn([this, &j] { cross(j, 0); });
        });
        out = j.last;
      } else {
        run_in(c, l.pool, [&](group& g) { g.spawn([this, &j, source, &out] { reduce(j, 0, width_, source, out); }); });
      }
      ref result = c.unpack(out);
      l.wrong += j.wrong.load(std::memory_order_relaxed);
      l.wrong += read(c.get(result)) != answer_ || !holds_all(c, c.get(result));
      c.drop(result);
      c.poll();
    }
    void leave(context&, lane& l) {
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);  // relaxed: read after the lane was joined
    }
    [[nodiscard]] std::string check(context&) {
      const std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      return wrong == 0 ? "" : std::to_string(wrong) + " results of tasks were wrong";
    }
    void teardown(context& c) { source_.store(c, {}); }
    [[nodiscard]] std::int64_t expected() const { return 1; }

    // Work over span, in objects made.
    static double parallelism(const run_env& env) {
      const double n = env.params.number("width"), task = env.params.number("objects") + 1;
      if (env.params.is("shape", "wavefront")) return n * n / (2 * n - 1);
      return (n * task + (n - 1) * task) / (task * (1 + std::bit_width(static_cast<std::uint32_t>(n) - 1)));
    }

   private:
    static constexpr std::uint64_t source_value = 0x5eed;
    // What a task of the grid waits for, and what it has been given.
    struct cell {
      parcel above{}, left{};
      tally::atomic<memory, std::uint32_t, "dependencies"> missing;
    };
    struct job {
      tasks& pool;
      group* all = nullptr;
      std::vector<cell> cells{};
      parcel last{};
      tally::atomic<memory, std::uint64_t, "check"> wrong{};
    };

    static std::uint64_t sum_below(std::uint64_t n) { return n * (n - 1) / 2; }
    [[nodiscard]] std::uint32_t row(std::uint32_t at) const { return at / width_; }
    [[nodiscard]] std::uint32_t column(std::uint32_t at) const { return at % width_; }
    // The grid's recurrence, v = above + left + place, computed in the plain way; the corner has the source above it.
    [[nodiscard]] std::uint64_t grid_answer() const {
      std::vector<std::uint64_t> v(std::size_t{width_} * width_);
      for (std::uint32_t at = 0; at < v.size(); ++at) {
        v[at] = at + (at == 0 ? source_value : 0) + (row(at) != 0 ? v[at - width_] : 0) + (column(at) != 0 ? v[at - 1] : 0);
      }
      return v.back();
    }

    ref made(context& c, std::uint64_t value) {
      ref r = make<node>(c, {});
      c.get(r).value.store(value);
      c.get(r).canary.store(~value);
      return r;
    }
    static std::uint64_t read(node& n) {
      const std::uint64_t value = n.value.load();
      return n.canary.load() == ~value ? value : ~std::uint64_t{0};
    }
    // A task's own work: a chain of temporaries, summed and dropped.
    void toil(context& c, job& j) {
      if (objects_ == 0) return;
      ref head = made(c, 1);
      for (std::int64_t i = 1; i < objects_; ++i) {
        ref before = made(c, static_cast<std::uint64_t>(i) + 1);
        c.store(c.get(before).first, head);
        head = before;
      }
      std::uint64_t sum = 0;
      for (node* n = &c.get(head); n != nullptr; n = c.peek(n->first)) sum += read(*n);
      if (sum != sum_below(static_cast<std::uint64_t>(objects_) + 1)) j.wrong.fetch_add(1, std::memory_order_relaxed);
      c.drop(head);
    }

    void reduce(job& j, std::uint32_t from, std::uint32_t to, parcel given, parcel& out) {
      context c(heap_);
      ref source = c.unpack(given);
      toil(c, j);
      ref result{};
      if (to - from == 1) {
        result = made(c, read(c.get(source)) + from);
        c.store(c.get(result).first, source);
      } else {
        const std::uint32_t middle = from + (to - from) / 2;
        const parcel for_left = c.pack(c.copy(source)), for_right = c.pack(source);
        parcel left{}, right{};
        group g(j.pool);
        g.spawn([this, &j, from, middle, for_left, &left] { reduce(j, from, middle, for_left, left); });
        g.spawn([this, &j, middle, to, for_right, &right] { reduce(j, middle, to, for_right, right); });
        wait_in(c, g);
        ref a = c.unpack(left), b = c.unpack(right);
        result = made(c, read(c.get(a)) + read(c.get(b)));
        c.store(c.get(result).first, a);
        c.store(c.get(result).second, b);
      }
      out = c.pack(result);
    }

    void cross(job& j, std::uint32_t at) {
      context c(heap_);
      toil(c, j);
      std::uint64_t value = at;
      ref above{}, left{};
      if (row(at) != 0 || at == 0) value += read(c.get(above = c.unpack(j.cells[at].above)));
      if (column(at) != 0) value += read(c.get(left = c.unpack(j.cells[at].left)));
      ref result = made(c, value);
      c.store(c.get(result).first, above);
      c.store(c.get(result).second, left);
      const bool down = row(at) + 1 < width_, right = column(at) + 1 < width_;
      if (down && right) j.cells[at + width_].above = c.pack(c.copy(result));
      (down && right ? j.cells[at + 1].left
       : down        ? j.cells[at + width_].above
       : right       ? j.cells[at + 1].left
                     : j.last) = c.pack(result);
      if (down) ready(j, at + width_);
      if (right) ready(j, at + 1);
    }
    void ready(job& j, std::uint32_t at) {
      // acq_rel: the neighbour that comes last sees the parcel that the other one left before its own decrement.
      if (j.cells[at].missing.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        j.all->spawn([this, &j, at] { cross(j, at); });
      }
    }

    // The last result leads to the source, through no more results than the graph is high.
    bool holds_all(context& c, node& last) {
      std::uint32_t steps = 0;
      node* n = &last;
      for (; n != nullptr && n != source_.get() && steps <= 2 * width_; ++steps) {
        node* first = c.peek(n->first);
        n = first != nullptr ? first : c.peek(n->second);
      }
      return n == source_.get();
    }

    H& heap_;
    bool wavefront_;
    std::uint32_t width_;
    std::int64_t objects_;
    typename H::template root<node> source_;
    std::uint64_t answer_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_;
  };
};

}  // namespace tally::workloads
