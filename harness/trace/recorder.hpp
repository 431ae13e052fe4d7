// Writes recordings (workloads/traces/FORMAT.md) from any C++ program: this header and recorder_parts.hpp beside it, nothing but
// the standard library and POSIX.
//
//   tally::recorder record("my_program", "what it does");
//   record.birth(p, bytes);           // a new object with one reference, at address p
//   record.increment(p);              // before the count changes
//   record.decrement(p);              // the recorder knows which one is the last: then the address is free for a new birth
//   record.immortal_increment(p), record.immortal_decrement(p);
//   record.birth(p, bytes, false, 2), record.store(p, 0, q);   // with slots: see below
//   record.write("my_program.rct.zst");
//
// Calls may come from any thread; the recorder's lock gives them their total order, so call it where the program's own order is
// decided (under its lock, or next to its atomic). An address that was never born is an object from before the recording; it
// gets as many references as it needs to stay alive, unless `existing` says how many it has. A decrement of a count that came
// from nowhere would break the balance that readers check; here it only says that the object had one more from before.
//
// An address whose object has died may be counted without a new birth: a second release, or a new object whose birth was not
// recorded. The recorder can't tell, and a throw would end programs that count in destructors. So an object from before appears
// there, one of repairs(), which the header keeps and `tally trace info` prints: a mistake where all births are recorded.
//
// Slots make a recording of what refers to what (version 2), which heaps that trace can replay. Counts are recorded as without
// them; store() says besides that a reference to q, taken before, is in slot 0 of p now. What was there is whoever's overwrote it,
// who records its decrement. When an object dies its slots are emptied, and the decrements that its destructor makes follow: the
// recording has none of them, since the heap that replays it makes its own. So a reference that a dying object gives to somebody
// else must leave its slot first: store(p, 0, nullptr). Objects from before have no slots, and immortal ones are in none: storing
// one empties the slot.
//
// Memory is by object: 40 to 90 bytes for each that is alive, 4 or fewer for addresses that have died, some 100 more
// for one that has slots or is in one. The events, some three
// bytes each, go to a file without a name in TMPDIR (otherwise /tmp); write() puts the header before them. A process that ends
// without write() leaves nothing; after a fork only the parent can go on. What is written is one zstd frame of stored blocks,
// which every zstd reader takes; `zstd -d FILE -c | zstd -19` makes it small. Names and description are UTF-8.
//
// Throws std::runtime_error where a file can't be written, the calls contradict each other (a birth at an address that is
// alive) or a recording can't hold them (recording_limits). A call that throws has recorded nothing; others may follow.
#pragma once

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/trace/recorder_parts.hpp"

namespace tally {

class recorder : recorder_parts {
 public:
  explicit recorder(const std::string& program, const std::string& description = "", const std::string& runtime = "C++")
      : text_("\"program\":" + quoted(program) + ",\"description\":" + quoted(description) + ",\"runtime\":" + quoted(runtime)) {
    if (text_.size() > most_text) exceeded(most_text, "bytes of program, description and runtime");
  }

  // `bytes`: the object's size, header and slots included; recorded in units of 16. `tracked`: the program's cycle collector visits
  // it. `slots`: how many store() may fill, for the whole of its life.
  void birth(const void* at, std::size_t bytes, bool tracked = false, std::size_t slots = 0) {
    const std::lock_guard hold(lock_);
    make_room();
    if (slots > limits::slots - slots_) exceeded(limits::slots, "slots in a recording");
    if (bytes > limits::object_bytes) exceeded(limits::object_bytes, "bytes in an object");
    if (alive_.find(key_of(at)) != nullptr) refuse("a birth at the address of a living object");
    graph_.erase(key_of(at));  // of a call that threw
    if (slots != 0) node_of(at).slots.resize(slots);
    object& o = introduce(at, false);
    o.size = static_cast<std::uint32_t>((bytes + 15) / 16 * 2 + (tracked ? 1 : 0));
    append(born, o, false, slots != 0);
    varint(spool_.buffer, o.size);
    if (slots != 0) varint(spool_.buffer, slots), slots_ += slots;
    most_live_ = std::max(most_live_, ++live_);
    most_bytes_ = std::max(most_bytes_, bytes_ += size_of(o));
  }
  // An object from before the recording, with its references (0: immortal). Optional, and before its first event.
  void existing(const void* at, std::uint64_t references) {
    const std::lock_guard hold(lock_);
    make_room();
    if (references > limits::first_references) exceeded(limits::first_references, "references of an object from before");
    if (alive_.find(key_of(at)) != nullptr) refuse("an object appears twice");
    appear(at, static_cast<std::uint32_t>(references)).counted = true;
  }
  // `stack`: the reference is one that the program keeps on its stack only, which deferral need not count.
  void increment(const void* at, bool stack = false) {
    const std::lock_guard hold(lock_);
    check_not_dying(find_node(at));
    object& o = known(at, false);
    ++o.references;
    count(taken, o, stack);
  }
  void decrement(const void* at, bool stack = false) {
    const std::lock_guard hold(lock_);
    slot_node* const node = find_node(at);
    if (node != nullptr && node->promised != 0) {  // by the death of an object that had it in a slot
      make_room();
      --node->promised;
      if (--alive_.find(key_of(at))->references == 0) forget(at);
      return;
    }
    const std::uint32_t held = node == nullptr ? 0 : node->held;
    if (const object* const o = alive_.find(key_of(at)); o != nullptr && held != 0 && o->references == held && !o->lasts()) {
      refuse("a decrement of a reference that a slot has; what leaves a slot is stored over first");
    }
    object& o = known(at, false);
    if (o.lasts() && o.references <= std::max(held, 1U)) {
      ++appearances_[o.size].references;  // it had one more before the recording
    } else if (--o.references == 0) {
      count(last_dropped, o, stack);
      die(key_of(at));
      forget(at);
      return;
    }
    count(dropped, o, stack);
  }
  // Slot `slot` of the object at `at` has one of the references to `to` now that were taken before; null: none.
  void store(const void* at, std::size_t slot, const void* to) {
    const std::lock_guard hold(lock_);
    make_room();
    slot_node* const from = find_node(at);
    if (to == nullptr && (alive_.find(key_of(at)) == nullptr || (from != nullptr && from->dead))) return;  // a destructor's
    if (alive_.find(key_of(at)) == nullptr || from == nullptr || slot >= from->slots.size()) {
      refuse("a store into a slot that the object's birth did not say");
    }
    check_not_dying(from);
    object* target = to == nullptr ? nullptr : alive_.find(key_of(to));
    if (target != nullptr && target->immortal) to = nullptr;
    slot_node* const into = to == nullptr ? nullptr : &node_of(to);
    check_not_dying(into);
    const auto spent = [&] { return target->references == into->held + into->promised; };
    if (to != nullptr && target != nullptr && spent() && !target->lasts()) refuse("a store of a reference that was not taken");
    thread_ = thread_number();
    if (to != nullptr && target == nullptr) target = &appear(to, 1);
    if (to != nullptr && spent()) own_one_more(*target);
    object& o = meet(*alive_.find(key_of(at)));
    append(slot_written, o, false);
    varint(spool_.buffer, slot);
    varint(spool_.buffer, to == nullptr ? 0 : zigzag(meet(*target).number, o.number) + 1);
    if (const std::uint64_t old = std::exchange(from->slots[slot], to == nullptr ? 0 : key_of(to)); old != 0) --graph_[old].held;
    if (into != nullptr) ++into->held;
  }
  void immortal_increment(const void* at, bool stack = false) { immortal(immortal_taken, at, stack); }
  void immortal_decrement(const void* at, bool stack = false) { immortal(immortal_dropped, at, stack); }

  // Objects that appeared at an address whose object had died.
  [[nodiscard]] std::uint64_t repairs() const { return repairs_; }

  // What was recorded so far. Calls may follow, and another write().
  void write(const std::string& path) const {
    const std::lock_guard hold(lock_);
    spool_.check_process();
    std::string references;
    for (const appearance& a : appearances_) varint(references, a.references);
    const std::string h = header();
    frame to(path, 12 + h.size() + spool_.end() + references.size());
    to.add("RCTRACE" + std::to_string(version()) + little_endian(h.size(), 4) + h);
    std::uint64_t done = 0;
    for (const appearance& a : appearances_) {
      spool_.copy(done, a.offset, to);
      references.clear();
      varint(references, a.references);
      to.add(references);
      done = a.offset;
    }
    spool_.copy(done, spool_.end(), to);
  }

 private:
  using limits = recording_limits;
  enum kind : std::uint8_t {
    taken,
    dropped,
    immortal_taken,
    immortal_dropped,
    last_dropped,
    born,
    thread_switch,
    appeared,
    slot_written
  };
  struct object {
    std::uint32_t number = 0;
    std::uint32_t size = 0;        // as in the file; of an object from before: its index in appearances_
    std::uint32_t references = 1;  // below 2^30: at most first_references and one per event
    std::uint32_t operations = 0;
    std::uint16_t thread = 0;  // of its first event
    bool existing = false, immortal = false, shared = false;
    bool counted = false;  // by existing()
    [[nodiscard]] bool lasts() const { return existing && !counted; }
  };
  // Of an object that has slots or is in one. `promised`: decrements that the death of those that had it in a slot will bring;
  // dead: in the recording, where they are not waited for.
  struct slot_node {
    std::vector<std::uint64_t> slots;  // keys; 0: none
    std::uint32_t held = 0, promised = 0;
    bool dead = false;
  };
  // References of an object from before, and where among the events write() is to put them: they are not known earlier.
  struct appearance {
    std::uint64_t offset;
    std::uint32_t references;
  };

  static std::uint64_t address(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }
  static std::uint64_t key_of(const void* at) { return address(at) + 1; }
  // An address whose object has died has a bit. A page has those of 4 KiB that agree in their last three bits.
  using page = std::bitset<512>;
  static std::uint64_t page_of(const void* at) { return (address(at) >> 12 << 3 | (address(at) & 7)) + 1; }
  static std::size_t bit_of(const void* at) { return address(at) >> 3 & 511; }

  // Whatever a call may need of memory and disk is had here, before it changes anything.
  void make_room() {
    if (events_ + 3 > limits::events) exceeded(limits::events, "events in a recording; begin another");
    spool_.make_room();
    alive_.make_room();
    dead_.make_room();
    if (appearances_.size() == appearances_.capacity()) appearances_.reserve(2 * appearances_.size() + 16);
  }
  object& introduce(const void* at, bool existing) {
    thread_ = thread_number();
    object& o =
        alive_.insert(key_of(at)) = {.number = objects_++, .thread = static_cast<std::uint16_t>(thread_), .existing = existing};
    if (page* const p = dead_.find(page_of(at)); p != nullptr && p->test(bit_of(at))) {
      p->reset(bit_of(at));
      repairs_ += existing ? 1 : 0;
    }
    return o;
  }
  object& appear(const void* at, std::uint32_t references) {
    object& o = introduce(at, true);
    o.immortal = references == 0, o.references = references, o.size = static_cast<std::uint32_t>(appearances_.size());
    append(appeared, o, false);
    appearances_.push_back({spool_.end(), references});
    return o;
  }
  object& known(const void* at, bool immortal) {
    make_room();
    object* const found = alive_.find(key_of(at));
    if (found == nullptr) return appear(at, immortal ? 0 : 1);
    if (found->immortal != immortal) refuse("an object is immortal or it is not");
    thread_ = thread_number();
    return *found;
  }
  slot_node* find_node(const void* at) {
    if (graph_.empty()) return nullptr;
    const auto found = graph_.find(key_of(at));
    return found == graph_.end() ? nullptr : &found->second;
  }
  slot_node& node_of(const void* at) {
    slot_node& n = graph_[key_of(at)];
    if (dying_.capacity() <= graph_.size()) dying_.reserve(2 * graph_.size() + 16);  // a death must not need memory
    return n;
  }
  static void check_not_dying(const slot_node* n) {
    if (n != nullptr && n->dead) {
      refuse("an object is used after the death of the one whose slot had its last reference; storing null there comes before");
    }
  }
  void own_one_more(object& o) { ++o.references, ++appearances_[o.size].references; }
  // In the recording all die at once whose last references were in slots of the dead; here, their decrements are yet to come.
  void die(std::uint64_t key) {
    for (dying_.push_back(key); !dying_.empty();) {
      const std::uint64_t dead = dying_.back();
      dying_.pop_back();
      const object& of = *alive_.find(dead);
      ++died_;
      if (!of.existing) --live_, bytes_ -= size_of(of);
      const auto found = graph_.find(dead);
      if (found == graph_.end()) continue;
      found->second.dead = true;
      for (const std::uint64_t in_slot : std::exchange(found->second.slots, {})) {
        if (in_slot == 0) continue;
        slot_node& n = graph_[in_slot];
        object& o = *alive_.find(in_slot);
        --n.held, ++n.promised;
        if (o.references != n.promised || n.dead) continue;
        if (o.lasts()) {
          own_one_more(o);
        } else {
          dying_.push_back(in_slot);
        }
      }
    }
  }
  void forget(const void* at) {
    dead_.insert(page_of(at)).set(bit_of(at));
    alive_.erase(key_of(at));
    graph_.erase(key_of(at));
  }
  void immortal(kind what, const void* at, bool stack) {
    const std::lock_guard hold(lock_);
    count(what, known(at, true), stack);
  }
  // Threads are numbered as they appear; an id that is used again is the same thread. Nothing else of a call may fail after it: a
  // thread that has a number must have an event.
  std::uint32_t thread_number() {
    static thread_local std::pair<std::uint64_t, std::uint32_t> last;  // the recorder that asked, and the answer
    if (last.first == identity_) return last.second;
    const auto id = std::this_thread::get_id();
    if (threads_.size() == limits::threads && !threads_.contains(id)) exceeded(limits::threads, "threads in a recording");
    last = {identity_, threads_.try_emplace(id, static_cast<std::uint32_t>(threads_.size())).first->second};
    return last.second;
  }

  static std::uint64_t zigzag(std::uint32_t number, std::uint32_t from) {
    const std::int64_t step = std::int64_t{number} - std::int64_t{from};
    return (static_cast<std::uint64_t>(step) << 1) ^ static_cast<std::uint64_t>(step >> 63);
  }
  void append(kind what, const object& o, bool stack, bool has_slots = false) {
    if (thread_ != written_thread_) {
      spool_.buffer += static_cast<char>(thread_switch);
      varint(spool_.buffer, written_thread_ = thread_);
      ++kinds_[thread_switch], ++events_;
    }
    spool_.buffer += static_cast<char>(what == slot_written ? 16 : what | (stack ? 8 : 0) | (has_slots ? 16 : 0));
    varint(spool_.buffer, zigzag(o.number, std::exchange(previous_, o.number)));
    ++kinds_[what], ++events_;
  }
  object& meet(object& o) {
    if (!o.shared && thread_ != o.thread) {
      o.shared = true;
      ++shared_;
      on_shared_ += o.operations;
    }
    return o;
  }
  void count(kind what, object& o, bool stack) {
    meet(o);
    ++o.operations, on_shared_ += o.shared ? 1 : 0, on_stack_ += stack ? 1 : 0, by_first_ += thread_ == 0 ? 1 : 0;
    append(what, o, stack);
  }
  static std::uint64_t size_of(const object& o) { return std::uint64_t{o.size >> 1} * 16; }

  [[nodiscard]] int version() const { return slots_ == 0 ? 1 : 2; }  // what is written without slots is what it always was
  [[nodiscard]] std::string header() const {
    std::string h = "{\"format\":" + std::to_string(version()) + "," + text_;
    const auto number = [&](const char* key, std::uint64_t n) { h += ",\"" + std::string(key) + "\":" + std::to_string(n); };
    const auto immortals = static_cast<std::uint64_t>(std::ranges::count(appearances_, 0U, &appearance::references));
    const std::uint64_t counted = events_ - kinds_[born] - kinds_[thread_switch] - kinds_[appeared] - kinds_[slot_written];
    const auto share = [&](const char* key, std::uint64_t n) {  // not by printf, whose point may be a comma
      const std::string digits = std::to_string(10000 + (counted == 0 ? 0 : (n * 10000 + counted / 2) / counted));
      h += ",\"" + std::string(key) + "\":" + static_cast<char>(digits[0] - 1) + "." + digits.substr(1);
    };
    number("threads", threads_.size()), number("events", events_), number("objects", objects_), number("created", kinds_[born]);
    number("died", died_), number("existing", kinds_[appeared]), number("immortal_objects", immortals);
    number("shared_objects", shared_), number("max_live_objects", most_live_), number("max_live_bytes", most_bytes_);
    number("increfs", kinds_[taken]), number("decrefs", kinds_[dropped]), number("immortal_increfs", kinds_[immortal_taken]);
    number("immortal_decrefs", kinds_[immortal_dropped]), number("last_decrefs", kinds_[last_dropped]);
    number("news", kinds_[born]), number("thread_switches", kinds_[thread_switch]), share("interpreter_share", on_stack_);
    share("ops_on_shared_objects", on_shared_), share("first_thread_share", by_first_), number("repairs", repairs_);
    if (version() == 2) number("slots", slots_), number("slot_writes", kinds_[slot_written]);
    return h + "}";
  }

  static inline std::atomic<std::uint64_t> recorders_{0};
  static constexpr std::uint64_t most_text = limits::header_bytes - 4096;  // the rest is for the totals
  const std::uint64_t identity_ = ++recorders_;
  const std::string text_;  // of the header
  mutable std::mutex lock_;
  table<object> alive_;
  table<page> dead_;
  std::unordered_map<std::uint64_t, slot_node> graph_;  // by key
  std::vector<std::uint64_t> dying_;
  std::unordered_map<std::thread::id, std::uint32_t> threads_;
  std::vector<appearance> appearances_;  // in the order of their offsets
  spool spool_;                          // the events
  std::uint32_t objects_ = 0, previous_ = 0, thread_ = 0, written_thread_ = ~std::uint32_t{0};
  std::uint64_t events_ = 0, live_ = 0, bytes_ = 0, most_live_ = 0, most_bytes_ = 0, shared_ = 0;
  std::uint64_t on_stack_ = 0, on_shared_ = 0, by_first_ = 0, slots_ = 0, died_ = 0, kinds_[9]{};
  std::atomic<std::uint64_t> repairs_ = 0;
};

}  // namespace tally
