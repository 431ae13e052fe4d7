"""Throughput by number of threads, one figure per workload."""
from .. import estimates, load, metrics, style

NAME = "throughput"
ORDER = 10


def draw(results, options):
    for scene, rows in load.groups(results.select(), load.workload).items():
        if len({r["config"]["threads"] for r in rows}) < 2:
            continue
        fig, axes = style.figure(options)
        ax = axes[0][0]
        by_strategy = load.groups(rows, load.labelled)
        looks = style.looks(by_strategy)
        speed = metrics.of(results, "ops_per_second")
        drawn = []
        threads = sorted({r["config"]["threads"] for r in rows})
        for label in style.order(by_strategy):
            by_threads = load.groups(by_strategy[label], lambda r: r["config"]["threads"])
            points = [(n, estimates.of(by_threads[n][0], speed.name)) for n in sorted(by_threads)]
            look = looks[label]
            drawn += [p for _, p in points]
            ax.plot([n for n, _ in points], [p.median * speed.scale for _, p in points], color=look["color"],
                    linestyle=look["linestyle"], label=label)
            for n, p in points:
                style.point(ax, n, p, look, speed.scale)
        ax.set_xscale("log", base=2)
        ax.set_xticks(threads, [str(n) for n in threads])
        ax.minorticks_off()
        style.scale(ax, [p.median * speed.scale for p in drawn])
        ax.set_xlabel("threads")
        ax.set_ylabel(speed.title)
        style.title(fig, f"Throughput of all threads together: {scene}")
        style.legend(fig, *ax.get_legend_handles_labels(), options)
        style.footnote(fig, estimates.note(drawn))
        yield f"throughput-{style.slug(scene)}", fig
