// What a context that collects cycles knows of a type beside its slots: whether its objects are looked at.
#pragma once

#include <cstdint>

#include "harness/counting/end_rites.hpp"
#include "harness/heap/object.hpp"

namespace tally {

// Objects of T are looked at by collections, and have a gc_head: those that can hold references, and observers (as CPython's weak
// references with a callback, whose referent finds them in a list).
template <class T>
[[nodiscard, gnu::always_inline]] inline bool collected_type() {
  if constexpr (observing_type<T>) return true;
  return can_hold<T>();
}

template <class Context>
struct type_rites : end_rites<Context> {
  using header = typename Context::header;
  using link = observation_link<typename Context::memory, header>;
  bool container = false;                            // can be part of a cycle: has a gc_head
  void (*find)(Context&, void* payload) = nullptr;   // a reference found in the collection for each that it holds
  void (*hold)(Context&, void* payload) = nullptr;   // what it holds is reached
  void (*visit)(Context&, void* payload) = nullptr;  // the collector sees what it holds
  void (*clear)(Context&, void* payload) = nullptr;  // its slots are emptied
  bool (*let_go)(Context&, header&) = nullptr;       // one reference fewer; true: it was the last
  void (*finalize)(Context&, header&) = nullptr;     // null: it has no finaliser
  link* (*observation)(void* payload) = nullptr;     // null: it observes nothing

  template <class T>
  [[nodiscard]] static type_rites of() {
    type_rites rites{end_rites<Context>::template of<T>()};
    rites.container = collected_type<T>();
    rites.find = [](Context& c, void* at) { each_held<T>(c, at, [&c](auto& head) { c.found(head); }); };
    rites.hold = [](Context& c, void* at) { each_held<T>(c, at, [&c](auto& head) { c.hold(head); }); };
    if constexpr (!Context::collector::in_stops && !Context::collector::by_candidates) {
      rites.visit = [](Context& c, void* at) { each_held<T>(c, at, [&c](auto& head) { c.reached(head); }); };
    }
    rites.clear = [](Context& c, void* at) { static_cast<T*>(at)->each_slot([&c](auto& slot) { c.visit_slot(slot); }); };
    rites.let_go = [](Context& c, header& h) { return c.template let_go<T>(h); };
    rites.end = [](Context& c, header& h) { c.template end<T>(h); };  // of every type
    if constexpr (finalized_type<T, Context>) {
      rites.finalize = [](Context& c, header& h) {
        static_cast<T*>(behind(&h))->finalize(c, typename Context::template ref<T>{&h});
      };
    }
    if constexpr (observing_type<T>) {
      rites.observation = [](void* at) -> link* { return &static_cast<T*>(at)->observation(); };
    }
    return rites;
  }

 private:
  template <class T, class F>
  static void each_held(Context& c, void* at, F&& f) {
    static_cast<T*>(at)->each_slot([&](auto& slot) {
      if (auto* head = c.held(slot); head != nullptr) f(*head);
    });
  }
};

}  // namespace tally
