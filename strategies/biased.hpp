// biased: the thread that made an object counts it plainly; all others count in a second, atomic word.
//
// An object's references are local + shared: `local` is written by its owner only, without atomics; `shared` is a signed
// count with two bits of state, shifted left by two. Most objects live and die with their owner and never cost an atomic
// operation. The difficulty is the end of life, since no thread sees both counts:
//
//   owner's last local drop    if the whole shared word is 0 nobody else ever counted: free. Otherwise give the object up
//                              (owner 0), fold the state to `merged`, free if the word is then exactly `merged`.
//   a foreign drop below zero  only the owner knows `local`, so the object goes into the owner's queue (owner_registry.hpp).
//                              The owner merges its queue at safepoints; for an owner that is gone, the dropper does.
//
// States only grow: initial, maybe_weak (weak refs or lock-free readers may count it: an owner must not free without an RMW),
// queued (is or was in a queue; at most once in an object's life), merged (owner 0, all counts in the shared word). Every
// decision compares the whole word, never the count alone.
//
//   rule=cpython    a foreign drop that finds exactly 0 or maybe_weak does not subtract: its reference is the queue's now,
//                   and the merge drops it. So a queued object is never dead, and the owner can fold it as it likes.
//   rule=paper      the drop is subtracted, the count goes negative, `queued` is set once. Total counts can then be 0 in the
//                   queue, and an object in a queue is freed by whoever empties the queue and nobody else: an owner whose
//                   local count ends leaves a queued object alone. The owner's end is always an RMW.
//                   [Choi18] writes owner 0 after the merging CAS (Alg. 3 line 25, Alg. 4 line 20). After that CAS another
//                   thread may free the object, so the write must come before it, as CPython found; it does here.
//
// Invariant: local + shared's count = the references that exist (under rule=cpython and in a queue, plus the queue's own one).
// Who drops a reference need not be who counted it. So under rule=paper both parts may be negative from the moment an object is
// queued until it is merged: `shared` because others drop what the owner counted, `local` because the owner drops what others
// counted and handed to it. Local is signed for that, the owner of a queued object counts on, through 0 and back, and the merge
// adds the two. At any other time the owner's end gives the object up, and local stays above 0.
// [Choi18] gives up (merges) a queued object, too, when its biased count is 0: the last drop then finds a merged object with
// count 0, and frees what is still in a queue. To leave such an object its owner until the queue is emptied costs nothing, and it
// keeps one place that decides about what is queued. Under rule=cpython the end of local is the end of ownership, queued or not,
// since the queue's reference keeps the object; so local can't be negative.
//
//   merge=queue     the objects of an owner in a blocked region wait until it leaves: frees may be late without bound.
//   merge=detached  whoever queues to a blocked owner suspends it there and merges its whole queue for it.
//
// Immortals have an owner that nobody is. So the owner's path needs no test for them; the foreign path tests a register.
//
//   stack=deferred  a ref on a stack of an object that is said to be deferred is not counted: copies and drops of it touch nothing, not
//                   even the header. In slots, parcels and roots it is counted, by all threads in the shared word, which is ahead by
//                   `deferral`: so no drop ends the object, since nobody would know whether a stack refers to it. release_deferred
//                   does. CPython's collector frees such an object, too, because it looks at stacks; here it takes it for alive.
//   stack=immortal  what is said to be deferred becomes immortal, as in CPython 3.13, whose code, functions, modules and classes do when
//                   the second thread starts.
//   edges=thread    references to deferred objects with many (a class, from its instances; code, from functions) are counted by each
//                   thread for itself (thread_counts.hpp): otherwise threads that make instances of one class contend for its count.
//                   CPython counts in this way what is known to be such a reference, and others in the shared word.
//
// Owner: copy is load, compare, branch, add to memory; drop has one branch more. local is 32 bits and does not saturate: it
// would take 2^31 references, 16 GiB of them. Copies and drops are wait-free for the owner; a foreign drop is a CAS loop
// (lock-free) and blocking when it queues.
// Sources: [Choi18], [PEP703].
#pragma once

#include "harness/contract/family.hpp"
#include "strategies/biased_heap.hpp"

namespace tally::strategies {

struct biased {
  static constexpr strategy_info info{"biased", "the owner counts plainly, others atomically; queues to merge the two",
                                      "[Choi18] [PEP703]"};
  using options = biased_options;
  static constexpr std::array tunables{
      choice<&options::rule, options>("rule", {"cpython", "paper"}, "what a foreign drop below zero does to the count",
                                      "CPython's free-threaded build"),
      choice<&options::merge, options>("merge", {"queue", "detached"}, "what happens to the queue of a blocked owner",
                                       "CPython 3.13 and 3.14"),
      choice<&options::stack, options>("stack", {"counted", "immortal", "deferred"},
                                       "what a program says is deferred: counted all the same, immortal, or uncounted on stacks",
                                       "[Choi18], and CPython before its deferral"),
      choice<&options::edges, options>(
          "edges", {"shared", "thread"},
          "who counts references to a deferred object that has many: all in one word, or each thread",
          "CPython before its counts per thread"),
      choice<&options::slot, options>("slot", {"lockbit", "epoch"}, "how racy reads of shared slots are made safe",
                                      "libstdc++'s atomic<shared_ptr>"),
      heap_choice<options>(),
      cycles_choice<options>(),
      automatic_setting<options>("cycles=stop")};
  static constexpr std::array refusals{
      refusal{"edges=thread",
              "who counts for itself alone never sees a count of 0, so that such objects end where deferred ones do "
              "(stack=deferred)"},
      refusal{"cycles=generational", "generations need counts that no other thread changes meanwhile"},
      refusal{"cycles=stop",
              "objects are found by a walk over cells (heap=block), and a reader in an epoch may still see what is taken apart "
              "(slot=lockbit)"},
      no_trial};
  template <class M, options O>
    requires(sensible(O))
  using heap = biased_heap<M, O>;
  using variants = variant_list<
      options{}, options{.merge = biased_merge::detached}, options{.rule = biased_rule::paper}, options{.slot = slot_kind::epoch},
      options{.heap = object_source::block}, options{.heap = object_source::block, .cycles = cycle_kind::stop},
      // CPython's steps from counts on stacks to 3.14, and 3.13's and 3.14's builds
      options{.stack = biased_stack::deferred}, options{.stack = biased_stack::deferred, .edges = biased_edges::thread},
      options{.stack = biased_stack::immortal, .heap = object_source::block, .cycles = cycle_kind::stop},
      options{.stack = biased_stack::deferred,
              .edges = biased_edges::thread,
              .heap = object_source::block,
              .cycles = cycle_kind::stop}>;
  // When what another thread dropped is freed hangs on these.
  using stamped_variants = variant_list<options{}, options{.merge = biased_merge::detached}, options{.rule = biased_rule::paper},
                                        options{.heap = object_source::block, .cycles = cycle_kind::stop}>;
};

static_assert(strategy<biased_heap<native>> && has_weak<biased_heap<native>> && has_shared_slot<biased_heap<native>>);
static_assert(has_immortal<biased_heap<native>> && has_borrow<biased_heap<native, biased_options{.slot = slot_kind::epoch}>>);
static_assert(sizeof(biased_header<native>) == 32);

}  // namespace tally::strategies
