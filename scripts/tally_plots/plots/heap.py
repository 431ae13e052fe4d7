"""Heap size against time: what a collector pays for a tighter heap, with the counting strategies as lines across."""
import math

from .. import estimates, load, metrics, missing, page, series, style, ticks

NAME = "heap"
ORDER = 70

SIDES = [("ns_per_op", "wall time"), ("cpu_ns_per_op", "CPU time, with collector threads")]


def draw(results, options):
    for (scene, threads, mode), part in load.groups(results.select(), load.place).items():
        limited = [r for r in part if r["config"]["heap"]["multiple"]]
        unlimited = [r for r in part if not r["config"]["heap"]["multiple"]]
        multiples = sorted({r["config"]["heap"]["multiple"] for r in limited})
        if len(multiples) < 2:
            continue
        columns = 2 if page.width(options) >= page.NARROW else 1
        fig, axes = page.figure(options, 2.8 if columns == 2 else 4.4, columns=columns, rows=2 // columns)
        looks = style.looks([load.strategy(r) for r in part])
        limits, free = load.groups(limited, load.strategy), load.groups(unlimited, load.strategy)
        said, every = [], []
        for ax, (name, what) in zip(axes.ravel(), SIDES):
            drawn = series.Series(ax, looks)
            for label in style.order(limits):
                by_heap = {r["config"]["heap"]["multiple"]: r for r in reversed(limits[label])}
                drawn.add(label, [math.log2(m) for m in sorted(by_heap)], [estimates.of(by_heap[m], name) for m in sorted(by_heap)],
                          [f"{m:g}x" for m in sorted(by_heap)])
            for label in style.order(free):
                drawn.add_across(label, estimates.of(free[label][0], name))
            said.append(drawn.draw())
            every += drawn.estimates
            ticks.words(ax, [math.log2(m) for m in multiples], [f"{m:g}x" for m in multiples], options, columns)
            ax.set_xlabel("heap limit, times the peak live payload")
            ax.set_ylabel(metrics.of(results, name).title)
            ax.set_title(what)
        absent = missing.sentence([("", missing.at(results, (scene, threads, mode)))])
        page.frame(fig, options, ["Heap size against time", f"{results.title(part[0])}, {style.threads(threads)}"],
                   page.notes(estimates.note(every), "lines across: without a limit", *said, absent, results.rest(part)), drawn.handles())
        yield "heap-" + style.slug(scene) + f"-{threads}", fig
