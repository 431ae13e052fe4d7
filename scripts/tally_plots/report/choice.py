"""Which strategy is cheapest by how much is shared and how much handed off: the decision map, as figures without a picture. A map for each
amount of work between operations that was measured.

No row measures both at once. The map is of a program each of whose objects is taken and dropped `references` times in its life, a share
of these on objects that all threads use, and of whose objects a share dies on another thread than its maker's. An object costs
`references` operations of sharing_ladder at the one share and a life of handoff at the other: a model, of measured figures. Its interval
is from the sum of their lower ends to that of their upper ends, which is wider than need be.
"""
from collections import namedtuple

from .. import estimates, load, style

REFERENCES = (1, 10, 100)  # per object: a map each
HEAP = 3.0                 # of several heap limits, the rows of the one that is next to this multiple

# What an axis is made of: workload, parameter, per cent of one, and what other parameters must be.
Axis = namedtuple("Axis", "workload parameter percent fixed")
SHARED = Axis("sharing_ladder", "share", 1, {})
HANDED = Axis("handoff", "foreign", 100, {"owner": "running"})

# Of a figure with most windows in doubt nothing but a large difference survives (harness/measure/quality.cpp): it is taken to be so many
# times off, either way.
DOUBT = 2

Cost = namedtuple("Cost", "value low high sure")
# `cheapest` is first; `close` are those that can't be told apart from it, itself left out; `decided`: there are intervals, and it is sure.
Point = namedtuple("Point", "shared handed costs cheapest close decided")


class Choice:
    """The figures that maps are made of. `steps` are the shares of each axis, in per cent; `contenders` have all of them."""

    def __init__(self, results, think=0):
        self.think = think  # ns of work between operations
        self.threads, (shared, handed) = places(results, think)
        self.rows = shared, handed
        self.steps = [sorted({step for of in rows.values() for step in of}) for rows in self.rows]
        self.contenders = style.order(s for s in shared if s in handed and all(
            set(of[s]) == set(steps) and not never_frees(of[s]) for of, steps in zip(self.rows, self.steps)))
        self.ladder, self.lives = ({s: {step: estimates.of(row, "ns_per_op") for step, row in of[s].items()} for s in self.contenders}
                                   for of in self.rows)
        self.doubted = [{s: {step for step, row in of[s].items() if in_doubt(row)} for s in self.contenders} for of in self.rows]

    @property
    def possible(self):
        """Whether there is anything to choose by: two strategies, two steps each way."""
        return len(self.contenders) > 1 and all(len(steps) > 1 for steps in self.steps)

    def noise(self, shared, handed):
        """What the baselines of the two scenes differ from themselves by, at most."""
        rows = [of[self.contenders[0]][step] for of, step in zip(self.rows, (shared, handed))]
        return max(estimates.noise(row, "ns_per_op") or 0 for row in rows)

    def cost(self, strategy, shared, handed, references):
        """Of an object's life, in ns; low and high are None without intervals of both."""
        life, use = self.lives[strategy][handed], self.ladder[strategy][shared]
        value = references * use.median + life.median
        if not (life.interval and use.interval):
            return Cost(value, None, None, False)
        if shared in self.doubted[0][strategy] or handed in self.doubted[1][strategy]:
            return Cost(value, value / DOUBT, value * DOUBT, False)
        return Cost(value, references * use.low + life.low, references * use.high + life.high, True)

    def point(self, shared, handed, references):
        costs = {s: self.cost(s, shared, handed, references) for s in self.contenders}
        cheapest = min(costs, key=lambda s: costs[s].value)
        noise = self.noise(shared, handed)
        close = [s for s in costs if s != cheapest and not apart(costs[cheapest], costs[s], noise)]
        return Point(shared, handed, costs, cheapest, close, costs[cheapest].sure and all(c.low is not None for c in costs.values()))

    def points(self, references):
        """All of the grid, by the share handed off and then the share that is shared."""
        return [self.point(shared, handed, references) for handed in self.steps[1] for shared in self.steps[0]]


def apart(one, other, noise):
    """Whether the other costs more beyond doubt."""
    if one.low is None or other.low is None:
        return False
    return other.low > one.high and other.value > (1 + noise) * one.value


def all_of(results):
    """Those of no work and of each amount of it that allow a map, in order."""
    works = sorted({load.think(row) for axis in (SHARED, HANDED) for row in results.select(axis.workload)})
    return [choice for choice in (Choice(results, think) for think in works) if choice.possible]


def places(results, think):
    """The greatest number of threads, two at least, at which both axes were measured, and {strategy: {step: row}} of each."""
    found = [by_threads(results, axis, think) for axis in (SHARED, HANDED)]
    common = [n for n in found[0] if n in found[1] and n > 1]
    return (max(common), [of[max(common)] for of in found]) if common else (None, [{}, {}])


def by_threads(results, axis, think):
    rows = {}
    for row in results.select(axis.workload):
        step = load.number_of(row, axis.parameter)
        if load.think(row) != think or step is None or any(load.parameter(row, name) not in (None, value) for name, value in axis.fixed.items()):
            continue
        of = rows.setdefault(row["config"]["threads"], {}).setdefault(load.strategy(row), {})
        have = of.get(axis.percent * step)
        if have is None or off_limit(row) < off_limit(have):
            of[axis.percent * step] = row
    return rows


def off_limit(row):
    return abs((row["config"]["heap"]["multiple"] or HEAP) - HEAP)


def in_doubt(row):
    """Are most windows? That lanes do not overlap where one works at a time is none, though such rows back no claim of scaling."""
    doubts = [r.get("quality", {}).get("doubtful", False) for r in row["_run"].windows[row["row"]]]
    return 2 * sum(doubts) > len(doubts)


def never_frees(rows):
    return any(load.never_frees(row) for row in rows.values())


NO_CLAIM = "rows without an interval, or most windows of the lowest mean in doubt"


def sentences(choice, references):
    """What a map says, in words: points of its grid, not areas."""
    points = choice.points(references)
    uses = uses_of(references) + (f" and {work_of(choice.think)}" if choice.think else "")
    decided = [p for p in points if p.decided]
    if not decided:
        lowest = load.groups(points, lambda p: p.cheapest)
        return [f"With {uses} no point is decided: {NO_CLAIM}. The lowest means are " + ", ".join(
            f"{s}'s at {len(lowest[s])}" for s in by_count(lowest)) + f" of {len(points)} points."]
    sure = load.groups([p for p in decided if not p.close], lambda p: p.cheapest)
    said = [f"{s} is cheapest at {len(sure[s])}" for s in by_count(sure)]
    close = len(decided) - sum(map(len, sure.values()))
    said += [f"{close} {'is' if close == 1 else 'are'} too close to call"] if close else []
    undecided = len(points) - len(decided)
    said += [f"{undecided} {'is' if undecided == 1 else 'are'} undecided ({NO_CLAIM})"] if undecided else []
    return [f"With {uses}, of {len(points)} points: {', '.join(said)}.", *doubts_of(points)]


def doubts_of(points):
    unsure = load.groups(((s, p) for p in points for s, c in p.costs.items() if c.low is not None and not c.sure), lambda at: at[0])
    if unsure:
        yield (" With most windows in doubt, and so taken to be a factor of two off: "
               + ", ".join(f"{s} at {len(unsure[s])}" for s in by_count(unsure)) + ".")


def uses_of(references):
    return f"{references} reference{'s' if references > 1 else ''} per object"


def work_of(think):
    return f"{style.number(think)} ns of work after each operation" if think else "no work between operations"


def by_count(groups):
    return sorted(groups, key=lambda name: (-len(groups[name]), name))
