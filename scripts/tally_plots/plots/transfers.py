"""Simulated line transfers per operation by virtual cores, with the band over schedules."""
from .. import estimates, load, metrics, page, series, sim, style, ticks

NAME = "transfers"
ORDER = 80


def draw(results, options):
    for scene, rows in sim.scenes(results):
        fig, axes = page.figure(options, 2.7)
        ax = axes[0][0]
        by_strategy = load.groups(rows, load.labelled)
        counts = sorted({sim.cores(r) for r in rows})
        drawn = series.Series(ax, style.looks(by_strategy), far=float("inf"))
        for label in style.order(by_strategy):
            points = sorted(by_strategy[label], key=sim.cores)
            drawn.add(label, [counts.index(sim.cores(r)) for r in points],
                      [estimates.band(r["metrics"]["transfers_per_op"]) for r in points],
                      [f"{sim.cores(r)} cores" for r in points])
        cut = drawn.draw()
        ticks.words(ax, range(len(counts)), [str(c) for c in counts], options)
        ax.set_xlabel("virtual cores")
        ax.set_ylabel(metrics.of(results, "transfers_per_op").title)
        page.frame(fig, options, ["Lines that come from another core's cache", f"{results.title(rows[0])} (simulated)"],
                   page.notes(sim.note(rows[0], "exact counts of the simulated machine"), cut, sim.absent(results, rows),
                              results.rest(rows)), drawn.handles())
        yield sim.file_name("transfers", scene), fig
