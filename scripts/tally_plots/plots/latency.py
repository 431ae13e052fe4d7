"""Latency by percentile, closed loop and open, one figure per workload: the whole histogram, and intervals where metrics are."""
import math

from .. import estimates, load, marks, metrics, missing, page, series, style, ticks

NAME = "latency"
ORDER = 50

STEPS = [("latency_p50", 0.5), ("latency_p90", 0.9), ("latency_p99", 0.99), ("latency_p999", 0.999), ("latency_p9999", 0.9999)]
TICKS = [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %"), (0.99999, "99.999 %"),
         (0.999999, "99.9999 %"), (0.9999999, "99.99999 %")]
CLOSED = "closed loop"


def nines(share):
    """Where a share of the operations is on an axis that gives every nine as much room: 0, 90 %, 99 % are at 0, 1, 2."""
    return -math.log10(1 - share)


def loop(row):
    """The loop that a latency row was measured in, in words: how fast operations were meant to begin, of all threads together."""
    rate = load.measured(row).partition("@")[2].replace("%", " % of the closed loop's rate")
    return f"open loop, {rate.replace(',poisson', ', Poisson arrivals')}" if rate else CLOSED


def draw(results, options):
    for place, part in load.groups(results.select(mode="latency"), lambda r: load.place(r)[:2]).items():
        for nth, loops in enumerate(beside(load.groups(part, loop))):
            fig = figure(results, options, place, part, loops)
            yield f"latency-{style.slug(place[0])}-{place[1]}" + (f"-{style.slug(list(loops)[-1])}" if nth else ""), fig


def beside(loops):
    """What one figure shows: each open loop with the closed one, or two open ones where there is none."""
    opened = [name for name in loops if name != CLOSED]
    if CLOSED in loops:
        shown = [[CLOSED, name] for name in opened] or [[CLOSED]]
    else:
        shown = [opened[at:at + 2] for at in range(0, len(opened), 2)]
    return [{name: loops[name] for name in names} for names in shown]


def figure(results, options, place, part, loops):
    columns = min(len(loops), 2 if page.width(options) >= page.NARROW else 1)
    rows = -(-len(loops) // columns)
    fig, axes = page.figure(options, 2.9 if rows == 1 else 2.2 * rows, columns=columns, rows=rows)
    looks = style.looks(load.groups(part, load.labelled))
    panels = [Panel(results, ax, name, here, looks) for ax, (name, here) in zip(axes.ravel(), loops.items())]
    alike(panels, options, columns)
    notes = [estimates.note([e for p in panels for e in p.drawn.estimates])]
    if any(p.curves for p in panels):
        notes.append("lines: of all buckets, the mean over processes of the median over blocks, as far as every window has operations beyond")
    if any(p.service for p in panels):
        notes.append("of an open loop from intended starts, thin lines from actual ones")
    absent = missing.sentence([(p.name, missing.at(results, load.place(p.rows[0]))) for p in panels])
    what = panels[0].name if len(panels) == 1 else "closed and open loop" if CLOSED in loops else "open loop"
    handles = {label: look for p in panels for look, label in p.drawn.handles()}
    page.frame(fig, options, [f"Latency, {what}", f"{results.title(part[0])}, {style.threads(place[1])}"],
               page.notes(*notes, *dict.fromkeys(p.cut for p in panels), absent, results.rest(part)),
               [(handles[label], label) for label in style.order(handles)])
    return fig


class Panel:
    """The rows of one loop."""

    def __init__(self, results, ax, name, rows, looks):
        self.ax, self.name, self.rows = ax, name, rows
        by_strategy = load.groups(rows, load.labelled)
        self.drawn = series.Series(ax, looks)
        self.curves = {label: estimates.latency_curve(of[0]) for label, of in by_strategy.items()}
        self.curves = {label: curve for label, curve in self.curves.items() if curve}
        self.service = {label: curve for label, of in by_strategy.items() if (curve := estimates.latency_curve(of[0], "open_loop.service"))}
        for label in style.order(by_strategy):
            found = [estimates.of(by_strategy[label][0], name) for name, _ in STEPS]
            self.drawn.add(label, [nines(share) for _, share in STEPS], found, [f"{100 * share:g} %" for _, share in STEPS],
                           joined=label not in self.curves)
        self.cut = self.drawn.draw()
        for curves, width in ((self.curves, 1.1), (self.service, 0.5)):
            for label, curve in curves.items():
                line, = ax.plot([nines(share) for share, _ in curve], [ns for _, ns in curve], color=looks[label]["color"],
                                linestyle=looks[label]["linestyle"], linewidth=width)
                marks.put(line, marks.Mark(label))
        ax.set_xlabel("operations of a window that took no longer")
        ax.set_ylabel(metrics.of(results, STEPS[0][0]).title)

    @property
    def last(self):
        """Where its longest line ends."""
        return max([nines(share) for curve in self.curves.values() for share, _ in curve], default=3.0)

    @property
    def ends(self):
        low, high = self.ax.get_ylim()
        reached = [ns for curves in (self.curves, self.service) for curve in curves.values() for _, ns in curve if ns > 0]
        return min([low, *(ns / 1.1 for ns in reached)]), max([high, *(1.1 * ns for ns in reached)])


def alike(panels, options, columns):
    """The same axes for all of them: what a closed loop hides shows as a difference of height."""
    logarithmic = any(p.ax.get_yscale() == "log" for p in panels)
    lows, highs = zip(*(p.ends for p in panels))
    low = min((end for end in lows if end > 0), default=1) if logarithmic else min(lows)
    last = max(p.last for p in panels)
    shown = [(nines(share), words) for share, words in TICKS if nines(share) <= last + 0.05]
    for p in panels:
        if logarithmic and p.ax.get_yscale() != "log":
            p.ax.set_yscale("log")
            ticks.plain_log(p.ax.yaxis)
        p.ax.set_ylim(low, max(highs))
        p.ax.set_xlim(0, last + 0.1)
        ticks.words(p.ax, [x for x, _ in shown], [words for _, words in shown], options, columns)
        if len(panels) > 1:
            p.ax.set_title(p.name)
