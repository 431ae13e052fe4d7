"""Pauses of collectors over the size of the heap: a workload's rows with windows of several sizes."""
import math

from .. import estimates, load, metrics, missing, page, series, style, ticks

NAME = "pauses"
ORDER = 65

SIDES = [("pause_p50", "median"), ("pause_max", "longest")]
# Workload: what it keeps alive per thread, in objects; `window` is what is scanned.
LIVE = {"cycles": lambda r: load.number_of(r, "window") * load.number_of(r, "size"), "graph": lambda r: load.number_of(r, "window")}
SCANNED = "window"


def draw(results, options):
    rows = [r for name in LIVE for r in results.select(name) if load.number_of(r, SCANNED) is not None]
    for (workload, rest, threads), part in load.groups(rows, lambda r: (r["config"]["workload"]["name"], *load.others(r, SCANNED))).items():
        paused = [r for r in part if any(load.metric(r, name) is not None for name, _ in SIDES)]
        sizes = sorted({live(r) for r in paused})
        if len(sizes) < 2:
            continue
        columns = 2 if page.width(options) >= page.NARROW else 1
        fig, axes = page.figure(options, 2.8 if columns == 2 else 4.4, columns=columns, rows=2 // columns)
        by_strategy = load.groups(paused, load.labelled)
        looks = style.looks(by_strategy)
        said, every = [], []
        for ax, (name, what) in zip(axes.ravel(), SIDES):
            drawn = series.Series(ax, looks, 1e-3)
            for label in style.order(by_strategy):
                by_size = {live(r): r for r in reversed(by_strategy[label])}
                drawn.add(label, [math.log10(n) for n in sorted(by_size)], [estimates.of(by_size[n], name) for n in sorted(by_size)],
                          [style.number(n) for n in sorted(by_size)])
            said.append(drawn.draw())
            every += drawn.estimates
            ticks.words(ax, [math.log10(n) for n in sizes], [style.number(n) for n in sizes], options, columns)
            ax.set_xlabel("objects alive")
            ax.set_ylabel("us per collection")
            ax.set_title(what)
        absent = missing.sentence([("", missing.without(part, "pause_max"))])
        page.frame(fig, options, ["Pauses over the size of the heap", f"{results.title(part[0], without=[SCANNED])}, {style.threads(threads)}"],
                   page.notes(estimates.note(every), *dict.fromkeys(said), absent, results.rest(part, without=[SCANNED])), drawn.handles())
        yield f"pauses-{workload}" + "".join(c if c.isalnum() else "-" for c in rest) + f"-{threads}", fig


def live(row):
    """Objects that its threads keep alive together."""
    return row["config"]["threads"] * LIVE[row["config"]["workload"]["name"]](row)
