// What a context that collects cycles knows of a type beside its slots: how its objects end.
#pragma once

#include <cstdint>

#include "harness/cycles/observer_list.hpp"
#include "harness/heap/object.hpp"

namespace tally {

// T has an end of its own: finalize(context&, const ref<T>&).
template <class T, class Context>
concept finalized_type =
    requires(T& object, Context& c, const typename Context::template ref<T>& self) { object.finalize(c, self); };
// T can be observed; T observes.
template <class T>
concept observed_type = requires(T& object) { object.observers().first(); };
template <class T>
concept observing_type = requires(T& object) { object.observation().observer(); };

// Objects of T are looked at by collections, and have a gc_head: those that can hold references, and observers (as CPython's weak
// references with a callback, whose referent finds them in a list).
template <class T>
[[nodiscard, gnu::always_inline]] inline bool collected_type() {
  if constexpr (observing_type<T>) return true;
  return can_hold<T>();
}

template <class Context>
struct type_rites {
  using header = typename Context::header;
  using list = observer_list<typename Context::memory, header>;
  using link = observation_link<typename Context::memory, header>;
  bool container = false;                            // can be part of a cycle: has a gc_head
  void (*find)(Context&, void* payload) = nullptr;   // a reference found in the collection for each that it holds
  void (*hold)(Context&, void* payload) = nullptr;   // what it holds is reached
  void (*clear)(Context&, void* payload) = nullptr;  // its slots are emptied
  void (*end)(Context&, header&) = nullptr;          // its last reference is gone
  void (*finalize)(Context&, header&) = nullptr;     // null: it has no finaliser
  list* (*observers)(void* payload) = nullptr;       // null: it can't be observed
  link* (*observation)(void* payload) = nullptr;     // null: it observes nothing
  void (*notify)(Context&, void* payload) = nullptr;

  template <class T>
  [[nodiscard]] static type_rites of() {
    type_rites rites;
    rites.container = collected_type<T>();
    rites.find = [](Context& c, void* at) { static_cast<T*>(at)->each_slot([&c](auto& slot) { c.find(slot); }); };
    rites.hold = [](Context& c, void* at) { static_cast<T*>(at)->each_slot([&c](auto& slot) { c.hold(slot); }); };
    rites.clear = [](Context& c, void* at) { static_cast<T*>(at)->each_slot([&c](auto& slot) { c.visit_slot(slot); }); };
    rites.end = [](Context& c, header& h) { c.template end<T>(h); };
    if constexpr (finalized_type<T, Context>) {
      rites.finalize = [](Context& c, header& h) {
        static_cast<T*>(behind(&h))->finalize(c, typename Context::template ref<T>{&h});
      };
    }
    if constexpr (observed_type<T>) {
      rites.observers = [](void* at) -> list* { return &static_cast<T*>(at)->observers(); };
    }
    if constexpr (observing_type<T>) {
      rites.observation = [](void* at) -> link* { return &static_cast<T*>(at)->observation(); };
      rites.notify = [](Context& c, void* at) { static_cast<T*>(at)->notify(c); };
    }
    return rites;
  }
};

}  // namespace tally
