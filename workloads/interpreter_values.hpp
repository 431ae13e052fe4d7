// The instructions of the model runtime that make values or look them up.
#pragma once

#include "workloads/interpreter_machine.hpp"

namespace tally::workloads {

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::arithmetic(context& c, op what) {
  const object &a = c.get(top_[-2]), &b = c.get(top_[-1]);
  if (a.what == kind::whole && b.what == kind::whole) {
    const std::uint64_t x = a.word.load(), y = b.word.load();  // as words: it may wrap around
    const std::uint64_t sum = what == op::add ? x + y : what == op::subtract ? x - y : x * y;
    replace(c, 2, whole(c, static_cast<std::int64_t>(sum)));
  } else if ((a.what == kind::real || a.what == kind::whole) && (b.what == kind::real || b.what == kind::whole)) {
    const double x = number(a), y = number(b);
    const double sum = what == op::add ? x + y : what == op::subtract ? x - y : x * y;
    replace(c, 2, boxed<H>(c, kind::real, std::bit_cast<std::uint64_t>(sum)));
  } else {
    fail();
  }
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::compare(context& c, op what) {
  const object &a = c.get(top_[-2]), &b = c.get(top_[-1]);
  const bool yes = what == op::equal ? containers::same(a, b) : number(a) < number(b);
  replace(c, 2, c.load(yes ? *world_.yes : *world_.no));
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::attribute(context& c, std::uint32_t at) {
  object& owner = c.get(top_[-1]);
  ref r{};
  if (owner.what == kind::instance) {
    r = c.load(owner.plain_slots()[1 + at]);
  } else if (owner.what == kind::shared_instance && at < owner.racies) {
    r = c.load(owner.racy_slots()[at]);
  } else if (owner.what == kind::module) {
    r = c.load(owner.plain_slots()[at]);
  } else if (owner.what == kind::local && at < own_places) {
    r = c.load(c.get(own_).plain_slots()[at]);
  }
  r ? replace(c, 1, r) : fail();
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::store_attribute(context& c, std::uint32_t at) {
  object& owner = c.get(top_[-1]);
  ref& value = top_[-2];
  own(c, value);
  if (owner.what == kind::instance) {
    c.store(owner.plain_slots()[1 + at], std::exchange(value, ref{}));
  } else if (owner.what == kind::local && at < own_places) {
    set<H>(c, c.get(own_).plain_slots()[at], std::exchange(value, ref{}));
  } else if (owner.what != kind::shared_instance || !containers::store_shared(c, world_.lock, owner, at, value)) {
    return fail();
  }
  discard(c, 2);
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_or_find(context& c, op what, std::uint32_t n) {
  switch (what) {
    case op::tuple: return make_tuple(c, n);
    case op::list: return make_list(c, n);
    case op::dict: return make_dict(c, n);
    case op::cell: return make_cell(c, frame_->base[n]);
    case op::function: return make_function(c, n != 0);
    case op::closed: return find_closed(c, n);
    case op::method: return find_method(c, n);
    case op::list_method: return push_below(c.load(world_.list_methods[n]));
    default: return fail();
  }
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_tuple(context& c, std::uint32_t n) {
  ref made = slotted<H>(c, kind::tuple, 0, n);
  for (std::uint32_t i = n; i > 0; --i) set<H>(c, c.get(made).plain_slots()[i - 1], pop_owned(c));
  push(made);
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_list(context& c, std::uint32_t n) {
  push({});
  containers::make_container(c, kind::list, n, top_[-1]);
  object& made = c.get(top_[-1]);
  ref* const items = top_ - 1 - n;
  for (std::uint32_t i = 0; i < n; ++i) {
    own(c, items[i]);
    containers::append(c, world_.lock, made, items[i]);
  }
  ref result = *--top_;
  replace(c, n, result);
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_dict(context& c, std::uint32_t n) {
  push({});
  containers::make_container(c, kind::dict, std::max<std::uint32_t>(8, 2 * n), top_[-1]);
  object& made = c.get(top_[-1]);
  ref* const pairs = top_ - 1 - 2 * n;
  for (std::uint32_t i = 0; i < 2 * n; ++i) own(c, pairs[i]);
  for (std::uint32_t i = 0; i < n; ++i) containers::insert(c, made, pairs[2 * i], pairs[2 * i + 1]);
  ref result = *--top_;
  replace(c, 2 * n, result);
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_cell(context& c, ref& local) {
  ref made = slotted<H>(c, kind::cell, 0, 1);
  own(c, local);
  set<H>(c, c.get(made).plain_slots()[0], std::exchange(local, ref{}));
  local = made;
}

// What CPython's function objects own besides code and closure is the module's: dictionaries and texts.
template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_function(context& c, bool closes) {
  ref made = slotted<H>(c, kind::function, 0, bytecode::function_slots);
  auto* const slots = c.get(made).plain_slots();
  set<H>(c, slots[bytecode::its_code], pop_owned(c));
  if (closes) set<H>(c, slots[bytecode::its_closure], pop_owned(c));
  push(made);
  set<H>(c, slots[bytecode::its_globals], c.load(*world_.module));
  set<H>(c, slots[bytecode::its_builtins], c.load(*world_.builtins));
  set<H>(c, slots[bytecode::its_name], c.load(*world_.name));
  set<H>(c, slots[bytecode::its_qualified_name], c.load(*world_.name));
  set<H>(c, slots[bytecode::its_doc], c.load(*world_.none));
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::find_method(context& c, std::uint32_t at) {
  object& self = c.get(top_[-1]);
  object* const type =
      self.what == kind::instance || self.what == kind::shared_instance ? c.peek(self.plain_slots()[0]) : nullptr;
  if (type == nullptr || at >= type->slots) return fail();
  ref found = c.load(type->plain_slots()[at]);
  if (!found) return fail();
  push_below(found);
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::find_closed(context& c, std::uint32_t at) {
  object* const cells = c.peek(c.get(frame_->base[-1]).plain_slots()[bytecode::its_closure]);
  object* const cell = cells == nullptr || at >= cells->slots ? nullptr : c.peek(cells->plain_slots()[at]);
  ref found = cell == nullptr ? ref{} : c.load(cell->plain_slots()[0]);
  found ? push(found) : fail();
}

}  // namespace tally::workloads
