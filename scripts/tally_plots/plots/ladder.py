"""The ladder from the lock to free threading: what each rung costs or buys over the rung before, a panel per rung."""
from collections import namedtuple

from .. import estimates, load, metrics, page, panels, programs, style

NAME = "ladder"
ORDER = 35

# In the ladder's order: the strategy's label, whether the workload's constants may be immortal, and what is new. A rung stands over the
# nearest one before it that was measured; `over` names another one.
Rung = namedtuple("Rung", "label immortal what over", defaults=[None])
RUNGS = [
    Rung("gil", True, "one lock, plain counts"),
    Rung("gil:counts=atomic", True, "counts are locked instructions"),
    Rung("atomic", True, "no lock"),
    Rung("atomic:immortal=yes", True, "constants are immortal"),
    Rung("biased", False, "the owner counts plainly, nothing is immortal"),
    Rung("biased", True, "the owner counts plainly, constants are immortal"),
    Rung("biased:stack=deferred", True, "functions are not counted on stacks"),
    Rung("biased:stack=deferred,edges=thread", True, "types and code are counted per thread"),
    Rung("none", True, "the control: nothing is counted or freed", over="gil"),
]


def draw(results, options):
    metric = metrics.of(results, "ns_per_op").name
    for (threads, main), rows in load.groups(programs.of_model(results), lambda r: (r["config"]["threads"], programs.on_main(r))).items():
        steps = list(made(results, rows, metric))
        lacking = [name_of(rung) for rung in RUNGS if not any(stands_on(rung, row) for row in rows)]
        if len(steps) > 1:
            yield from panels.draw(steps, options, f"ladder-{threads}{'-main' if main else ''}",
                                   ["The ladder from the lock to free threading",
                                    f"time over the rung before, {style.threads(threads)}{' that made its program itself' if main else ''}"],
                                   page.notes("right of the line a rung costs, left of it it buys",
                                              f"rungs that were not measured: {', '.join(lacking)}" if lacking else ""), line_at=1.0)


def name_of(rung):
    return rung.label + ("" if rung.immortal else " immortal=no")


def stands_on(rung, row):
    return load.named(row) == rung.label and programs.immortal(row) == rung.immortal


def made(results, rows, metric):
    """A panel per rung that was measured, over the one before."""
    there = []
    for rung in RUNGS:
        by_program = {programs.program(r): r for r in reversed(rows) if stands_on(rung, r)}
        if not by_program:
            continue
        below = next(((other, of) for other, of in reversed(there) if rung.over in (None, other.label)), None)
        there.append((rung, by_program))
        if below:
            yield step(results, rung, by_program, *below, metric)


def step(results, rung, by_program, other, below, metric):
    drawn, absent = [], {}
    for program in sorted({**by_program, **below}, key=lambda p: results.order((by_program.get(p) or below[p]))):
        pair = by_program.get(program), below.get(program)
        ratio = estimates.quotient(*pair, metric) if all(pair) and pair[0]["_run"] is pair[1]["_run"] else None
        if ratio:
            drawn.append((program, ratio))
        else:
            absent[program] = "not measured on both rungs in one run"
    return panels.Panel(f"{name_of(rung)} over {name_of(other)}: {rung.what}", drawn, absent, of=rung.label,
                        values=[change(ratio.median) for _, ratio in drawn], rest=results.rest(list(by_program.values())))


def change(ratio):
    """In per cent, or as a multiple from twice on."""
    return f"{style.number(ratio)}x" if ratio >= 2 else f"{100 * (ratio - 1):+.0f} %"
