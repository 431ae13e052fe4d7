#!/usr/bin/env python3
"""Two of Tally's workloads on the Python that runs this script, with the same objects and in the same order.

  cost_loops.py pauses WINDOW SECONDS        `cycles --set window=WINDOW --set collect_every=1500`: the median collection, ns
  cost_loops.py churn on|off SECONDS         `tree_churn`, the collector on or off: CPU time of a step, ns
"""
import gc
import random
import statistics
import sys
import time

COLLECT_EVERY = 1500
SIZE, CYCLIC = 8, 0.1
DEPTH, LONG_DEPTH, SURVIVORS = 6, 16, 0.02


class Parent:
    __slots__ = ("value", "c0", "c1", "c2", "c3", "c4", "c5", "c6")


class Child:
    __slots__ = ("value", "parent")


class Node:
    __slots__ = ("value", "left", "right")


def structure(stamp):
    """A parent of seven children; one in ten is cyclic."""
    cyclic = random.random() < CYCLIC
    first = Parent()
    first.value = stamp
    for place in Parent.__slots__[1:]:
        child = Child()
        child.value = stamp
        child.parent = first if cyclic else None
        setattr(first, place, child)
    return first


def pauses(window, seconds):
    gc.disable()
    gc.freeze()  # the interpreter's own
    table = [structure(0) for _ in range(window)]
    gc.collect()
    taken, made, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end or len(taken) < 3:
        table[random.randrange(window)] = structure(made)
        made += SIZE
        if made >= COLLECT_EVERY:
            made = 0
            before = time.perf_counter_ns()
            gc.collect()
            taken.append(time.perf_counter_ns() - before)
    return statistics.median(taken)


def bottom_up(stamp, depth):
    node = Node()
    node.value = stamp
    node.left, node.right = (bottom_up(stamp, depth - 1), bottom_up(stamp, depth - 1)) if depth else (None, None)
    return node


def populate(node, stamp, depth):
    if depth == 0:
        node.left = node.right = None
        return
    for place in ("left", "right"):
        child = Node()
        child.value = stamp
        setattr(node, place, child)
        populate(child, stamp, depth - 1)


def top_down(stamp, depth):
    node = Node()
    node.value = stamp
    populate(node, stamp, depth)
    return node


def walk(node):
    total = node.value
    if node.left is not None:
        total += walk(node.left) + walk(node.right)
    return total


def survive(tree, fresh):
    for _ in range(LONG_DEPTH - DEPTH - 1):
        tree = tree.left if random.getrandbits(1) else tree.right
    setattr(tree, "left" if random.getrandbits(1) else "right", fresh)


def churn(collector, seconds):
    (gc.enable if collector == "on" else gc.disable)()
    tree = bottom_up(0, LONG_DEPTH)
    steps, before = 0, time.thread_time_ns()
    while time.thread_time_ns() - before < seconds * 1e9:
        steps += 1
        fresh = bottom_up(steps, DEPTH) if steps & 1 else top_down(steps, DEPTH)
        if walk(fresh) != steps * (2 ** (DEPTH + 1) - 1):
            raise SystemExit("a tree was damaged while it lived")
        if random.random() < SURVIVORS:
            survive(tree, fresh)
    return (time.thread_time_ns() - before) / steps


def main(words):
    if len(words) != 3 or words[0] not in ("pauses", "churn"):
        sys.stderr.write(__doc__)
        return 64
    random.seed(1)
    print(pauses(int(words[1]), float(words[2])) if words[0] == "pauses" else churn(words[1], float(words[2])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
