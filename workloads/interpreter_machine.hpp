// The evaluation loop of the model runtime: a lane's stack of refs, its frames, and what each instruction does to them.
//
// References are counted where CPython 3.12's specialised instructions count them. A push of a local, a constant or a name is a copy;
// operands are consumed; store drops what the local held; call moves its arguments into the frame and takes a reference to the code;
// give_back drops locals, code and function. A running generator's values are on the stack and moved back at a yield, which counts
// nothing.
//
// With borrowed loads, CPython's since 3.14, the push of a local is none where the compiler has seen that the local outlives the value
// (harness/interpreter/borrowed_loads.hpp). Such a value has a mark, where CPython has a bit of the reference, at which whoever is done
// with it looks; who keeps it makes it a reference of its own first. Arguments become locals as they are.
//
// What is below the stack's top is a ref of the lane's own, borrowed, or null; what an instruction needs is made before its operands are taken.
// So a step can end in the middle (no memory, a damaged object) and drop all that it held. An object of the wrong kind is a damaged one:
// the programs are right, and the unit test runs them all.
#pragma once

#include <array>
#include <deque>
#include <utility>

#include "workloads/interpreter_containers.hpp"

namespace tally::workloads {

// What lanes share, set before they start. Its objects stay until teardown: looking at one needs no ref.
template <class H>
struct interpreter_world {
  using object = interpreter_object<H>;
  using slot = typename object::slot;
  using parcel = typename H::template parcel<object>;
  using queue = typename H::memory::template channel<parcel>;

  const bytecode::code* codes = nullptr;
  slot *small_ints = nullptr, *list_methods = nullptr, *names = nullptr;  // arrays of them
  slot *none = nullptr, *yes = nullptr, *no = nullptr, *module = nullptr, *builtins = nullptr, *name = nullptr, *main = nullptr;
  typename H::memory::mutex lock;  // of the shared container
  std::deque<queue> queues;        // one per lane, from the lane before it; none where the program hands nothing over
  // Items that a lane puts into its own queue before it starts. Where one lane runs at a time it goes on for twice as many, nearly a
  // millisecond: what a change of turns takes is little beside it. A simulated window is shorter than that, and a change of turns
  // costs no sleep.
  static constexpr std::uint32_t on_the_way = requires { H::memory::sleep(std::uint64_t{}); } ? 4096 : 64;
};

template <class H, bool Borrows>
class interpreter_machine {
 public:
  using context = typename H::context;
  using containers = interpreter_containers<H>;
  using object = interpreter_object<H>;
  using world = interpreter_world<H>;
  using ref = typename H::template ref<object>;
  using op = bytecode::op;
  using kind = bytecode::kind;
  using instruction = bytecode::instruction;

  interpreter_machine(context& c, world& w, const lane_env& env) : world_(w), env_(env) {
    own_ = slotted<H>(c, kind::array, 0, own_places);
  }
  void leave(context& c) { c.drop(own_); }

  // Calls main(rounds). Returns how many operations that were; `right` says whether it gave back `expected`.
  std::uint64_t run(context& c, std::int64_t rounds, double expected, bool& right) {
    operations_ = 0;
    failed_ = false;
    while (!world_.queues.empty() && filled_ < world::on_the_way) fill_queue(c);
    push(c.load(*world_.main));
    push(whole(c, rounds));
    call(c, 1);
    if (!failed_) execute(c);
    right = !failed_ && number(c.get(top_[-1])) == expected;
    unwind(c);
    return operations_;
  }
  // Drops all that the stack holds.
  void unwind(context& c) {
    discard(c, static_cast<std::uint32_t>(top_ - stack_.data()));
    for (; frame_ != frames_.data(); --frame_) {
      if (frame_->held) c.drop(frame_->held);
    }
  }
  [[nodiscard]] std::uint64_t waits() const { return waits_; }  // for a queue

 private:
  // Twice what the deepest program needs; a lane is on its thread's stack, which some strategies scan.
  static constexpr std::size_t stack_places = 256, frame_places = 32;
  static constexpr std::uint32_t own_places = 4;                // attributes of a threading.local
  static constexpr std::uint32_t generator_slots = 2;           // its function and its code; its values are behind them
  static constexpr std::uint64_t finished = ~std::uint64_t{0};  // a generator's word; else where it is, and above it its values

  enum class entered : std::uint8_t { called, init, generator };
  struct frame {
    const instruction *next = nullptr, *start = nullptr;
    ref* base = nullptr;     // its locals; below them what was called
    object* code = nullptr;  // whose slots are the constants
    ref held{};              // the same; of a generator, which has it: null
    entered how = entered::called;
  };

  // A reference beside the stack, for as long as something else is done that may end the step.
  struct held_ref {
    context& c;
    ref value;
    ~held_ref() {
      if (value) c.drop(value);
    }
  };

  void push(ref r) { *top_++ = r; }
  void pop(context& c) { release(c, *--top_); }
  // Marks of places above the top are not set.
  bool& mark_of(ref& place) { return borrowed_[static_cast<std::size_t>(&place - stack_.data())]; }
  void mark([[maybe_unused]] ref& place, [[maybe_unused]] bool borrowed) {
    if constexpr (Borrows) mark_of(place) = borrowed;
  }
  // Takes the mark away; whether there was one.
  bool unmark([[maybe_unused]] ref& place) {
    if constexpr (Borrows) {
      bool& mark = mark_of(place);
      if (!mark) return false;
      mark = false;
      return true;
    }
    return false;
  }
  void own(context& c, ref& place) {
    if (unmark(place)) place = c.copy(place);
  }
  void release(context& c, ref& place) {
    if (!unmark(place)) c.drop(place);
  }
  // The value on top, as a reference of the caller's own.
  ref pop_owned(context& c) {
    own(c, top_[-1]);
    return *--top_;
  }
  // A value below the one on top.
  void push_below(ref r) {
    const bool borrowed = unmark(top_[-1]);
    push(std::exchange(top_[-1], r));
    mark(top_[-1], borrowed);
  }
  void move_up(ref* place, std::ptrdiff_t by) {
    const bool borrowed = unmark(*place);
    place[by] = *place;
    mark(place[by], borrowed);
  }
  void store(context& c, ref& local) {
    const ref value = pop_owned(c);
    const bool borrowed = unmark(local);
    if (ref old = std::exchange(local, value); old && !borrowed) c.drop(old);
  }
  void fail() { failed_ = true; }
  // Of values that may have been kept by somebody, and are null then.
  [[gnu::noinline]] void discard(context& c, std::uint32_t n) {
    for (; n > 0; --n) {
      ref& place = *--top_;
      if (!unmark(place) && place) c.drop(place);
    }
  }
  // The result in the place of its n operands.
  void replace(context& c, std::uint32_t n, ref result) {
    discard(c, n);
    push(result);
  }

  ref whole(context& c, std::int64_t v) {
    if (v >= bytecode::least_small && v <= bytecode::most_small) return c.load(world_.small_ints[v - bytecode::least_small]);
    return boxed<H>(c, kind::whole, static_cast<std::uint64_t>(v));
  }
  static double number(const object& o) {
    return o.what == kind::whole ? static_cast<double>(o.whole()) : o.what == kind::real ? o.real() : -1;
  }

  // Until the first frame gives back.
  void execute(context& c);

  // interpreter_values.hpp
  [[gnu::noinline]] void arithmetic(context& c, op what);
  [[gnu::noinline]] void compare(context& c, op what);
  [[gnu::noinline]] void attribute(context& c, std::uint32_t at);
  [[gnu::noinline]] void store_attribute(context& c, std::uint32_t at);
  [[gnu::noinline]] void make_or_find(context& c, op what, std::uint32_t n);
  void make_tuple(context& c, std::uint32_t n);
  void make_list(context& c, std::uint32_t n);
  void make_dict(context& c, std::uint32_t n);
  void make_cell(context& c, ref& local);
  void make_function(context& c, bool closes);
  void find_method(context& c, std::uint32_t at);
  void find_closed(context& c, std::uint32_t at);

  // interpreter_calls.hpp: these change the frame.
  [[gnu::noinline]] void call(context& c, std::uint32_t n);
  [[gnu::noinline]] void give_back(context& c);
  [[gnu::noinline]] void yield(context& c);
  [[gnu::noinline]] bool iterate(context& c);  // false: nothing is left
  void enter(context& c, object& function, std::uint32_t n, entered how);
  void make_instance(context& c, object& type, std::uint32_t n);
  void make_generator(context& c, object& function, std::uint32_t n);
  void resume_generator(context& c, object& generator);
  void call_native(context& c, bytecode::native_function f, std::uint32_t n);
  auto& own_queue() { return world_.queues[static_cast<std::size_t>(env_.index)]; }
  void fill_queue(context& c);
  void put(context& c, ref& item);
  ref get(context& c);
  void deep_copy(context& c, const ref& from);
  [[nodiscard]] const bytecode::code& code_of(const object& o) const { return world_.codes[o.word.load()]; }
  [[nodiscard]] bool has_room(std::size_t n) const {
    return top_ + n < stack_.data() + stack_places && frame_ + 1 < frames_.data() + frame_places;
  }

  world& world_;
  lane_env env_;
  std::uint32_t filled_ = 0;
  std::array<ref, stack_places> stack_{};
  std::array<bool, Borrows ? stack_places : 0> borrowed_{};
  std::array<frame, frame_places> frames_{};
  ref* top_ = stack_.data();
  frame* frame_ = frames_.data();  // the first is nobody's
  ref own_{};
  bool failed_ = false;
  std::uint64_t operations_ = 0, waits_ = 0;
};

template <class H, bool Borrows>
void interpreter_machine<H, Borrows>::execute(context& c) {
  const instruction* at = nullptr;
  ref* base = nullptr;
  const auto reload = [&] {
    at = frame_->next;
    base = frame_->base;
  };
  const auto load = [&](auto& place) {
    push(c.load(place));
    if (!top_[-1]) [[unlikely]]
      fail();
  };
  for (reload(); !failed_;) {
    const instruction now = *at++;
    const auto n = static_cast<std::uint32_t>(now.argument);
    switch (now.what) {
      case op::fast: push(c.copy(base[n])); break;
      case op::borrow:
        push(base[n]);
        mark(top_[-1], true);
        break;
      case op::store: store(c, base[n]); break;
      case op::constant: load(frame_->code->plain_slots()[n]); break;
      case op::global: load(world_.names[n]); break;
      case op::pop: pop(c); break;
      case op::add:
      case op::subtract:
      case op::multiply: arithmetic(c, now.what); break;
      case op::equal:
      case op::less: compare(c, now.what); break;
      case op::jump: at = frame_->start + n; break;
      case op::jump_if_false:
        if (c.get(top_[-1]).word.load() == 0) at = frame_->start + n;
        pop(c);
        break;
      case op::again: at = frame_->start + n; [[fallthrough]];
      case op::resume:
        ++operations_;
        c.poll();
        break;
      case op::item: {
        ref r = containers::item(c, c.get(top_[-2]), c.get(top_[-1]));
        r ? replace(c, 2, r) : fail();
        break;
      }
      case op::store_item:
        if (c.get(top_[-2]).what == kind::dict) own(c, top_[-1]);  // a key that may be new
        own(c, top_[-3]);
        containers::store_item(c, world_.lock, c.get(top_[-2]), top_[-1], top_[-3]) ? discard(c, 3) : fail();
        break;
      case op::attribute: attribute(c, n); break;
      case op::store_attribute: store_attribute(c, n); break;
      case op::call:
        frame_->next = at;
        call(c, n);
        reload();
        break;
      case op::give_back:
        give_back(c);
        if (frame_ == frames_.data()) return;
        reload();
        break;
      case op::yield:
        frame_->next = at;
        yield(c);
        reload();
        break;
      case op::iterate:
        frame_->next = at;
        if (iterate(c)) {
          reload();
        } else {
          at = frame_->start + n;
        }
        break;
      default: make_or_find(c, now.what, n);
    }
  }
}

}  // namespace tally::workloads
