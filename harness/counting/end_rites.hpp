// Which types have an end, and what is known of them by number. See ends.hpp.
#pragma once

#include "harness/counting/observer_list.hpp"
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
// Somebody sees in which order objects of T end.
template <class T, class Context>
concept ended_type = finalized_type<T, Context> || observed_type<T> || observing_type<T>;

template <class Context>
struct end_rites {
  using header = typename Context::header;
  using list = observer_list<typename Context::memory, header>;
  void (*end)(Context&, header&) = nullptr;           // its last reference is gone; null: a cascade frees it
  list* (*observers)(void* payload) = nullptr;        // null: it can't be observed
  void (*notify)(Context&, void* payload) = nullptr;  // null: it observes nothing

  template <class T>
  [[nodiscard]] static end_rites of() {
    end_rites rites;
    if constexpr (ended_type<T, Context>) rites.end = [](Context& c, header& h) { c.template end<T>(h); };
    if constexpr (observed_type<T>) {
      rites.observers = [](void* at) -> list* { return &static_cast<T*>(at)->observers(); };
    }
    if constexpr (observing_type<T>) {
      rites.notify = [](Context& c, void* at) { static_cast<T*>(at)->notify(c); };
    }
    return rites;
  }
};

}  // namespace tally
