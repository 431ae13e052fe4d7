"""Cost against the floor, the lower-bound overhead of [Cai22]: how many times the least cost that a scene's program can be said to have.

That floor is the least, over all strategies, heap limits and allocators of the scene, of a row's cost without what is known to be the
strategy's own: the time of its collections (`pause_share`). What a strategy does between the program's instructions (counts, barriers,
a lock) can't be told from the program and stays in, so that the floor is too high rather than too low, and each overhead at least what is
said.
"""
from collections import namedtuple

from . import estimates, load

WALL, CPU = "ns_per_op", "cpu_ns_per_op"
OWN = "pause_share"

# `row` has the least cost of its scene without `share` (estimates.Estimate) of it; a share of None is nothing.
Floor = namedtuple("Floor", "row share")


def own_share(row, metric):
    """The part of a row's cost that is its collections' own, at least; None where nothing is known to be."""
    share = estimates.of(row, OWN)
    if not share.windows or share.median <= 0 or share.high >= 1:
        return None
    # While a collection keeps the others waiting one thread works at least, of the processors that the row has in use otherwise.
    return share if metric == WALL else share.times(1 / max(processors_in_use(row), 1.0))


def processors_in_use(row):
    """On average, while its windows are open."""
    wall, cpu = (estimates.of(row, metric).median for metric in (WALL, CPU))
    return row["config"]["threads"] * cpu / wall


def without_own(row, metric):
    """A row's cost without its collections."""
    share = own_share(row, metric)
    return estimates.of(row, metric).median * (1 - (share.median if share else 0))


def floor_of(rows, metric):
    """Of a scene's rows, which are of one directory; rows in doubt are it only where all are. None where none has the metric."""
    found = [r for r in {r["row"]: r for r in reversed(rows)}.values() if estimates.of(r, metric).median > 0]
    sure = [r for r in found if not estimates.of(r, metric).hollow]
    least = min(sure or found, key=lambda r: (without_own(r, metric), r["row"]), default=None)
    return least and Floor(least, own_share(least, metric))


def over(row, floor, metric):
    """How many times the floor a row costs; estimates.NONE without windows beside those of the floor's row. The ends of its interval are
    those of the ratio of the two rows over those of what is left of the floor's: the parts that promise 90 and 95 % together 85."""
    ratio = itself(row, metric) if row["row"] == floor.row["row"] else estimates.quotient(row, floor.row, metric)
    if ratio is None:
        return estimates.NONE
    if floor.share is None:
        return ratio
    left, least, most = (1 - share for share in (floor.share.median, floor.share.high, floor.share.low))
    return estimates.Estimate(ratio.median / left, ratio.low / most, ratio.high / least, ratio.interval and floor.share.interval,
                              ratio.processes, ratio.windows, ratio.hollow, ratio.computed or floor.share.computed,
                              ratio.confidence + floor.share.confidence - 1, ratio.method)


def itself(row, metric):
    """A row over itself, which is exact: as an estimate that promises what others over this row do."""
    e = estimates.of(row, metric)
    return estimates.Estimate(1.0, 1.0, 1.0, e.interval, e.processes, e.windows, e.hollow, e.computed, 2 * e.confidence - 1, e.method)


class Scene:
    """The overheads of some rows at one place (load.place), each over the floor of its own directory."""

    def __init__(self, rows):
        self.floors = {(run, metric): floor_of(here, metric) for run, here in load.groups(rows, lambda r: r["_run"]).items()
                       for metric in (WALL, CPU)}

    def over(self, row, metric):
        floor = self.floors[row["_run"], metric]
        return over(row, floor, metric) if floor else estimates.NONE

    def about(self):
        """Which rows the floors are, in words."""
        said = []
        for metric, what in ((WALL, "wall time"), (CPU, "CPU time")):
            named = [words(floor) for (_, of), floor in self.floors.items() if of == metric and floor]
            said += [f"floor of {what}: {', '.join(named)}"] if named else []
        return "; ".join(said)


def words(floor):
    name = load.labelled(floor.row)
    return name if floor.share is None else f"{name} without its collections, {100 * floor.share.median:.2g} % of it"
