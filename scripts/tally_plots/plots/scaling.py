"""Predicted operations per second over virtual cores, and what was measured, drawn differently (--overlay DIR)."""
import math

from .. import estimates, load, metrics, page, series, sim, style, ticks

NAME = "scaling"
ORDER = 100


def draw(results, options):
    overlay = getattr(options, "overlaid", None)
    seen = sim.measured(results) + (sim.measured(overlay) if overlay else [])
    for scene, rows in sim.scenes(results):
        by_strategy = load.groups(rows, load.labelled)
        counts = sorted({sim.cores(r) for r in rows})
        if len(counts) < 2:
            continue
        here = load.groups([r for r in seen if load.workload(r) == scene[0]], load.labelled)
        fig, axes = page.figure(options, 3.0)
        ax = axes[0][0]
        speed = metrics.of(results, "ops_per_second")
        drawn = series.Series(ax, style.looks([*by_strategy, *here]), speed.scale)
        for label in style.order(by_strategy):
            points = sorted(by_strategy[label], key=sim.cores)
            drawn.add_line(label, [math.log2(sim.cores(r)) for r in points], [load.metric(r, speed.name) for r in points])
        for label in style.order(here):
            by_threads = {sim.cores(r): r for r in reversed(here[label])}
            drawn.add(label, [math.log2(n) for n in sorted(by_threads)],
                      [estimates.of(by_threads[n], speed.name) for n in sorted(by_threads)],
                      [style.threads(n) for n in sorted(by_threads)], joined=False)
        cut = drawn.draw()
        ticks.words(ax, [math.log2(n) for n in counts], [str(n) for n in counts], options)
        beyond(ax, counts, max([r["machine"]["cores"] for of in here.values() for r in of], default=0))
        ax.set_xlabel("cores")
        ax.set_ylabel(speed.title)
        what = "lines: modelled, from simulated counts and the machine's latencies; " + (
            "markers: measured (hollow: doubtful)" if here else "nothing measured here (--overlay DIR draws it)")
        page.frame(fig, options, ["Predicted scaling (modelled)", results.title(rows[0])],
                   page.notes(sim.note(rows[0], what, bars=False), cut, sim.absent(results, rows), results.rest(rows)), drawn.handles())
        yield sim.file_name("scaling", scene), fig


def beyond(ax, counts, measured):
    """Greys what nobody measured: beyond the cores of the machine that was."""
    if measured and counts[-1] > measured:
        ax.axvspan(math.log2(measured), ax.get_xlim()[1], color="#f3f3f3", zorder=0)
        ax.annotate(f"extrapolated beyond {measured} measured cores", (math.log2(measured), 1), xycoords=("data", "axes fraction"),
                    xytext=(4, -2), textcoords="offset points", va="top", fontsize=6.5, color="#555555")
