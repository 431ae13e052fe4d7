// What a program under the checker is written with: a heap, a context per thread, objects with a payload, and refs that a precise
// scan finds. Programs are templates over the heap, written once against the contract.
//
// Everything that threads can reach is in checked memory, contexts included: so an access to a context that is gone, or that is
// just being taken apart, is found like one to an object.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "harness/contract/family.hpp"
#include "harness/contract/strategy.hpp"
#include "harness/model/modelled.hpp"

namespace tally::model {

// A lock that only one context can hold at a time: contexts are attached by their threads only.
template <class H>
concept one_runs = requires(H& h) { h.gil(); };
// A collection looks for refs on stacks.
template <class H>
concept scans_stacks = (collects_cycles<H> && !has_finalizers<H>) || defers<H>;

template <class H>
struct node {
  typename H::template slot<node> next;
  var<typename H::memory, std::uint64_t, "payload"> value;
  explicit node(std::uint64_t v) { value.store(v); }
  void each_slot(auto&& f) { f(next); }
};

// An object that has a block of a block heap to itself.
template <class H>
struct slab {
  var<typename H::memory, std::uint64_t, "payload"> value;
  std::byte rest[20 << 10];
  explicit slab(std::uint64_t v) { value.store(v); }
  void each_slot(auto&&) {}
};

template <class H>
struct box {
  typename H::template shared_slot<node<H>> slot;
  var<typename H::memory, std::uint64_t, "payload"> value;
  box() { value.store(1); }
  void each_slot(auto&& f) { f(slot); }
};

template <class H, bool = has_weak<H>>
struct weak_of {
  using node = typename H::template weak<model::node<H>>;
};
template <class H>
struct weak_of<H, false> {
  using node = int;
};

// An object with a weak ref of a node in it, as large as a node.
template <class H>
struct watcher {
  typename H::template weak_slot<node<H>> seen;
  var<typename H::memory, std::uint64_t, "payload"> value;
  watcher() { value.store(1); }
  void each_slot(auto&& f) { f(seen); }
};

// A ref on the stack. The checked stack holds its word for strategies that look there; for others this is the ref alone.
template <class H, class T>
class hold {
  using ref = typename H::template ref<T>;

 public:
  explicit hold(ref r) : ref_(r) {
    if constexpr (scans_stacks<H>) {
      word_ = &push_word();
      set();
    }
  }
  hold(const hold&) = delete;
  hold& operator=(const hold&) = delete;
  ~hold() {
    if constexpr (scans_stacks<H>) {
      ref_ = {};
      set();
      pop_word();
    }
  }
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(ref_); }
  [[nodiscard]] const ref& get() const { return ref_; }
  // The ref goes elsewhere: it is still on this stack until the next safepoint, as it would be in a register.
  [[nodiscard]] ref take() { return std::exchange(ref_, ref{}); }

 private:
  void set() {
    std::uintptr_t w = 0;
    std::memcpy(&w, &ref_, sizeof w);
    var_store(*word_, w, {"stack", access::store, std::memory_order_relaxed, std::source_location::current()});
  }
  ref ref_;
  handle* word_ = nullptr;
};

template <class H>
class stage : public program {
 public:
  using M = typename H::memory;
  using context = typename H::context;
  using node_ref = typename H::template ref<node<H>>;
  using box_ref = typename H::template ref<box<H>>;
  using node_parcel = typename H::template parcel<node<H>>;
  using box_parcel = typename H::template parcel<box<H>>;
  using held = hold<H, node<H>>;
  using held_box = hold<H, box<H>>;

  // `helpers`: of threads that are stopped; few programs have them, since every barrier multiplies the schedules.
  explicit stage(int threads, double helpers = 0) : threads_(threads) {
    const std::array<std::pair<std::string_view, double>, 8> tunables{{{"helpers", helpers},
                                                                       {"interval_us", 0.004},
                                                                       {"entries", 16},
                                                                       {"kilobytes", 16},
                                                                       {"mark_stack_kib", 1},
                                                                       {"least_mib", 1},
                                                                       {"ready_mib", 0},
                                                                       {"cap_mib", 1}}};
    heap_config c;
    // Blocks for one size class and some large objects; who counts uses up no memory that a collection would give back.
    c.limit_bytes = (has_finalizers<H> ? 256 : 104) << 10;
    c.mutators = threads;
    c.tunables = tunables.data();
    c.tunable_count = tunables.size();
    heap_ = new (M::alloc(sizeof(H))) H(c);
  }
  ~stage() override {
    if (heap_ == nullptr) return;
    std::destroy_at(heap_);
    M::free(heap_);
  }

  // prepare() between these two: all contexts are attached (or one after another, where only one can be).
  void open() {
    if constexpr (!one_runs<H>) {
      for (int i = 0; i < threads_; ++i) {
        if (begins_attached(i)) attach(i);
      }
    }
  }
  virtual bool begins_attached(int) { return true; }  // else the thread attaches itself
  virtual void prepare() = 0;
  void ready() {
    if constexpr (one_runs<H>) detach(prepares_);
    act_as(-1);
  }

  void thread(int i) final {
    if (one_runs<H> && !late_.at(static_cast<std::size_t>(i)) && begins_attached(i)) attach(i);
    act(i);
    // Who is attached polls, and who does not run leaves: a stop would wait for it.
    if constexpr (one_runs<H> || thread_bound<H>) detach(i);
  }
  virtual void act(int i) = 0;

  void end() final {
    finish();
    for (int i = 0; i < most; ++i) {
      act_as(i);
      detach(i);
    }
    act_as(0);
    heap_->settle();
    if constexpr (H::oracle == oracle_class::never_frees) {
      require(heap_->live() == heap_->made(), "live is not what was made");
    } else {
      require(heap_->live() == 0, "an object is still alive");
    }
    if constexpr (requires { heap_->weak_cells_in_use(); }) require(heap_->weak_cells_in_use() == 0, "a weak ref is left");
    std::destroy_at(heap_);
    M::free(heap_);
    heap_ = nullptr;
  }
  virtual void finish() {}

 protected:
  static constexpr int most = 3;

  // The context of a thread, which acts there: a set-up takes its place.
  context& as(int i) {
    if constexpr (one_runs<H>) {
      i = prepares_;
      if (contexts_[0] == nullptr) attach(0);
    }
    act_as(i);
    if (contexts_[static_cast<std::size_t>(i)] == nullptr) attach(i);
    return *contexts_[static_cast<std::size_t>(i)];
  }
  context& at(int i) { return *contexts_[static_cast<std::size_t>(i)]; }
  void attach(int i) {
    if (contexts_[static_cast<std::size_t>(i)] != nullptr) return;
    const bool setting_up = !running_;
    if (setting_up) act_as(i);
    contexts_[static_cast<std::size_t>(i)] = new (M::alloc(sizeof(context))) context(*heap_);
  }
  void detach(int i) {
    context* c = std::exchange(contexts_[static_cast<std::size_t>(i)], nullptr);
    if (c == nullptr) return;
    std::destroy_at(c);
    M::free(c);
  }
  // In prepare(): this thread attaches itself.
  void attaches_late(int i) {
    late_.at(static_cast<std::size_t>(i)) = true;
    if constexpr (!one_runs<H>) {
      act_as(i);
      detach(i);
    }
  }

  static void look(context& c, const node_ref& r, std::uint64_t value = 7) {
    require(c.get(r).value.load() == value, "the payload is not what was written");
  }
  [[nodiscard]] node_ref make_node(context& c, std::uint64_t value = 7) { return c.template make<node<H>>({}, value); }
  // A memory cell that was freed by a collection is overwritten.
  void overwrite(context& c) { c.drop(make_node(c, 999)); }
  static void reclaim_all(context& c) {
    if constexpr (collects_cycles<H>) {
      c.collect();
    } else {
      c.quiesce();
    }
  }

  // Looks, and takes one reference more before the first one is dropped.
  static void use_up(context& c, held& r) {
    look(c, r.get());
    held again(c.copy(r.get()));
    c.drop(r.take());
    look(c, again.get());
    c.drop(again.take());
  }
  // Until the object of `w` is found dead; drops w.
  static void await_death(context& c, typename weak_of<H>::node w) {
    M::wait_until([&] {
      held r(c.upgrade(w));
      if (!r) return true;
      c.drop(r.take());
      return false;
    });
    c.drop(w);
  }

  // From one thread to another. Whoever waits is blocked, as the contract wants it.
  struct mailbox {
    std::optional<node_parcel> item;
    tally::atomic<M, std::uint32_t, "mailbox"> full;
    void send(node_parcel p) {
      item = p;
      full.store(1, std::memory_order_release);
    }
    [[nodiscard]] node_parcel receive(context& c) {
      c.blocked([this] { M::wait_until([this] { return full.load(std::memory_order_acquire) != 0; }); });
      return *item;
    }
  };

  const int threads_;
  bool running_ = false;
  std::array<std::optional<node_parcel>, most> mine_;
  std::array<std::optional<box_parcel>, most> boxes_;

  // Each thread gets a ref of its own of the object, counted by the context that made it.
  void share_out(context& maker, node_ref r) {
    held h(r);
    for (int i = 1; i < threads_; ++i) mine_[static_cast<std::size_t>(i)] = maker.pack(maker.copy(h.get()));
    mine_[0] = maker.pack(h.take());
  }
  void share_out(context& maker, box_ref r) {
    held_box h(r);
    for (int i = 1; i < threads_; ++i) boxes_[static_cast<std::size_t>(i)] = maker.pack(maker.copy(h.get()));
    boxes_[0] = maker.pack(h.take());
  }
  [[nodiscard]] node_ref own(int i) { return at(i).unpack(*mine_[static_cast<std::size_t>(i)]); }
  [[nodiscard]] box_ref own_box(int i) { return at(i).unpack(*boxes_[static_cast<std::size_t>(i)]); }

 private:
  static constexpr int prepares_ = 0;
  H* heap_ = nullptr;
  std::array<context*, most> contexts_{};
  std::array<bool, most> late_{};
};

template <class Program>
struct staged final : Program {
  explicit staged(int threads) : Program(threads) {
    this->open();
    this->prepare();
    this->ready();
    this->running_ = true;
  }
};

}  // namespace tally::model
