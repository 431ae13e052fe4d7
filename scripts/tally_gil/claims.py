"""What is known from publications about the two kinds of build, as bands that a measurement reproduces, misses or refutes.

R1 to R27 number the findings, as docs/real-interpreters.md does with their sources. No band was taken from what this script
printed: a band that follows the machine can't be refuted by it.
"""
import dataclasses
import statistics
from typing import Callable

from . import intervals, scaling
from .view import TIME, Absent, View

REPRODUCED, DIRECTION, REFUTED, UNTESTABLE = "reproduced", "direction only", "refuted", "not testable here"
INFINITE = float("inf")

KINDS = {
    "incremental": lambda v: v.identity["collector"] == "incremental",
    "later": lambda v: v.identity["collector"] == "generational" and v.release > (3, 13),
    "gil": lambda v: v.gil,                                  # whatever the build
    "default": lambda v: v.gil and not v.free_threaded,
    "free": lambda v: not v.gil,
    "free build": lambda v: v.free_threaded,                 # the lock does not matter
}


@dataclasses.dataclass
class Claim:
    finding: str
    what: str
    kind: str
    figure: Callable     # (view, variant) -> values, one per round; throws Absent
    band: tuple          # (least, greatest)
    refuted: tuple = ()  # (below, above): beyond these it is refuted; None: that side refutes nothing
    exact: bool = False  # holds at any size and on any machine: judged in --quick, too
    crash: str = ""      # the item whose death refutes it

    def applies(self, variant):
        return KINDS[self.kind](variant)


@dataclasses.dataclass
class Verdict:
    word: str
    why: str = ""
    estimate: object = None


def speedup(workload):
    return lambda view, variant: view.speedup(variant, workload)


def metric(workload, name):
    return lambda view, variant: view.metric(variant, workload, name)


def ratio(workload, other):
    """Of one thread's times."""
    return lambda view, variant: view.over(variant, workload, other, TIME)


def against_default(workload, name, threads=None):
    def figure(view, variant):
        count = threads(view) if threads else 1
        view.by_process(variant, workload, count, name)  # was it asked for?
        other, another_program = view.default_build(variant)
        values = view.over(variant, workload, workload, name, count, other)
        return values if another_program else Weak(values)
    return figure


PRIVATE = ("fib", "private_list", "private_dict", "private_attribute", "mult_constant")


class Weak(list):
    """Values that were held against the same program with its lock."""


def spread_gain(view, variant):
    many, one = view.speedup(variant, "shared_list_spread"), view.speedup(variant, "shared_list_item")
    return [a / b for a, b in zip(many, one)]


def cost_of_build(view, variant):
    """The geometric mean over private work of one thread's time over the default build's."""
    for name in PRIVATE:
        view.by_process(variant, name, 1, TIME)
    other, another_program = view.default_build(variant)
    if not another_program or any("pgo" not in v.identity["optimisation"] for v in (variant, other)):
        raise Absent("one of the two builds is without profile-guided optimisation, or missing")
    rounds = zip(*(view.over(variant, name, name, TIME, 1, other) for name in PRIVATE))
    return [statistics.geometric_mean(r) for r in rounds]


def over_313(view, variant):
    view.by_process(variant, "gc_tuples", 1, TIME)
    other = next((v for v in view.variants if v.release == (3, 13) and KINDS["default"](v)), None)
    if not other:
        raise Absent("no default build of 3.13 among the interpreters")
    return view.over(variant, "gc_tuples", "gc_tuples", TIME, 1, other)


def both_threads(view):
    return max(2, view.threads)


def pattern(view, variant):
    """How many of the thirteen are clearly on the other side than published: a pass is above 1.5, a failure below 1.1."""
    failing = {"load_string_const", "thread_local_read"} if variant.identity["immortalises"] else set()
    speedups = {name: statistics.median(view.speedup(variant, name)) for name in scaling.FTSCALINGBENCH}
    return [float(sum(s > 1.5 if name in failing else s < 1.1 for name, s in speedups.items()))]


def blocked_policy(view, variant):
    """Share of the objects that one of the two published policies explains: queued until the owner wakes up, or merged for it."""
    shares = zip(*(view.metric(variant, "foreign_end_blocked", who + "_share") for who in ("owner", "dropper")))
    return [sum(pair) for pair in shares]


def scaling_claims():
    n = "all threads"
    for name in PRIVATE:
        yield Claim("R1", f"{name} in {n} is no faster with the GIL", "gil", speedup(name), (0.85, 1.1), (None, 1.25))
        yield Claim("R2", f"{name} scales without it", "free", speedup(name), ("0.9n", "1.05n"), ("0.8n", None))
    yield Claim("R5", "a foreign object's references cost as much with the GIL", "default", ratio("foreign_alias", "own_alias"),
                (0.95, 1.05), (None, 1.4))
    yield Claim("R5", "a foreign object's references cost more than an own one's", "free", ratio("foreign_alias", "own_alias"),
                (1.4, 2.5), (1.05, None))
    yield Claim("R6", "private work in one thread over the default build's time", "free", cost_of_build, (1, 1.6))
    yield Claim("R7", "an immortal object is not contended", "free", speedup("immortal_alias"), ("0.95n", "1.05n"), ("0.8n", None))
    yield Claim("R7", "a shared mortal one is", "free", speedup("shared_alias"), (0, 0.8), (None, 1.2))
    for name in ("pymethod", "module_function", "cmodule_function"):
        yield Claim("R9", f"{name} scales: functions are not counted by every call", "free", speedup(name), ("0.9n", "1.05n"), (1.1, None))
    yield Claim("R9", "bound_method of a shared instance does not scale", "free", speedup("bound_method"), (0, 0.6), (None, 1.2))
    for name in ("create_pyobject", "create_closure"):
        yield Claim("R10", f"{name} scales: types and code are counted per thread", "free", speedup(name), ("0.9n", "1.05n"), (1.1, None))
    for name in ("shared_attribute", "shared_list_item", "shared_dict_item"):
        yield Claim("R11", f"{name} collapses", "free", speedup(name), (0, 0.8), (None, 1.2))
    yield Claim("R12", "many shared items scale better than one", "free", spread_gain, (2, INFINITE), (1, None))
    yield Claim("R13", "shared_append takes longer than with the GIL", "free", against_default("shared_append", TIME, both_threads),
                (1 / 0.9, INFINITE), (1 / 1.5, None))
    yield Claim("R27", "of the 13 of ftscalingbench, how many differ from the published table", "free", pattern, (0, 0), (None, 2.5))


def life_claims():
    for does in ("running", "blocked", "exited"):
        yield Claim("R14", f"owner {does}: the dropping thread ends the object", "default", metric(f"foreign_end_{does}", "dropper_share"),
                    (1, 1), (1, None), exact=True)
    yield Claim("R14", "owner running: in less than a millisecond", "default", metric("foreign_end_running", "delay_ms"), (0, 1))
    yield Claim("R14", "owner running: the owner ends the object", "free", metric("foreign_end_running", "owner_share"), (1, 1), (1, None),
                exact=True)
    yield Claim("R14", "owner running: within 5 ms", "free", metric("foreign_end_running", "delay_ms"), (0, 5))
    yield Claim("R14", "owner blocked: it ends in the owner or the dropping thread", "free", blocked_policy, (1, 1), (1, None), exact=True)
    yield Claim("R14", "owner exited: the dropping thread ends the object", "free", metric("foreign_end_exited", "dropper_share"), (1, 1),
                (1, None), exact=True)
    yield Claim("R14", "owner exited: at once (below 5 ms)", "free", metric("foreign_end_exited", "delay_ms"), (0, 5))
    yield Claim("R15", "a queue's hand-off takes longer than in the default build", "free", against_default("handoff", TIME, lambda _: 2),
                (1.2, 3), (0.9, None))
    for interval in (5, 20):
        yield Claim("R22", f"a sleeper waits one switch interval of {interval} ms", "gil", metric(f"wakeup_{interval}ms", "late_ms"),
                    (interval * 0.95, interval + 0.5), (interval / 5, None))
    yield Claim("R22", "a sleeper waits for nobody", "free", metric("wakeup_5ms", "late_ms"), (0, 0.5), (None, 5))
    for name in ("tuples", "instances"):
        yield Claim("R24", f"a deep chain of {name} ends well, at a price per object that depth hardly changes", "gil",
                    metric(f"deep_chain_{name}", "growth"), (0.5, 2), crash="deep_chain")
        yield Claim("R24", f"a deep chain of {name} ends well, at a price per object that depth hardly changes", "free",
                    metric(f"deep_chain_{name}", "growth"), (0.5, 2), crash="deep_chain")


def size_claims():
    for kind, size in (("object", 16), ("float", 24), ("int", 28)):
        for build, more in (("default", 0), ("free build", 16)):
            yield Claim("R16", f"sys.getsizeof of {kind}: {size + more} B", build, metric("header_size", "size_" + kind),
                        (size + more, size + more), (size + more, size + more), exact=True)
    for kind, default, free in (("object", 16, 32), ("float", 32, 48), ("list", 64, 64), ("dict", 64, 64)):
        for build, size in (("default", default), ("free build", free)):
            yield Claim("R16", f"memory per {kind}: {size} B", build, metric("resident_" + kind, "resident_bytes_per_object"),
                        (size - 2, size + 2), (size - 8, size + 8))
    yield Claim("R17", "a mixed graph's memory over the default build's", "free", against_default("resident_mixed", "resident_bytes_per_object"),
                (1.05, 1.35), (1, 1.6))


def collector_claims():
    yield Claim("R18", "four times the tuples take three to six times as long", "default", metric("gc_tuples", "growth"), (3, 6), (None, 8))
    yield Claim("R18", "linear where the trigger is mended; above 8 where it is not", "free", metric("gc_tuples", "growth"), (3, INFINITE))
    yield Claim("R21", "incremental: tuples take at least three times as long as on 3.13", "incremental", over_313, (3, INFINITE))
    yield Claim("R21", "generational again: tuples take as long as on 3.13", "later", over_313, (0, 1.5))
    for kind in ("default", "free"):
        yield Claim("R19", "a pause grows as the heap", kind, metric("gc_pause", "exponent"), (0.7, 1.4))
    yield Claim("R19", "other threads stand still as long as a collection takes", "free", metric("gc_pause", "stall_of_pause"), (0.8, 1.5),
                (0.5, None))
    yield Claim("R20", "fewer collections than the threshold of generation 0 gives", "free", metric("gc_count", "fewer"), (5, 25), (1, None))


CLAIMS = [*scaling_claims(), *life_claims(), *size_claims(), *collector_claims()]


def resolved(bound, threads):
    """A bound that is a multiple of the threads, as a number."""
    return float(bound[:-1]) * threads if isinstance(bound, str) else bound


def bounds(claim, threads):
    below, above = claim.refuted or (None, None)
    return (*(resolved(b, threads) for b in claim.band), resolved(below, threads), resolved(above, threads))


def judge(claim: Claim, view: View, variant, quick=False, doubt=""):
    """`doubt`: why a refutation would prove nothing on this machine now."""
    crashed = claim.crash and view.errors.get((variant, claim.crash), "")
    if crashed and "died of" in crashed:
        return Verdict(REFUTED, crashed)
    try:
        values = claim.figure(view, variant)
    except Absent as why:
        return Verdict(UNTESTABLE, str(why))
    if not values:
        return Verdict(UNTESTABLE, "no round has both sides")
    estimate = intervals.Estimate(values)
    if quick and not claim.exact:
        return Verdict(UNTESTABLE, "--quick measures too little", estimate)
    least, most, below, above = bounds(claim, view.threads)
    if least <= estimate.value <= most:
        word = DIRECTION if isinstance(values, Weak) else REPRODUCED
        return Verdict(word, "held against the same program with its lock only" if word is DIRECTION else "", estimate)
    if below is not None and estimate.value < below or above is not None and estimate.value > above:
        surely = below is not None and estimate.high < below or above is not None and estimate.low > above
        if not surely:
            return Verdict(UNTESTABLE, "the rounds are on both sides of what would refute it", estimate)
        if doubt and not claim.exact:
            return Verdict(UNTESTABLE, f"it looks refuted, but {doubt}", estimate)
        return Verdict(REFUTED, "", estimate)
    return Verdict(DIRECTION, "", estimate)
