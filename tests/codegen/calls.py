#!/usr/bin/env python3
"""Reads the program that is run and finds what its measured loops call.

calls.py OBJDUMP TALLY [--verbose]: from every pair's batch of steps (bound_run<HEAP, WORKLOAD>::run_batch on the native policy) the
walk goes into all that belongs to the workload, and looks at each call there. A call of the harness's own code, of a strategy's or
of its policy's, must be in MEANT below, with the reason why it is not in line; a line of MEANT that nothing needs any more is an
error, too. Cold parts, which the compiler has split off, may call what they like. And each function of the walk begins a cache line:
equal loops of two strategies then lie alike in their lines, whatever else their sources hold.

--broken: a line of MEANT is taken out first, and the walk must then fail: it shows that it can.
"""

import argparse
import collections
import re
import subprocess
import sys

# What a step may call, and why. A regular expression over the name without template arguments and parameters.
MEANT = {
    # The end of an object's life: out of line, so that a drop stays short; once a death, not once an operation.
    r"counting_context::reclaim": "a death",
    r"(ending|cyclic)_context::reclaim": "a death",
    r"counting_context::store": "a structure of `cycles` gets its edges: counted references leave no stack in most schemes, and some have it apart",
    r"trial_context::add_candidate": "an object is a candidate from here on, once between two collections",
    r"biased_heap::context::release_last": "the owner's last reference",
    r"biased_heap::context::release_foreign": "a drop that is not the owner's",
    # What only happens now and then.
    r"thread_count_table::counts::enlarge": "a thread's counts need another place",
    r"biased_heap::context::drain": "something was queued to this thread",
    r"rc_arc_heap::context::mark_from": "an object is published for the first time",
    r"gil_heap::context::hand_over": "another thread has asked for the lock",
    r"counting_context::reclaim_ready": "a poll with something to free, one in 64",
    r"cyclic_context::collect_by_itself|generations::too_many": "a collection is due",
    r"cyclic_context::collect_(here|in_stops)|deferred_heap::context::stop": "a workload asks for a collection",
    r"deferred_heap::context::at_safepoint": "a stop is wanted, or a reconciliation due",
    r"world::mutator::attend": "a stop is wanted",
    r"(mark_sweep|deferred)_heap::context::allocate_slowly": "the local list of free cells is empty",
    r"cell_store::cache::allocate_slowly": "the local list of free cells is empty",
    r"cell_store::cache::set_aside": "a batch of free cells is full",
    r"block_heap::free_large": "an object of more than half a block is freed",
    r"no_way_on": "manual: a second reference, which ends the process",
    r"deferred_log::grow": "the log's chunk is full",
    r"deferred_heap::context::log_place": "a shared slot's first store since the last reconciliation",
    r"parcel_cells::pool::refill": "the local list of free cells is empty",
    r"block_heap::claimed": "a recording's peak is sampled",
    # Where a thread waits, or has to.
    r"lockbit_word::wait": "another thread holds the slot",
    r"wait_for_lock": "another thread holds the workload's lock",
    r"native::wait_(until|longer)": "a wait, in a blocked region",
    r"_heap::context::blocked|gil_heap::context::released::~released": "a blocked region",
    r"native::with_spilled_registers": "a blocked region: registers must be in memory",
    r"recorded::rendezvous::meet": "the end of a recording's pass",
    r"blocked_with_exceptions": "a blocked region around oneTBB",
    r"epoch_member::leave": "a reader that stalled in a borrow goes on",
    r"bdwgc_heap::context::make": "what is left of it out of line: memory has ended",
    r"bdwgc_lists::refill": "the local list of free cells is empty",
    r"bdwgc_heap::context::point": "a weak ref is registered with the library",
    # Libraries behind a call, for every strategy alike.
    r"word_channel::try_(push|pop)": "oneTBB's queue",
    r"native_tasks::enter": "oneTBB's arena",
    # A lane that leaves its heap and comes back.
    r"_heap::context::~?context|counting_context::~?counting_context|(ending|cyclic)_context::~?(ending|cyclic)_context": "a context begins or ends",
    r"cell_store::cache::~?cache": "a context begins or ends",
    r"live_counters::(attach|detach)|owner_registry::(attach|detach)|epoch_member::~epoch_member": "a context begins or ends",
    r"parcel_cells::(attach|detach)|block_heap::allocator::~allocator|bdwgc_lists::~bdwgc_lists": "a context begins or ends",
}
LINE_BYTES = 64
OURS = re.compile(r"^tally::")
WORKLOAD = re.compile(r"^tally::workloads::")
START = re.compile(r"^tally::bound_run<.*>::run_batch\(")
NATIVE = re.compile(r"_heap<tally::native\b")

FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
TRANSFER = re.compile(r"^\s+[0-9a-f]+:\t(?:notrack |bnd )?(?:call|jmp|j\w+|bl?|b\.\w+|cbn?z|tbn?z)q?\s+(?:\w+, )*([0-9a-f]+) <")


def bare(name):
    """Without template arguments, parameters, return type and clone suffix; a lambda belongs to its function."""
    out, depth = [], 0
    for i, c in enumerate(name.replace("operator<", "operator_").replace("->", "__").replace("operator()", "operator_call")):
        if c in "<({":
            depth += 1
        elif c in ">)}":
            depth -= 1
        elif depth == 0:
            out.append(c)
    words = re.sub(r"\[(clone|abi)[^\]]*\]", "", "".join(out)).replace(" const", "").split()
    return words[-1] if words else name


def program(objdump, path):
    """address -> name; address -> addresses that it calls or jumps to."""
    lines = subprocess.run([objdump, "-d", "-C", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout
    names, calls, at = {}, collections.defaultdict(set), None
    for line in lines.splitlines():
        if m := FUNCTION.match(line):
            at = int(m.group(1), 16)
            names[at] = m.group(2)
        elif at is not None and (m := TRANSFER.match(line)):
            target = int(m.group(1), 16)
            if target != at:
                calls[at].add(target)
    return names, calls


def walk(names, calls):
    """Calls of our own code from measured steps: bare callee -> [(pair, caller)]; the functions between them that begin no line."""
    found, pairs, astray = collections.defaultdict(list), 0, set()
    for start, name in names.items():
        if not START.match(name) or not NATIVE.search(name):
            continue
        pairs += 1
        seen, todo = {start}, [start]
        while todo:
            at = todo.pop()
            if at % LINE_BYTES:
                astray.add(names[at])
            for target in calls[at]:
                callee = names.get(target)
                if callee is None or target in seen or "[clone .cold" in callee:
                    continue
                seen.add(target)
                short = bare(callee)
                if WORKLOAD.match(short):
                    todo.append(target)
                elif OURS.match(short):
                    found[short].append((name, names[at]))
    return found, pairs, astray


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("objdump")
    parser.add_argument("tally")
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    found, pairs, astray = walk(*program(args.objdump, args.tally))
    if pairs < 10:
        sys.exit(f"only {pairs} pairs of a strategy and a workload were found: is the program stripped?")
    meant = dict(MEANT)
    if args.broken:
        meant.pop(r"counting_context::reclaim")
    failed, needed = False, set()
    for short, sites in sorted(found.items(), key=lambda item: -len(item[1])):
        reason = next((r for pattern, r in meant.items() if re.search(pattern + "$", short) and not needed.add(pattern)), None)
        failed |= reason is None
        print(f"{'ok  ' if reason else 'FAIL'} {short}: {len(sites)} places" + (f", on purpose: {reason}" if reason else ""))
        if args.verbose or reason is None:
            for pair, caller in sites[: None if args.verbose else 3]:
                print(f"       {bare(caller)} of {pair[:160]}")
    for pattern in meant.keys() - needed:
        print(f"FAIL {pattern}: nothing calls it; take it out of the list")
        failed = True
    for name in sorted(astray):
        print(f"FAIL {name[:160]}: begins in the middle of a cache line")
        failed = True
    print(f"{pairs} pairs of a strategy and a workload")
    sys.exit(failed != args.broken)


if __name__ == "__main__":
    main()
