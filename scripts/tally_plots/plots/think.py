"""Work between operations: from how much of it on a strategy costs no more than the floor, and what share of the time counting takes."""
import math
from collections import namedtuple

from .. import estimates, load, marks, missing, page, series, sim, style, ticks

NAME = "think"
ORDER = 43

WITHIN = 0.05            # of the floor: what is nearer, or within the scene's noise, does not matter any more
TALL = 1.5               # inches of axes, at least
LEFT, BELOW = 0.62, 0.5  # inches beside and below axes, for what is written there
WORDS = 0.42             # of the width: what is said beside a panel
TITLE, SMALL = 8.5, 6.5  # points


def draw(results, options):
    for threads, panels in load.groups(made(results), lambda p: p.threads).items():
        for side in (RATIO, SHARE):
            shapes = [Shape(panel, side, options) for panel in panels if side.of(panel)]
            for nth, part in enumerate(page.paged(shapes, lambda shape: shape.height, 2.2), 1):
                yield f"{side.file}-{threads}" + (f"-part-{nth}" if nth > 1 else ""), one_page(results, part, side, options)


class Panel:
    """A scene over the work between its operations. `curves` are {strategy: {ns of work: times the reference's}}, `bounds` alike: up to
    which ratio one does not matter. The reference is the floor, the cheapest that counts nothing; where there is none, the baseline."""

    def __init__(self, results, rows):
        self.rows, self.threads = rows, rows[0]["config"]["threads"]
        self.simulated = rows[0]["config"]["mode"] == "simulated"
        self.title = results.title(rows[0], without=["think"]) + (", modelled" if self.simulated else "")
        self.works = sorted({load.think(r) for r in rows})
        scenes = load.groups(rows, lambda r: (r["_run"], load.think(r))).values()
        self.has_floor = all(any(map(load.never_frees, scene)) for scene in scenes)
        self.reference, self.curves, self.bounds = "", {}, {}
        for scene in scenes:
            other = floor_of(scene) if self.has_floor else next((r for r in scene if r["role"] == "baseline"), None)
            for row in scene if other else ():
                self.add(row, other)

    def add(self, row, other):
        self.reference = load.plain(other)
        ratio = row is not other and times(row, other)
        if ratio:
            self.curves.setdefault(load.labelled(row), {})[load.think(row)] = ratio
            noise = estimates.noise(row, "ns_per_op") or 0
            self.bounds.setdefault(load.labelled(row), {})[load.think(row)] = 1 + max(WITHIN, noise)

    def break_even(self, strategy):
        """The least work from which on, as far as was measured, it does not matter; None where the most is not enough."""
        found = None
        for ns, ratio in sorted(self.curves[strategy].items(), reverse=True):
            if abs(math.log(ratio.median)) > math.log(self.bounds[strategy][ns]):
                break
            found = ns
        return found

    def places(self, works):
        """On the axis: logarithms, and a place for no work one step before the least."""
        logs = [math.log10(ns) for ns in self.works if ns]
        step = min((b - a for a, b in zip(logs, logs[1:])), default=1.0)
        return [math.log10(ns) if ns else logs[0] - step for ns in works]


def made(results):
    """Panels of scenes that have several amounts of work; of each what was measured before what was modelled."""
    windows = sorted(sim.measured(results) + sim.rows(results), key=results.order, reverse=True)
    rows = list({(r["_run"], r["row"]): r for r in windows}.values())[::-1]
    scenes = load.groups(rows, lambda r: (r["config"]["workload"]["name"], *load.others(r, "think")))
    for scene in scenes.values():
        parts = load.groups(scene, lambda r: sim.setting(r) if r["config"]["mode"] == "simulated" else ())
        for _, part in sorted(parts.items()):
            panel = Panel(results, part) if len(set(map(load.think, part))) > 1 else None
            if panel and panel.curves:
                yield panel


def floor_of(scene):
    return min(filter(load.never_frees, scene), key=lambda r: load.metric(r, "ns_per_op") or -load.metric(r, "ops_per_second"))


def times(row, other):
    """How many times the other row's time this row's is."""
    if row["config"]["mode"] == "simulated":  # exact, of as many cores
        ratio = load.metric(other, "ops_per_second") / load.metric(row, "ops_per_second")
        return estimates.band({"value": ratio, "low": ratio, "high": ratio})
    return estimates.quotient(row, other, "ns_per_op")


def share(ratio):
    """Of a row's time what the floor's row does not need."""
    e = ratio
    return estimates.Estimate(1 - 1 / e.median, 1 - 1 / e.low, 1 - 1 / e.high, e.interval, e.processes, e.windows, e.hollow, e.computed,
                              e.confidence, e.method)


def ratio_words(panel, strategy):
    curve, found = panel.curves[strategy], panel.break_even(strategy)
    if found is None:
        most = max(curve)
        return f"{strategy}: not by {style.number(most)} ns ({style.number(curve[most].median)} times)"
    return f"{strategy}: " + (f"from {style.number(found)} ns on" if found else "with any work, and none")


def share_words(panel, strategy):
    curve = panel.curves[strategy]
    return f"{strategy}: " + ", ".join(f"{style.number(100 * share(curve[ns]).median)} %" for ns in sorted({min(curve), max(curve)}))


# What is drawn of panels: `of(panel)` are its curves, `words` what is said beside each, under `head`.
Side = namedtuple("Side", "file title axis scale of head words note")
RATIO = Side("think", "Work between operations: from how much of it on a difference stops to matter", "times {}'s time", 1.0, lambda panel: panel.curves,
             "costs no more than {}:", ratio_words,
             f"no more: by {100 * WITHIN:g} % at most, or by no more than the baseline differs from itself, at this work and all that was measured beyond it")
SHARE = Side("think-share", "Work between operations: share of a thread's time that counting takes", "share of the time, %", 100.0,
             lambda panel: {s: {ns: share(e) for ns, e in curve.items()} for s, curve in panel.curves.items()} if panel.has_floor else {},
             "beyond {}'s time, at least and most work:", share_words, "share: 1 less the time of the floor (which counts nothing) over the strategy's")


class Shape:
    """A panel's texts as they fit, and its height in inches."""

    def __init__(self, panel, side, options):
        self.panel, self.curves = panel, side.of(panel)
        wide = page.width(options)
        self.across = (1 - WORDS) * wide - LEFT - 0.2  # of the axes
        self.title = page.folded(panel.title, wide - 2 * page.EDGE, TITLE, bold=True)
        self.words = [("", side.head.format(panel.reference))] + [(s, side.words(panel, s)) for s in style.order(self.curves)]
        self.words = [(s, page.folded(text, WORDS * wide - 2 * page.EDGE, SMALL)) for s, text in self.words]
        self.above = page.height_of(self.title, TITLE) + 0.08
        self.axes = max(TALL, sum(page.height_of(text, SMALL) + 0.03 for _, text in self.words) - 0.3)
        self.height = self.above + self.axes + BELOW


def one_page(results, shapes, side, options):
    panels = [shape.panel for shape in shapes]
    looks = style.looks({s for shape in shapes for s in shape.curves})
    fig, _ = page.figure(options, sum(shape.height for shape in shapes), rows=0)
    every = [e for shape in shapes if not shape.panel.simulated for curve in shape.curves.values() for e in curve.values()]
    lines = [drawn(fig, shape, side, looks) for shape in shapes]
    spans = [line.draw() for line in lines]
    modelled = [sim.note(p.rows[0], "modelled: from simulated counts and the machine's latencies", bars=False) for p in panels if p.simulated]
    absent = missing.sentence([(f"{p.title}, {style.number(load.think(of[0]))} ns", missing.at(results, place))
                               for p in panels for place, of in load.groups(p.rows, load.place).items()])
    below = page.frame(fig, options, [side.title, style.threads(panels[0].threads)],
                       page.notes(estimates.note(every), side.note, *dict.fromkeys(modelled + spans), absent,
                                  *dict.fromkeys(results.rest(p.rows, without=["think"]) for p in panels)),
                       [(looks[s], s) for s in style.order(looks)])
    top = below + sum(shape.height for shape in shapes)
    for shape, line in zip(shapes, lines):
        place(fig, shape, side, line.ax, top, options)
        top -= shape.height
    return fig


def drawn(fig, shape, side, looks):
    """The panel's lines, on axes that have no place yet."""
    lines = series.Series(fig.add_axes([0, 0, 1, 1], label=shape.panel.title), looks, side.scale)
    for s in style.order(shape.curves):
        works = sorted(shape.curves[s])
        lines.add(s, shape.panel.places(works), [shape.curves[s][ns] for ns in works],
                  [f"{style.number(ns)} ns, {shape.panel.title}" for ns in works])
    return lines


def place(fig, shape, side, ax, top, options):
    wide, tall = fig.get_size_inches()
    panel, points = shape.panel, page.size(options, 7.5)
    bottom = top - shape.above - shape.axes
    ax.set_position([LEFT / wide, bottom / tall, shape.across / wide, shape.axes / tall])
    ax.tick_params(labelsize=points)
    ticks.words(ax, panel.places(panel.works), [style.number(ns) for ns in panel.works], options, page.width(options) / (shape.across + 0.8))
    ax.set_xlabel("ns of work between operations", fontsize=points)
    ax.set_ylabel(page.folded(side.axis.format(panel.reference), shape.axes, points), fontsize=points)
    if side is RATIO:
        ax.axhline(1, color="#777777", linestyle=":", linewidth=0.9, zorder=0)
    fig.text(page.EDGE / wide, (top - 0.02) / tall, shape.title, fontsize=TITLE, fontweight="bold", va="top", linespacing=1.1)
    y = top - shape.above
    for s, text in shape.words:
        said = fig.text((wide - WORDS * wide + page.EDGE) / wide, y / tall, text, fontsize=SMALL, va="top", linespacing=page.LINE - 0.02,
                        color=style.colour(s) if s else "#333333")
        if s:
            marks.put(said, marks.Mark(s, panel.title, text=side.head.format(panel.reference).rstrip(":") + ": " + side.words(panel, s).partition(": ")[2]))
        y -= page.height_of(text, SMALL) + 0.03
