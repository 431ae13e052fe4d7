"""Throughput by number of threads, one figure a workload."""
from .. import load, style

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
        drawn = []
        threads = sorted({r["config"]["threads"] for r in rows})
        for label in style.order(by_strategy):
            by_threads = load.groups(by_strategy[label], lambda r: r["config"]["threads"])
            points = [(n, load.Point(by_threads[n], "ops_per_second")) for n in sorted(by_threads)]
            look = looks[label]
            drawn += [p.median / 1e6 for _, p in points]
            ax.plot([n for n, _ in points], [p.median / 1e6 for _, p in points], color=look["color"],
                    linestyle=look["linestyle"], label=label)
            for n, p in points:
                bars = [[b / 1e6 for b in side] for side in p.bars]
                ax.errorbar([n], [p.median / 1e6], yerr=bars, color=look["color"], marker=look["marker"], capsize=2,
                            markerfacecolor="white" if p.hollow else look["color"], linestyle="none")
        ax.set_xscale("log", base=2)
        ax.set_xticks(threads, [str(n) for n in threads])
        ax.minorticks_off()
        style.scale(ax, drawn)
        ax.set_xlabel("threads")
        ax.set_ylabel("million operations a second")
        ax.set_title(f"Throughput of all threads together: {scene}")
        style.legend(fig, *ax.get_legend_handles_labels(), options)
        style.footnote(fig, load.spread_note(results))
        yield f"throughput-{style.slug(scene)}", fig
