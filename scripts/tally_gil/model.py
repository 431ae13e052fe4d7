"""What `tally findings` says of the model beside what interpreters did: is it the same direction?"""
import dataclasses
from typing import Callable

from tally_plots import load, verdicts

from . import claims, intervals
from .view import TIME, Absent, NotAsked

YES, NO, OPEN, NOT_ASKED = "yes", "no", "open", "not asked"
MS = 1e6  # ns


@dataclasses.dataclass
class Pair:
    finding: str
    what: str
    check: tuple         # (slug, name) of the model's
    kind: str            # of interpreters (claims.KINDS)
    figure: Callable     # (view, variant) -> values, one per round; throws Absent or NotAsked
    model_at: float = 1  # what parts the two directions of the model's figure,
    seen_at: float = 1   # and of the interpreter's


def other_program(workload, name, threads=None):
    """Over the default build's, which must be another program: the same one with its lock has the same objects."""
    held = claims.against_default(workload, name, threads)

    def figure(view, variant):
        values = held(view, variant)
        if isinstance(values, claims.Weak):
            raise Absent("no default build of the release among the interpreters")
        return values
    return figure


def later_with_the_lock(view, variant):
    """How many times as late a sleeper wakes up in the default build, or in the same program with its lock."""
    other, _ = view.default_build(variant)
    rounds = zip(*(view.metric(v, "wakeup_5ms", "late_ms") for v in (other, variant)))
    return [late / without for late, without in rounds if without]


# Which question of the model's is which of the script's. An operation of one is not the other's, so that sizes are not compared.
PAIRS = [
    Pair("R2", "lists of a thread's own scale", ("private-programs-scale", "lists"), "free", claims.speedup("private_list")),
    Pair("R2", "instances of a thread's own scale", ("private-programs-scale", "attributes"), "free", claims.speedup("private_attribute")),
    Pair("R5", "counting is cheaper for the owner than for others", ("biased-owner-is-cheap", "gain"), "free",
         claims.ratio("foreign_alias", "own_alias")),
    Pair("R7", "immortal objects are not contended", ("immortal-constants-scale", "immortal"), "free", claims.speedup("immortal_alias")),
    Pair("R7", "mortal ones are", ("immortal-constants-scale", "counted"), "free", claims.speedup("shared_alias")),
    Pair("R9", "calls of one function scale", ("deferred-calls-scale", "function"), "free", claims.speedup("module_function")),
    Pair("R9", "calls of an instance's own method scale", ("deferred-calls-scale", "method"), "free", claims.speedup("pymethod")),
    Pair("R9", "a shared instance's method contends for the instance", ("shared-object-collapses", "shared"), "free",
         claims.speedup("bound_method")),
    Pair("R11", "one shared attribute collapses", ("shared-reads-collapse", "attributes"), "free", claims.speedup("shared_attribute")),
    Pair("R11", "one item of a shared list collapses", ("shared-reads-collapse", "lists"), "free", claims.speedup("shared_list_item")),
    Pair("R11", "one value of a shared dictionary collapses", ("shared-reads-collapse", "dictionaries"), "free",
         claims.speedup("shared_dict_item")),
    Pair("R14", "what others drop of a blocked owner waits for it", ("blocked-owner-holds-objects", "merged"), "free",
         claims.metric("foreign_end_blocked", "delay_of_block"), seen_at=0.5),
    Pair("R15", "a queue's hand-off takes longer without the lock", ("queue-hand-off-costs-more", "cost"), "free",
         other_program("handoff", TIME, lambda _: 2)),
    Pair("R16", "the free-threaded header is larger", ("header-grows", "bytes"), "free build", other_program("header_size", "size_object")),
    Pair("R22", "who wants the lock waits for more than a millisecond", ("hand-over-takes-an-interval", "interval"), "gil",
         claims.metric("wakeup_5ms", "late_ms"), model_at=MS),
    Pair("R22", "longer than without the lock", ("hand-over-takes-an-interval", "against-none"), "free", later_with_the_lock),
]


class Unusable(Exception):
    """Why a folder can't be compared with, in words."""


def judged(folder, tally=None):
    """{(slug, check's name): check} of a folder of `tally findings`. Throws Unusable."""
    try:
        found = verdicts.of(load.Run(folder), tally)
    except (load.Unreadable, verdicts.Unjudged) as why:
        raise Unusable(str(why)) from None
    if not found:
        raise Unusable("none of its rows is a finding's: `tally findings --out DIR` measures them")
    return {(f["finding"], check["name"]): check for f in found for check in f["checks"] if "interval" in check}


def side(low, high, at):
    """Where an interval is: 1 above, -1 below, 0 on both sides."""
    return (low > at) - (high < at)


def agree(pair, check, estimate):
    both = side(*check["interval"], pair.model_at), side(estimate.low, estimate.high, pair.seen_at)
    return OPEN if 0 in both else YES if both[0] == both[1] else NO


def said(check):
    """The model's verdict and figure; one that is no ratio with its metric's name."""
    name, figure = ("", check["ratio"]) if "ratio" in check else (f"{check['metric']} ", check["value"])
    low, high = map(intervals.number, check["interval"])
    return f"{check['verdict']}, {name}{intervals.number(figure)} [{low}, {high}]"


def compared(view, model):
    """A row of the table for each pair and interpreter that it is about: finding, claim, model, interpreter, seen, agreement."""
    rows = []
    for pair in PAIRS:
        check = model.get(pair.check)
        about = [v for v in view.variants if claims.KINDS[pair.kind](v)]
        for variant in about or [None]:
            rows.append([pair.finding, pair.what, said(check) if check else NOT_ASKED, variant.name if variant else "-",
                         *seen(pair, check, view, variant)])
    return rows


def seen(pair, check, view, variant):
    """(what an interpreter did, whether it is the same direction)."""
    try:
        values = pair.figure(view, variant) if variant else []
    except (Absent, NotAsked):
        values = []
    if not values:
        return "-", NOT_ASKED
    estimate = intervals.Estimate(values)
    return estimate.text(), agree(pair, check, estimate) if check else NOT_ASKED
