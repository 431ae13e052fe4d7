"""Latency by percentile, closed loop, one figure per workload: the whole histogram, and intervals where metrics are."""
import math

from .. import estimates, load, marks, metrics, missing, page, series, style, ticks

NAME = "latency"
ORDER = 50

STEPS = [("latency_p50", 0.5), ("latency_p90", 0.9), ("latency_p99", 0.99), ("latency_p999", 0.999)]
TICKS = [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %"), (0.99999, "99.999 %"),
         (0.999999, "99.9999 %"), (0.9999999, "99.99999 %")]


def nines(share):
    """Where a share of the operations is on an axis that gives every nine as much room: 0, 90 %, 99 % are at 0, 1, 2."""
    return -math.log10(1 - share)


def draw(results, options):
    for place, part in load.groups(results.select(mode="latency"), load.place).items():
        fig, axes = page.figure(options, 2.9)
        ax = axes[0][0]
        by_strategy = load.groups(part, load.labelled)
        looks = style.looks(by_strategy)
        drawn = series.Series(ax, looks)
        curves = {label: estimates.latency_curve(rows[0]) for label, rows in by_strategy.items()}
        for label in style.order(by_strategy):
            found = [estimates.of(by_strategy[label][0], name) for name, _ in STEPS]
            drawn.add(label, [nines(share) for _, share in STEPS], found, [f"{100 * share:g} %" for _, share in STEPS],
                      joined=not curves[label])
        cut = drawn.draw()
        for label, curve in curves.items():
            if curve:
                line, = ax.plot([nines(share) for share, _ in curve], [ns for _, ns in curve], color=looks[label]["color"],
                                linestyle=looks[label]["linestyle"], linewidth=1.1)
                marks.put(line, marks.Mark(label))
        ends = [ns for curve in curves.values() for _, ns in curve if ns > 0]
        if ends:
            low, high = ax.get_ylim()
            ax.set_ylim(min(low, min(ends) / 1.1), max(high, 1.1 * max(ends)))
        last = max([nines(share) for curve in curves.values() for share, _ in curve], default=3.0)
        shown = [(nines(share), words) for share, words in TICKS if nines(share) <= last + 0.05]
        ax.set_xlim(0, last + 0.1)
        ticks.words(ax, [x for x, _ in shown], [words for _, words in shown], options)
        ax.set_xlabel("operations of a window that took no longer")
        ax.set_ylabel(metrics.of(results, STEPS[0][0]).title)
        page.frame(fig, options, ["Latency, closed loop", f"{results.title(part[0])}, {style.threads(place[1])}"],
                   page.notes(estimates.note(drawn.estimates), "lines: of all buckets, the mean over processes of the median over blocks, as far "
                              "as every window has operations beyond" if ends else "", cut,
                              missing.sentence([("", missing.at(results, place))]), results.rest(part)), drawn.handles())
        yield f"latency-{style.slug(place[0])}-{place[1]}", fig
