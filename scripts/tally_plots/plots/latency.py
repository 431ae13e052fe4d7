"""Latency percentiles, closed loop, one figure per workload."""
from .. import estimates, load, metrics, style

NAME = "latency"
ORDER = 50

STEPS = [("latency_p50", "p50"), ("latency_p90", "p90"), ("latency_p99", "p99"), ("latency_p999", "p99.9"),
         ("latency_max", "max")]


def draw(results, options):
    from matplotlib import ticker
    rows = results.select(mode="latency")
    for (scene, threads), part in load.groups(rows, lambda r: (load.workload(r), r["config"]["threads"])).items():
        fig, axes = style.figure(options)
        ax = axes[0][0]
        by_strategy = load.groups(part, load.labelled)
        looks = style.looks(by_strategy)
        drawn = []
        for label in style.order(by_strategy):
            points = [estimates.of(by_strategy[label][0], name) for name, _ in STEPS]
            drawn += points
            look = looks[label]
            ax.plot(range(len(STEPS)), [p.median for p in points], color=look["color"], linestyle=look["linestyle"],
                    label=label)
            for x, p in enumerate(points):
                style.point(ax, x, p, look)
        ax.set_yscale("log")
        style.plain_log(ax.yaxis)
        ax.yaxis.set_major_locator(ticker.LogLocator(base=10, numticks=12))
        ax.set_xticks(range(len(STEPS)), [name for _, name in STEPS])
        ax.set_xlabel("percentile of the operations of a window")
        ax.set_ylabel(metrics.of(results, STEPS[0][0]).title)
        style.title(fig, f"Latency, closed loop: {scene}, {style.threads(threads)}")
        style.legend(fig, *ax.get_legend_handles_labels(), options)
        style.footnote(fig, estimates.note(drawn))
        yield f"latency-{style.slug(scene)}-{threads}", fig
