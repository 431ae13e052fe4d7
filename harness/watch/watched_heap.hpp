// A heap as an object program sees it: variables that hold references, objects with slots, a collector to steer. Virtual, so that
// what runs programs (object_machine.hpp) is compiled once; watched_adapter.hpp makes any strategy's heap one of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/watch/object_kind.hpp"

namespace tally {

using watched_variable = std::uint32_t;  // a place in object_program::variables

// What the heap can do with a program, and what it can't.
struct watched_facts {
  bool finalizers = false;       // runs them
  bool observers = false;        // weak references have callbacks
  bool weak = false;             // there are weak references
  bool collects = false;         // `collect` does something
  bool steered = false;          // threshold, enable and disable do something
  bool generational = false;     // freeze and unfreeze, too
  bool ends_objects = false;     // knows each that exists
  std::string_view rule;         // of a generational collector: "3.12"
  std::size_t most_objects = 0;  // more could end its stack; 0: any number
};

// What happens inside the heap, as it happens. Names are variables: what an object was made under.
class watched_events {
 public:
  virtual void finalizing(object_kind, watched_variable name) = 0;
  virtual void notified(watched_variable name) = 0;
  virtual void collected(int generation, std::uint64_t unreachable) = 0;
  // Around the callbacks of one object's weak references.
  virtual void telling(std::size_t observers) = 0;
  virtual void told(std::size_t observers) = 0;
  // Around the making of a weak reference: its arguments.
  virtual void call_begins() = 0;
  virtual void call_ends() = 0;

 protected:
  ~watched_events() = default;
};

struct new_object {
  object_kind kind = object_kind::plain;
  std::uint32_t slots = 0;
  watched_variable name = 0;
  watched_variable target = 0;  // of revive: where its finaliser puts it
};

// What a variable holds.
struct seen_object {
  bool there = false;
  object_kind kind = object_kind::plain;
  std::uint32_t slots = 0;
  [[nodiscard]] bool container() const { return there && is_container(kind); }
};

// Who refers to whom, at one moment: every object that the heap knows of. Those of a tracing strategy are what variables reach.
struct object_graph {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  struct object {
    object_kind kind{};
    watched_variable name = 0;
    std::uint64_t number = 0;        // it was the number-th to be made, from 1
    std::vector<std::size_t> slots;  // places in `objects`, or none
    std::size_t observed = none;     // of a weak reference
  };
  std::vector<object> objects;
  std::vector<std::size_t> variables;  // places in `objects`, or none
};

class watched_heap {
 public:
  virtual ~watched_heap() = default;
  [[nodiscard]] virtual watched_facts facts() const = 0;
  // Once, before all else. From now on `events` hears, until this heap ends.
  virtual void begin(std::size_t variables, watched_events& events) = 0;

  // Each is what the statement of that name does; a variable that is assigned lets go what it had after it has the new reference.
  // `of` holds a container that has such a slot.
  virtual void make(watched_variable into, const new_object&) = 0;
  virtual void let(watched_variable into, watched_variable from) = 0;
  virtual void get(watched_variable into, watched_variable of, std::uint32_t slot) = 0;
  virtual void set(watched_variable of, std::uint32_t slot, watched_variable from) = 0;
  virtual void clear(watched_variable of, std::uint32_t slot) = 0;
  virtual void del(watched_variable) = 0;
  virtual void weak(watched_variable into, watched_variable of) = 0;
  virtual void up(watched_variable into, watched_variable of) = 0;
  // Returns how many objects it found to be garbage.
  virtual std::uint64_t collect(int generation) = 0;
  virtual void poll() = 0;

  [[nodiscard]] virtual seen_object look(watched_variable) = 0;
  // References to what the variable holds; nothing where the strategy can't say.
  [[nodiscard]] virtual std::optional<std::uint64_t> owners(watched_variable) = 0;
  // Objects that were made and not yet freed, as far as the strategy knows; and of these the containers (a tracing strategy can't
  // tell them from the others).
  [[nodiscard]] virtual std::uint64_t alive() = 0;
  [[nodiscard]] virtual std::uint64_t made() const = 0;
  [[nodiscard]] std::uint64_t freed() { return made() - alive(); }
  [[nodiscard]] virtual std::uint64_t alive_containers() = 0;
  [[nodiscard]] virtual std::uint64_t held_bytes() = 0;
  [[nodiscard]] virtual object_graph graph() = 0;

  // Of a generational collector; elsewhere they do nothing.
  virtual void set_thresholds(const std::array<std::uint64_t, 3>&) {}
  virtual void enable(bool) {}
  [[nodiscard]] virtual bool enabled() { return false; }
  virtual void freeze() {}
  virtual void unfreeze() {}
  [[nodiscard]] virtual std::uint64_t count(int) { return 0; }
  virtual void add_allocation() {}
  virtual void add_outside(std::uint64_t) {}
  virtual void make_function() {}
  virtual void hold_tuple() {}
  virtual void release_tuple() {}
};

}  // namespace tally
