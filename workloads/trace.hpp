// trace: replays every reference-count operation that a real program made (workloads/traces/FORMAT.md).
//
// The recording is decoded and planned before any clock starts (harness/trace/replay_plan.hpp); a step replays a block of events
// and polls once. What the lanes run:
//
//   mode=single    all threads' events in the recorded order, on one lane
//   mode=threads   each recorded thread on a lane of its own, with the waits that keep every interleaving sound
//   mode=copies    each lane replays the whole recording, with objects of its own; only those from before the recording are
//                  shared by all lanes (types, singletons, module contents): the contention mode. They outlive the run.
//
// A replay that reaches the recording's end starts again: what it left alive is dropped and the objects from before get their
// first counts back. These operations count as operations, since they are some, though the recording does not have them; the
// immortal ones among them are the bulk (a recording drops more references to None than it takes), and only heaps without
// immortal objects make them. When the window ends each lane finishes its pass, so that the oracle is the recording's own
// balance: what died is dead, what lived is alive.
//
// For a heap that defers, a pair is held by the lane's reference stack, which is a part of the lane and so on its thread's
// stack, where scans find it; every other reference is one from the heap and counted, as pack and unpack do. The table of
// objects is memory that no scan reads. Other heaps copy and drop both kinds alike.
//
// An object's payload is its recorded size without CPython's 16 bytes of header, at least 8 bytes; the strategy's own header
// comes on top.
//
// A recording of version 2 that has slot writes is replayed by trace_graph.hpp, in the recorded order: mode=single or copies. A
// tracing heap can replay no other, since it must be told what refers to what.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "harness/contract/workload.hpp"
#include "harness/trace/rendezvous.hpp"
#include "harness/trace/replay_plan.hpp"
#include "workloads/trace_graph.hpp"

namespace tally::workloads {

struct trace {
  static constexpr std::array<parameter_info, 2> parameters_{{
      text("file", "json_cycle", "a recording: a path, or the name of a bundled one"),
      word("mode", {"single", "threads", "copies"}, "single, threads or copies"),
  }};
  static constexpr workload_info info{"trace", "replay of a real program's reference counting",
                                      "a block of recorded events: copy, drop or make each; one poll a block; an operation is an "
                                      "event, a latency a block's",
                                      parameters_};
  static constexpr std::size_t block = 256;

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    return graph_replay<H>::rooted && !recorded::has_graph(p.text("file")) ? "the recording has no object graph" : "";
  }
  template <class H>
  static std::string unmet_lanes(const parameters& p, int lanes) {
    const mode m = p.word<mode>("mode");
    if (m == mode::single && lanes != 1) return "mode=single replays on one thread";
    if (m != mode::threads) return {};
    if (recorded::has_graph(p.text("file"))) return "slot writes replay in the recorded order only (mode=single or mode=copies)";
    const int recorded = recorded::recorded_threads(p.text("file"));
    if (recorded == 1) return "the recording has one thread";
    return lanes == recorded ? "" : "mode=threads needs the recorded " + std::to_string(recorded) + " threads";
  }

  enum class mode { single, threads, copies };  // in the order of the words

  template <class H>
  struct object {
    var<typename H::memory, std::uint64_t, "payload"> value;
    void each_slot(auto&&) {}
  };

  template <class H>
  class program;
};

template <class H>
class trace::program {
 public:
  using memory = typename H::memory;
  using context = typename H::context;
  using node = object<H>;
  using ref = typename H::template ref<node>;
  using op = recorded::op;
  static_assert(!defers<H> || std::is_same_v<ref, typename H::template parcel<node>>,
                "the replay keeps one word for all of an object's counted references");

  program(H& heap, const run_env& env)
      : heap_(heap), mode_(env.params.word<mode>("mode")), lanes_(env.lanes),
        plan_(recorded::plan_of(env.params.text("file"), layout_of(env.params))),
        tables_(mode_ == mode::copies ? static_cast<std::size_t>(env.lanes) : 1,
                std::vector<ref>(plan_->graph ? 0 : plan_->positions)),
        peaks_(static_cast<std::size_t>(env.lanes)), others_(env.lanes) {
    if (plan_->graph) graph_.emplace(heap, plan_, mode_ == mode::copies ? env.lanes : 0);
  }

  static double parallelism(const run_env& env) {
    const mode m = env.params.word<mode>("mode");
    return m == mode::copies ? env.lanes : recorded::plan_of(env.params.text("file"), layout_of(env.params))->parallelism;
  }

  void setup(context& c) {
    const int most = mode_ == mode::single || graph_ ? 1 : static_cast<int>(plan_->streams.size());
    if (mode_ != mode::copies && lanes_ != most) throw usage_error("trace: this mode needs " + std::to_string(most) + " threads");
    if (graph_) graph_->setup(c);
    if (mode_ != mode::copies || graph_) return;
    // One reference more than the copies have: no copy ends an object that another is about to take.
    for (const auto& e : plan_->existing) {
      ref r = appear(c, e, e.start * static_cast<std::uint32_t>(lanes_) + 1);
      c.share(r);
      common_.push_back(r);
    }
  }

  struct no_stack {};
  struct lane {
    lane(program& p, context& c, const lane_env& e) : env(e), ready(p.mode_ != mode::threads) {
      const auto index = static_cast<std::size_t>(e.index);
      if (p.graph_) {
        p.graph_->enter(graph, e.index);
        return;
      }
      table = p.tables_[p.mode_ == mode::copies ? index : 0].data();
      stream = &p.plan_->streams[p.mode_ == mode::threads ? index : 0];
      rewind();
      p.enter(c, *this);
    }
    void rewind() {
      at = stream->words.data();
      end = at + stream->words.size();
      sizes = stream->sizes.data();
      places = stream->places.data();
    }
    lane_env env;
    ref* table = nullptr;
    const recorded::stream* stream = nullptr;
    const std::uint32_t *at = nullptr, *end = nullptr, *sizes = nullptr;
    const std::uint16_t* places = nullptr;
    std::uint64_t posts = 0;  // announced, over all passes
    std::uint64_t pass = 0;
    bool ready;                            // all lanes' objects from before are there
    bool over = false;                     // no other pass will begin
    typename graph_replay<H>::lane graph;  // of a recording with slot writes, which needs nothing else
    // The reference stack of a heap that defers.
    [[no_unique_address]] std::conditional_t<defers<H>, std::array<ref, recorded::held_capacity>, no_stack> held{};
  };

  std::uint64_t step(context& c, lane& l) {
    std::uint64_t done = 0;
    try {
      if (graph_) [[unlikely]]
        return step_graph(c, l);
      if (!l.ready) [[unlikely]]
        begin(c, l);
      if (l.at == l.end || l.over) [[unlikely]]
        done = next_pass(c, l);
      if (!l.over) [[likely]]
        done += replay(c, l, block_end(l));
    } catch (...) {
      others_.abandon();
      throw;
    }
    c.poll();
    return done;
  }

  // Finishes the pass. Objects stay alive for the oracle; another thread will drop them.
  void leave(context& c, lane& l) {
    if (l.over || others_.abandoned()) return;
    if (graph_) {
      leave_graph(c, l);
      return;
    }
    others_.stop();
    try {
      begin(c, l);
      while (l.at != l.end && !others_.abandoned()) {
        (void)replay(c, l, block_end(l));
        c.poll();
      }
      if (mode_ == mode::threads) others_.arrive();
    } catch (const heap_exhausted&) {
      others_.abandon();
      if constexpr (H::oracle != oracle_class::never_frees) throw;
    }
    share_all(c, l);
  }

  void teardown(context& c) {
    if (others_.abandoned()) return;
    if (graph_) {
      graph_->teardown(c);
      return;
    }
    for (const auto& table : tables_) {
      for (const auto& o : plan_->left) give_up(c, table[o.position], o.references);
    }
    const auto copies = static_cast<std::uint32_t>(lanes_);
    for (std::size_t i = 0; i < plan_->existing.size(); ++i) {
      const auto& e = plan_->existing[i];
      disappear(c, e, tables_[0][i], mode_ == mode::copies ? e.end * copies + 1 : e.end);
    }
  }

  [[nodiscard]] std::int64_t expected() const {
    if (others_.abandoned()) return 0;
    if (graph_) return graph_->expected();
    std::int64_t before = 0;
    for (const auto& e : plan_->existing) before += mode_ == mode::copies || e.immortal || e.end != 0 ? 1 : 0;
    return before + static_cast<std::int64_t>(plan_->left.size()) * (mode_ == mode::copies ? lanes_ : 1);
  }

  [[nodiscard]] std::int64_t leaked() const { return graph_ && !others_.abandoned() ? graph_->leaked() : 0; }

  void notes(note_list& into) const { into.emplace_back("recording_fnv1a", plan_->content_hash); }

  void report(metric_list& into) const {
    std::int64_t peak = 0;
    for (const auto& of : peaks_) peak = std::max(peak, of.bytes);
    recorded::report(*plan_, mode_ == mode::copies ? lanes_ : 0, peak, into);
  }

 private:
  struct alignas(64) lane_peak {
    std::int64_t bytes = 0;  // written by the lane, read when it is gone
  };

  static recorded::layout layout_of(const parameters& p) {
    if (recorded::has_graph(p.text("file"))) return graph_replay<H>::how;
    return p.word<mode>("mode") == mode::threads ? recorded::layout::stream_per_thread : recorded::layout::one_stream;
  }

  static void take(context& c, const ref& r) { recorded_references<H>::take(c, r); }
  static void drop(context& c, const ref& r) { recorded_references<H>::drop(c, r); }
  static ref born(context& c, std::uint32_t recorded_bytes) {
    constexpr std::uint32_t least = 16 + sizeof(node);
    ref r = make<node>(c, {.bytes = recorded_bytes > least ? recorded_bytes - least : 0});
    if constexpr (defers<H>) r = c.pack(r);
    return r;
  }
  static ref appear(context& c, const recorded::existing_object& e, std::uint32_t references) {
    ref r = born(c, 0);
    if constexpr (has_immortal<H>) {
      if (e.immortal) {
        c.make_immortal(r);
        return r;
      }
    }
    (void)e;
    for (std::uint32_t i = 1; i < references; ++i) take(c, r);
    return r;
  }
  static void give_up(context& c, const ref& r, std::uint32_t references) {
    for (std::uint32_t i = 0; i < references; ++i) drop(c, r);
  }
  static void disappear(context& c, const recorded::existing_object& e, const ref& r, std::uint32_t references) {
    if constexpr (has_immortal<H>) {
      if (e.immortal) {
        c.release_immortal(r);
        return;
      }
    }
    (void)e;
    give_up(c, r, references);
  }

  [[gnu::always_inline]] std::uint64_t replay(context& c, lane& l, const std::uint32_t* until) {
    const std::uint32_t* at = l.at;
    const std::uint32_t* sizes = l.sizes;
    [[maybe_unused]] const std::uint16_t* places = l.places;
    ref* const table = l.table;
    auto done = static_cast<std::uint64_t>(until - at);
    for (; at != until; ++at) {
      const std::uint32_t word = *at;
      ref& r = table[word & recorded::position_mask];
      switch (recorded::op_of(word)) {
        case op::paired_take:
        case op::immortal_paired_take:
          if constexpr (defers<H>) {
            l.held[*places++] = c.copy(r);
            break;
          }
          [[fallthrough]];
        case op::take:
        case op::immortal_take: take(c, r); break;
        case op::paired_drop:
        case op::paired_last_drop:
        case op::immortal_paired_drop:
          if constexpr (defers<H>) {
            c.drop(std::exchange(l.held[*places++], ref{}));
            break;
          }
          [[fallthrough]];
        case op::drop:
        case op::last_drop:
        case op::immortal_drop: drop(c, r); break;
        case op::make: r = born(c, *sizes++); break;
        case op::make_shared:
          r = born(c, *sizes++);
          c.share(r);
          break;
        case op::wait:
          --done;
          if (!wait_for(c, l, l.stream->waits[word & recorded::position_mask])) return 0;
          break;
        case op::post:
          --done;
          others_.post(l.env.index, ++l.posts);
          break;
        case op::sample: {
          --done;
          auto& peak = peaks_[static_cast<std::size_t>(l.env.index)].bytes;
          peak = std::max(peak, heap_.live_bytes());
          break;
        }
      }
    }
    l.at = until;
    l.sizes = sizes;
    l.places = places;
    return done;
  }

  // False: the replay was abandoned.
  [[gnu::noinline]] bool wait_for(context& c, lane& l, const recorded::wait_point& w) {
    l.over = !others_.wait_for(c, w.lane, l.pass * plan_->streams[w.lane].posts + w.posts);
    return !l.over;
  }

  static const std::uint32_t* block_end(const lane& l) {
    return l.end - l.at > static_cast<std::ptrdiff_t>(block) ? l.at + block : l.end;
  }
  // Whether a lane is the one to begin and end an object that is not its own copy's.
  [[nodiscard]] bool mine(const lane& l, std::uint16_t owner) const {
    return mode_ != mode::threads || owner == static_cast<std::uint16_t>(l.env.index);
  }

  [[gnu::noinline]] std::uint64_t step_graph(context& c, lane& l);
  void leave_graph(context& c, lane& l);

  void enter(context& c, lane& l);
  [[gnu::noinline]] void begin(context& c, lane& l) {
    if (l.ready) return;
    others_.wait_entered(c);
    l.ready = true;
    l.over = others_.abandoned();
  }

  // Brings the recording's start back. Returns the operations that it took.
  [[gnu::noinline]] std::uint64_t next_pass(context& c, lane& l);
  std::uint64_t wait_stop(context& c, lane& l) {
    l.over = true;
    c.blocked([&] { memory::wait_until([&] { return l.env.stopping(); }); });
    return 0;
  }

  // Before the main thread drops them.
  void share_all(context& c, lane& l);

  H& heap_;
  mode mode_;
  int lanes_;
  std::shared_ptr<const recorded::plan> plan_;
  std::vector<std::vector<ref>> tables_;  // one, or one a copy
  std::vector<ref> common_;               // mode=copies: the objects from before
  std::vector<lane_peak> peaks_;
  std::optional<graph_replay<H>> graph_;
  recorded::rendezvous<memory> others_;
};

}  // namespace tally::workloads

#include "workloads/trace_passes.hpp"
