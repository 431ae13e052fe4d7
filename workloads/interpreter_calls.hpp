// The instructions of the model runtime that enter and leave frames, and the functions that are not bytecode.
#pragma once

#include <cmath>

#include "workloads/interpreter_machine.hpp"

namespace tally::workloads {

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::call(context& c, std::uint32_t n) {
  object& callee = c.get(top_[-1 - static_cast<std::ptrdiff_t>(n)]);
  switch (callee.what) {
    case kind::function: {
      const object* code = c.peek(callee.plain_slots()[bytecode::its_code]);
      if (code != nullptr && code->what == kind::code && code_of(*code).generates) return make_generator(c, callee, n);
      return enter(c, callee, n, entered::called);
    }
    case kind::type: return make_instance(c, callee, n);
    case kind::builtin: return call_native(c, static_cast<bytecode::native_function>(callee.word.load()), n);
    default: return fail();
  }
}

// The n values on top are the arguments, and become locals; below them is the function.
template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::enter(context& c, object& function, std::uint32_t n, entered how) {
  auto& place = function.plain_slots()[bytecode::its_code];
  object* const code = c.peek(place);
  if (code == nullptr || code->what != kind::code) return fail();
  const bytecode::code& body = code_of(*code);
  if (body.arguments != n || !has_room(body.locals + body.most)) return fail();
  ref* const base = top_ - n;
  while (top_ < base + body.locals) push({});
  *++frame_ = {body.body.data(), body.body.data(), base, code, c.load(place), how};
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::give_back(context& c) {
  ref result = pop_owned(c);
  discard(c, static_cast<std::uint32_t>(top_ - frame_->base));
  if (ref code = std::exchange(frame_->held, ref{})) c.drop(code);
  switch ((frame_--)->how) {
    case entered::called: return replace(c, 1, result);
    case entered::init:  // below __init__ is the instance
      c.drop(result);
      return pop(c);
    case entered::generator:  // its iterate sees that nothing is left
      c.drop(result);
      c.get(top_[-1]).word.store(finished);
      --frame_->next;
  }
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_instance(context& c, object& type, std::uint32_t n) {
  const auto attributes = static_cast<std::uint32_t>(type.word.load());
  ref made = slotted<H>(c, kind::instance, 0, 1 + attributes);
  ref* const place = top_ - 1 - n;
  own(c, *place);
  set<H>(c, c.get(made).plain_slots()[0], c.copy(*place));
  const bool has_init = c.peek(type.plain_slots()[0]) != nullptr;
  if (!has_init || !has_room(2)) {
    if (n == 0 && !has_init) return replace(c, 1, made);
    push(made);
    return fail();
  }
  ref init = c.load(type.plain_slots()[0]), old = std::exchange(*place, made);
  for (ref* at = top_ - 1; at != place; --at) move_up(at, 2);
  place[1] = init;
  place[2] = c.copy(made);
  top_ += 2;
  c.drop(old);  // the caller's reference to the type
  enter(c, c.get(init), n + 1, entered::init);
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::make_generator(context& c, object& function, std::uint32_t n) {
  auto& code = function.plain_slots()[bytecode::its_code];
  const bytecode::code& body = code_of(*c.peek(code));
  if (body.arguments != n) return fail();
  const std::uint32_t places = generator_slots + body.locals + body.most;
  ref made = slotted<H>(c, kind::generator, std::uint64_t{body.locals} << 32, places);
  auto* const slots = c.get(made).plain_slots();
  set<H>(c, slots[1], c.load(code));
  for (std::uint32_t i = n; i > 0; --i) set<H>(c, slots[generator_slots + i - 1], pop_owned(c));
  set<H>(c, slots[0], pop_owned(c));
  push(made);
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::resume_generator(context& c, object& generator) {
  object* const code = c.peek(generator.plain_slots()[1]);
  if (code == nullptr || code->what != kind::code) return fail();
  const bytecode::code& body = code_of(*code);
  const std::uint64_t word = generator.word.load(), values = word >> 32, next = word & 0xffffffff;
  if (!has_room(body.locals + body.most)) return fail();
  ref* const base = top_;
  for (std::uint64_t i = 0; i < values; ++i) push(c.take(generator.plain_slots()[generator_slots + i]));
  if (next != 0) push(c.load(*world_.none));  // what a yield gives to the generator
  *++frame_ = {body.body.data() + next, body.body.data(), base, code, ref{}, entered::generator};
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::yield(context& c) {
  ref* const base = frame_->base;
  object& generator = c.get(base[-1]);
  const auto values = static_cast<std::size_t>(top_ - 1 - base);
  for (std::size_t i = 0; i < values; ++i) {
    own(c, base[i]);
    set<H>(c, generator.plain_slots()[generator_slots + i], std::exchange(base[i], ref{}));
  }
  generator.word.store(std::uint64_t{values} << 32 | static_cast<std::uint64_t>(frame_->next - frame_->start));
  ref value = pop_owned(c);
  top_ = base;
  push(value);
  --frame_;
}

template <class H, bool Borrows>
bool interpreter_machine<H, Borrows>::iterate(context& c) {
  object& from = c.get(top_[-1]);
  const std::uint64_t word = from.word.load();
  if (from.what == kind::range && (word & 0xffffffff) != word >> 32) {
    push(whole(c, static_cast<std::int64_t>(word & 0xffffffff)));
    from.word.store(word + 1);
    return true;
  }
  if (from.what == kind::generator && word != finished) {
    resume_generator(c, from);
    return true;
  }
  if (from.what != kind::range && from.what != kind::generator) fail();
  pop(c);
  return false;
}

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::call_native(context& c, bytecode::native_function f, std::uint32_t n) {
  using bytecode::native_function;
  const std::uint32_t wanted = f == native_function::get ? 0 : f == native_function::append ? 2 : 1;
  if (n != wanted) return fail();
  ref& last = top_[-1];
  if (f == native_function::append || f == native_function::put) own(c, last);
  const object& o = c.get(last);
  ref r{};
  switch (f) {
    case native_function::range:
      if (o.what == kind::whole) r = boxed<H>(c, kind::range, o.word.load() << 32);
      break;
    case native_function::floor:
      if (o.what == kind::whole) r = c.copy(last);
      if (o.what == kind::real) r = whole(c, static_cast<std::int64_t>(std::floor(o.real())));
      break;
    case native_function::append:
      if (containers::append(c, world_.lock, c.get(top_[-2]), last)) r = c.load(*world_.none);
      break;
    case native_function::pop_first:
    case native_function::pop_last: r = containers::pop(c, world_.lock, c.get(last), f == native_function::pop_first); break;
    case native_function::put:
      put(c, last);
      r = c.load(*world_.none);
      break;
    case native_function::get: r = get(c); break;
    case native_function::deepcopy:
      deep_copy(c, last);
      if (failed_) return;
      r = *--top_;
      break;
  }
  r ? replace(c, n + 1, r) : fail();
}

// One of the items that are on the way before a lane starts.
template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::fill_queue(context& c) {
  push(whole(c, bytecode::first_shared + filled_));
  push(c.copy(top_[-1]));
  make_tuple(c, 2);
  const typename world::parcel sent = c.pack(*--top_);
  ++filled_;
  if (!own_queue().try_push(sent)) c.drop(c.unpack(sent));
}

// To the next lane. Waits while its queue is full, as get() does while the lane's own is empty; who waits lets go of a lock and holds up
// no collector. Neither lasts: there are fewer items than places, and each lane puts one before it gets one.
template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::put(context& c, ref& item) {
  const typename world::parcel sent = c.pack(std::exchange(item, ref{}));
  auto& queue = world_.queues[(static_cast<std::size_t>(env_.index) + 1) % world_.queues.size()];
  bool done = queue.try_push(sent);
  if (!done) {
    ++waits_;
    c.blocked([&] { H::memory::wait_until([&] { return (done = queue.try_push(sent)) || env_.stopping(); }); });
  }
  if (!done) item = c.unpack(sent);
}

// A pair, whose halves are equal; or None at the end of a run.
template <class H, bool Borrows>
typename interpreter_machine<H, Borrows>::ref interpreter_machine<H, Borrows>::get(context& c) {
  auto& queue = own_queue();
  typename world::parcel received{};
  bool got = queue.try_pop(received);
  if (!got) {
    ++waits_;
    c.blocked([&] { H::memory::wait_until([&] { return (got = queue.try_pop(received)) || env_.stopping(); }); });
  }
  if (!got) return c.load(*world_.none);
  ref item = c.unpack(received);
  object& pair = c.get(item);
  const object *one = pair.slots == 2 ? c.peek(pair.plain_slots()[0]) : nullptr,
               *other = pair.slots == 2 ? c.peek(pair.plain_slots()[1]) : nullptr;
  if (one == nullptr || other == nullptr || one->what != kind::whole || !containers::same(*one, *other)) fail();
  return item;
}

// Pushes the copy. What can't change is its own; CPython's table of what has been copied is left out.
template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::deep_copy(context& c, const ref& from) {
  if (!has_room(4)) return fail();
  object& o = c.get(from);
  if (o.what != kind::list && o.what != kind::dict) return push(c.copy(from));
  const std::uint32_t step = o.what == kind::dict ? 2 : 1;
  push({});
  ref& made = top_[-1];
  object* const items = containers::array(c, o);
  containers::make_container(c, o.what, items == nullptr ? 0 : items->slots / step, made);
  for (std::uint32_t i = 0; items != nullptr && i < items->slots; i += step) {
    if (c.peek(items->plain_slots()[i]) == nullptr) continue;
    for (std::uint32_t part = 0; part < step; ++part) {
      const held_ref one{c, c.load(items->plain_slots()[i + part])};
      if (!one.value) return fail();
      deep_copy(c, one.value);
      if (failed_) return;
    }
    if (step == 2) {
      containers::insert(c, c.get(made), top_[-2], top_[-1]);
    } else {
      containers::append(c, world_.lock, c.get(made), top_[-1]);
    }
    discard(c, step);
  }
}

}  // namespace tally::workloads
