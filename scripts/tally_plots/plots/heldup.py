"""What is held up while somebody stalls, over time: workloads in which a lane sits somewhere, or an owner does not look at its queue."""
from .. import load
from . import memory

NAME = "heldup"
ORDER = 61

# Workload: the parameter that says who stalls, and its value where nobody does.
STALLS = {"publish": ("stall", "none"), "handoff": ("owner", "running")}
# What waits for somebody, of the causes in harness/contract/held.hpp: all but a heap's free cells.
BACKLOG = ("weak", "retired", "queued", "undecided", "logged")


def draw(results, options):
    rows = [r for r in memory.sampled(results) if stalls(r) and any("causes" in s for s in r["memory"]["samples"])]
    yield from memory.over_time(results, options, rows, NAME, backlog, "Memory that is held up", "MiB that wait",
                                "dead objects that weak references or epochs keep, objects in owners' queues, objects of which the next stop "
                                "says whether they are dead, and logs")


def stalls(row):
    name, nobody = STALLS.get(row["config"]["workload"]["name"], (None, None))
    return name is not None and load.parameter(row, name) not in (None, nobody)


def backlog(sample):
    """In bytes."""
    causes = sample.get("causes", {})
    return sum(causes.get(name, 0) for name in BACKLOG)
