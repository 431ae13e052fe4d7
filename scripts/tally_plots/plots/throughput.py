"""Throughput by number of threads, one figure per workload."""
import math

from .. import estimates, load, metrics, missing, page, series, style, ticks

NAME = "throughput"
ORDER = 10


def draw(results, options):
    speed = metrics.of(results, "ops_per_second")
    for scene, rows in load.groups(results.select(), load.workload).items():
        counts = sorted({r["config"]["threads"] for r in rows})
        if len(counts) < 2:
            continue
        fig, axes = page.figure(options, 2.7)
        ax = axes[0][0]
        by_strategy = load.groups(rows, load.labelled)
        drawn = series.Series(ax, style.looks(by_strategy), speed.scale)
        for label in style.order(by_strategy):
            by_threads = {r["config"]["threads"]: r for r in reversed(by_strategy[label])}
            drawn.add(label, [math.log2(n) for n in sorted(by_threads)],
                      [estimates.of(by_threads[n], speed.name) for n in sorted(by_threads)],
                      [style.threads(n) for n in sorted(by_threads)])
        cut = drawn.draw()
        ticks.words(ax, [math.log2(n) for n in counts], [str(n) for n in counts], options)
        ax.set_xlabel("threads")
        ax.set_ylabel(speed.title)
        absent = missing.sentence([(style.threads(n), missing.at(results, (scene, n, "throughput"))) for n in counts])
        page.frame(fig, options, ["Throughput of all threads together", results.title(rows[0])],
                   page.notes(estimates.note(drawn.estimates), cut, absent, results.rest(rows)), drawn.handles())
        yield f"throughput-{style.slug(scene)}", fig
