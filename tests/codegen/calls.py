#!/usr/bin/env python3
"""Reads the program that is run and finds what its measured loops call.

calls.py OBJDUMP TALLY [--verbose]: from every pair's batch of steps (bound_run<HEAP, WORKLOAD>::run_batch on the native policy) the
walk goes into all that belongs to the workload, and looks at each call there. A call of the harness's own code, of a strategy's or
of its policy's, must be in MEANT below, with the reason why it is not in line; a line of MEANT that nothing needs any more is an
error, too. Cold parts, which the compiler has split off, may call what they like. And each function of the walk begins a cache line,
and no loop of the workload with the shortest ones that takes a cycle or two lies on two lines: a second one would double its time.

--broken: a line of MEANT is taken out first and the program moved by 56 bytes, and all three must then fail: it shows that they can.
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
SHORTEST = re.compile(r"tally::workloads::copy_drop>::run_batch\(")
LINE_BYTES, SHORT_BYTES = 64, 32
OURS = re.compile(r"^tally::")
WORKLOAD = re.compile(r"^tally::workloads::")
START = re.compile(r"^tally::bound_run<.*>::run_batch\(")
NATIVE = re.compile(r"_heap<tally::native\b")

FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t(.+)")
BRANCH = re.compile(r"(?:notrack |bnd )?(?:j(?!mp)\w+|b\.\w+|cbn?z|tbn?z)\s+(?:\w+, )*([0-9a-f]+) <")
SLOW = re.compile(r"(?:notrack |bnd )?(?:lock|call|jmp|ret|blr?|br?)q?\b(?!\.)")
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


def program(objdump, path, moved_by):
    """address -> name; address -> addresses that it calls or jumps to; name -> [(address, instruction)] of what has the shortest loops."""
    lines = subprocess.run([objdump, "-d", "-C", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout
    names, calls, bodies, at = {}, collections.defaultdict(set), collections.defaultdict(list), None
    for line in lines.splitlines():
        if m := FUNCTION.match(line):
            at = int(m.group(1), 16) + moved_by
            names[at] = m.group(2)
            continue
        if at is not None and (m := TRANSFER.match(line)):
            target = int(m.group(1), 16) + moved_by
            if target != at:
                calls[at].add(target)
        if at is not None and SHORTEST.search(names[at]) and NATIVE.search(names[at]) and (m := INSTRUCTION.match(line)):
            bodies[names[at]].append((int(m.group(1), 16) + moved_by, m.group(2)))
    return names, calls, bodies


def is_split(body, moved_by):
    """Whether a loop of half a cache line at most, without calls, jumps out and locked instructions, lies on two."""
    places = {address: i for i, (address, _) in enumerate(body)}
    for i, (at, instruction) in enumerate(body[:-1]):
        m = BRANCH.match(instruction)
        begin, end = int(m.group(1), 16) + moved_by if m else at + 1, body[i + 1][0]
        if begin > at or begin not in places or end - begin > SHORT_BYTES or begin // LINE_BYTES == (end - 1) // LINE_BYTES:
            continue
        if not any(SLOW.match(inside) for _, inside in body[places[begin]:i]):
            return True
    return False


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
    moved_by = 56 if args.broken else 0
    names, calls, bodies = program(args.objdump, args.tally, moved_by)
    found, pairs, astray = walk(names, calls)
    split = sorted(name for name, body in bodies.items() if is_split(body, moved_by))
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
    for name in split:
        print(f"FAIL {name[:160]}: a short loop lies on two cache lines")
    print(f"{pairs} pairs of a strategy and a workload, {len(bodies)} with the shortest loops")
    wrong = [failed, bool(astray), bool(split)]
    sys.exit(not all(wrong) if args.broken else any(wrong) or not bodies)


if __name__ == "__main__":
    main()
