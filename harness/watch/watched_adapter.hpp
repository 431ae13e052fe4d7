// Makes any strategy's heap a watched_heap, on the contract only. Variables hold parcels: a scan of stacks does not see them, and
// they stay while no context is attached.
#pragma once

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/contract/family.hpp"
#include "harness/cycles/generations.hpp"
#include "harness/watch/watch_maker.hpp"
#include "harness/watch/watched_variables.hpp"

namespace tally {

template <class H>
class watched_adapter final : public watched_heap, private cycle_listener {
  using node = watched_node<H, watched_adapter>;
  using context = typename H::context;
  using ref = typename H::template ref<node>;
  using parcel = typename H::template parcel<node>;

 public:
  explicit watched_adapter(const heap_config& c) : heap_(c) { context_.emplace(heap_); }
  watched_adapter(const watched_adapter&) = delete;
  watched_adapter& operator=(const watched_adapter&) = delete;
  ~watched_adapter() override {
    events_ = nullptr;
    empty_all();
    variables_.end(heap_, *context_);
    context_.reset();
    heap_.settle();
  }

  [[nodiscard]] watched_facts facts() const override {
    watched_facts f;
    f.finalizers = has_finalizers<H>;
    f.observers = has_observers<H>;
    f.weak = has_observers<H> || has_weak<H>;
    f.collects = collects_cycles<H>;
    f.steered = has_collector<H>;
    f.generational = has_generations<H>;
    f.ends_objects = ends_objects<H>;
    if constexpr (has_generations<H>) f.rule = const_cast<H&>(heap_).cycles().rule().name;
    // Its limit is for objects that are a link of a chain and nothing else; these are three times as large.
    if constexpr (requires { H::max_chain; }) f.most_objects = H::max_chain / 4;
    return f;
  }
  void begin(std::size_t variables, watched_events& events) override {
    variables_.begin(heap_, *context_, variables);
    events_ = &events;
    if constexpr (has_collector<H>) heap_.cycles().listen(this);
  }

  void make(watched_variable into, const new_object& o) override {
    const ref r = make_node(o);
    poll();
    put(into, r);
  }
  void let(watched_variable into, watched_variable from) override { put(into, own(from)); }
  void get(watched_variable into, watched_variable of, std::uint32_t slot) override {
    put(into, context_->load(peek(of).at(slot)));
  }
  void set(watched_variable of, std::uint32_t slot, watched_variable from) override {
    const ref r = own(from);
    variables_.store(*context_, peek(of).at(slot), r);
  }
  void clear(watched_variable of, std::uint32_t slot) override { context_->store(peek(of).at(slot), ref{}); }
  void del(watched_variable v) override { put(v, ref{}); }

  void weak(watched_variable into, watched_variable of) override {
    const ref target = own(of);
    events_->call_begins();
    const ref r = make_node({.kind = object_kind::weak, .slots = 0, .name = into, .target = 0});
    if constexpr (has_observers<H>) {
      context_->observe(r, target);
    } else if constexpr (has_weak<H>) {
      context_->store(context_->get(r).weak.refers, context_->downgrade(target));
    }
    context_->drop(target);
    events_->call_ends();
    poll();
    put(into, r);
  }
  void up(watched_variable into, watched_variable of) override {
    ref r{};
    if (const seen_object o = look(of); o.there && o.kind == object_kind::weak) {
      with(of, [&](const ref& w) { r = observed(w); });
    }
    put(into, r);
  }
  std::uint64_t collect([[maybe_unused]] int generation) override {
    if constexpr (has_collector<H>) {
      return context_->collect(generation);
    } else if constexpr (collects_cycles<H>) {
      // With no context attached: no stale word of a stack keeps anything, so that a program frees the same in every run.
      const std::uint64_t before = alive();
      context_.reset();
      heap_.settle();
      known_ = static_cast<std::uint64_t>(heap_.live());
      known_at_ = books_.made;
      context_.emplace(heap_);
      return before - alive();
    } else {
      return 0;
    }
  }
  void poll() override { context_->poll(); }

  [[nodiscard]] seen_object look(watched_variable v) override {
    if (!variables_.filled(*context_, v)) return {};
    const new_object& o = peek(v).made_as;
    return {true, o.kind, o.slots};
  }
  [[nodiscard]] std::optional<std::uint64_t> owners([[maybe_unused]] watched_variable v) override {
    if constexpr (requires(context& c, const ref& r) { c.owners(r); }) {
      std::uint64_t n = 0;
      if (variables_.filled(*context_, v)) with(v, [&](const ref& r) { n = context_->owners(r); });
      return n;
    } else {
      return std::nullopt;
    }
  }
  [[nodiscard]] std::uint64_t alive() override {
    if constexpr (ends_objects<H>) {
      return books_.objects;
    } else {
      const std::uint64_t most = known_ + (books_.made - known_at_);
      if constexpr (H::oracle != oracle_class::exact) return most;
      context_.reset();  // exact then
      const auto live = static_cast<std::uint64_t>(heap_.live());
      context_.emplace(heap_);
      return std::min(most, live);
    }
  }
  [[nodiscard]] std::uint64_t made() const override { return books_.made; }
  [[nodiscard]] std::uint64_t alive_containers() override {
    if constexpr (has_generations<H>) {
      std::uint64_t n = 0;
      for (int g = 0; g < 3; ++g) {
        heap_.cycles().of(g).for_each([&n](auto& head) {
          auto* header = reinterpret_cast<typename H::header*>(&head + 1);
          n += is_container(static_cast<node*>(behind(header))->made_as.kind);
        });
      }
      return n;
    } else {
      return ends_objects<H> ? books_.containers : alive();
    }
  }
  [[nodiscard]] std::uint64_t held_bytes() override {
    if constexpr (ends_objects<H>) {
      return books_.bytes;
    } else {
      return static_cast<std::uint64_t>(heap_.live_bytes());
    }
  }
  [[nodiscard]] object_graph graph() override;

  void set_thresholds(const std::array<std::uint64_t, 3>& t) override {
    if constexpr (has_collector<H>) heap_.cycles().set_thresholds(t);
  }
  void enable(bool on) override {
    if constexpr (has_collector<H>) heap_.cycles().enable(on);
  }
  [[nodiscard]] bool enabled() override {
    if constexpr (has_collector<H>) return heap_.cycles().enabled();
    return false;
  }
  void freeze() override {
    if constexpr (has_generations<H>) heap_.cycles().freeze();
  }
  void unfreeze() override {
    if constexpr (has_generations<H>) heap_.cycles().unfreeze();
  }
  [[nodiscard]] std::uint64_t count(int generation) override {
    if constexpr (has_generations<H>) return heap_.cycles().count(generation);
    return 0;
  }
  void add_allocation() override {
    if constexpr (has_generations<H>) context_->add_allocation();
  }
  void make_function() override {
    if constexpr (has_generations<H>) variables_.make_function(*context_);
  }
  void hold_tuple() override {
    if constexpr (has_generations<H>) variables_.hold_tuple(heap_);
  }
  void release_tuple() override {
    if constexpr (has_generations<H>) variables_.release_tuple(heap_);
  }
  void add_outside(std::uint64_t n) override {
    if constexpr (has_generations<H>) heap_.cycles().add_outside(n);
  }

  // For nodes. The context is the one that the program runs in.
  void finalize(context& c, const ref& self) {
    const new_object o = c.get(self).made_as;
    if (events_ == nullptr) return;
    events_->finalizing(o.kind, o.name);
    if (o.kind == object_kind::revive) put(o.target, c.copy(self));
  }
  void notify(const node& n) {
    if (events_ != nullptr) events_->notified(n.made_as.name);
  }

 private:
  [[nodiscard]] ref make_node(const new_object& o) {
    ++books_.made;
    return context_->template make<node>(extent{.slots = o.slots}, *this, node_facts{&books_, books_.made, o});
  }
  [[nodiscard]] node& peek(watched_variable v) { return variables_.peek(*context_, v); }
  void put(watched_variable v, ref r) { variables_.put(*context_, v, r); }
  template <class F>
  void with(watched_variable v, F&& f) {
    variables_.with(*context_, v, f);
  }
  [[nodiscard]] ref own(watched_variable v) {
    ref r{};
    if (variables_.filled(*context_, v)) with(v, [&](const ref& there) { r = context_->copy(there); });
    return r;
  }
  // What a weak reference refers to, if it lives: an owning read.
  [[nodiscard]] ref observed([[maybe_unused]] const ref& w) {
    if constexpr (has_observers<H>) {
      return context_->observed(w);
    } else {
      return refers_to(context_->get(w));
    }
  }
  [[nodiscard]] ref refers_to([[maybe_unused]] node& n) {
    ref r{};
    if constexpr (!has_observers<H> && has_weak<H>) {
      const auto weak = context_->load(n.weak.refers);
      if (!weak) return r;
      r = context_->upgrade(weak);
      context_->drop(weak);
    }
    return r;
  }
  // The same, to look at.
  [[nodiscard]] const node* target_of(node& n) {
    if constexpr (has_observers<H>) {
      auto* header = n.weak.watching.observed();
      return header == nullptr ? nullptr : static_cast<const node*>(behind(header));
    } else {
      const ref r = refers_to(n);
      if (!r) return nullptr;
      const node* at = &context_->get(r);
      context_->drop(r);
      return at;
    }
  }
  // Of a heap that ends objects, all; else what variables reach.
  [[nodiscard]] std::vector<node*> all_nodes();
  // Nothing refers to anything any more, so that cycles are freed that nothing collects.
  void empty_all() {
    for (watched_variable v = 0; v < variables_.size(); ++v) put(v, ref{});
    if constexpr (ends_objects<H> && H::oracle != oracle_class::never_frees) {
      std::vector<parcel> taken;
      for (node* n : all_nodes()) {
        for (std::uint32_t i = 0; i < n->made_as.slots; ++i) {
          if (ref r = context_->take(n->at(i))) taken.push_back(context_->pack(r));
        }
      }
      for (const parcel& p : taken) context_->drop(context_->unpack(p));
    }
  }

  void collected(int generation, std::uint64_t unreachable) override {
    if (events_ != nullptr) events_->collected(generation, unreachable);
  }
  void telling(std::size_t observers) override {
    if (events_ != nullptr) events_->telling(observers);
  }
  void told(std::size_t observers) override {
    if (events_ != nullptr) events_->told(observers);
  }

  node_books books_;  // outlives the heap's objects
  H heap_;
  std::optional<context> context_;
  watched_variables<H, node> variables_;
  watched_events* events_ = nullptr;
  std::uint64_t known_ = 0, known_at_ = 0;  // objects after the last collection, and how many had been made
};

template <class H>
std::vector<typename watched_adapter<H>::node*> watched_adapter<H>::all_nodes() {
  std::vector<node*> all;
  if constexpr (ends_objects<H>) {
    for (node_entry* e = books_.end.next(); e != &books_.end; e = e->next()) {
      all.push_back(static_cast<node*>(static_cast<node_life<true>*>(e)));
    }
  } else {
    std::unordered_map<node*, bool> seen;
    const auto reach = [&](node* n) {
      if (n != nullptr && seen.try_emplace(n, true).second) all.push_back(n);
    };
    for (watched_variable v = 0; v < variables_.size(); ++v) {
      if (variables_.filled(*context_, v)) reach(&peek(v));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::uint32_t s = 0; s < all[i]->made_as.slots; ++s) reach(context_->peek(all[i]->at(s)));
    }
    std::ranges::sort(all, {}, [](const node* n) { return n->number; });
  }
  return all;
}

template <class H>
object_graph watched_adapter<H>::graph() {
  const std::vector<node*> all = all_nodes();
  std::unordered_map<const node*, std::size_t> places;
  for (std::size_t i = 0; i < all.size(); ++i) places.emplace(all[i], i);
  const auto place = [&](const node* n) {
    const auto it = places.find(n);
    return it == places.end() ? object_graph::none : it->second;
  };
  object_graph g;
  for (node* n : all) {
    object_graph::object o;
    o.kind = n->made_as.kind;
    o.name = n->made_as.name;
    o.number = n->number;
    for (std::uint32_t s = 0; s < n->made_as.slots; ++s) o.slots.push_back(place(context_->peek(n->at(s))));
    if (o.kind == object_kind::weak) o.observed = place(target_of(*n));
    g.objects.push_back(std::move(o));
  }
  for (watched_variable v = 0; v < variables_.size(); ++v) {
    g.variables.push_back(variables_.filled(*context_, v) ? place(&peek(v)) : object_graph::none);
  }
  return g;
}

// A maker per variant of a strategy; null where its objects have one owner and no more, which no program keeps to.
template <class Family, auto... O>
[[gnu::cold]] std::vector<watch_maker> bind_watched(variant_list<O...>) {
  const auto maker = []<class H>(std::type_identity<H>) -> watch_maker {
    if constexpr (unique_ownership<H>) {
      return nullptr;
    } else {
      return [](const heap_config& c) -> std::unique_ptr<watched_heap> { return std::make_unique<watched_adapter<H>>(c); };
    }
  };
  return {maker(std::type_identity<typename Family::template heap<native, O>>{})...};
}

}  // namespace tally
