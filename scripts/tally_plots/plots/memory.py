"""Live memory over time, one figure per workload: each strategy's first window."""
from .. import load, style

NAME = "memory"
ORDER = 60


def draw(results, options):
    rows = [r for r in results.select(mode="memory") if r.get("memory", {}).get("samples")]
    for (scene, threads), part in load.groups(rows, lambda r: (load.workload(r), r["config"]["threads"])).items():
        fig, axes = style.figure(options)
        ax = axes[0][0]
        by_strategy = load.groups(part, load.labelled)
        looks = style.looks(by_strategy)
        for label in style.order(by_strategy):
            row = min(by_strategy[label], key=lambda r: (r["process"], r["block"]))
            samples = row["memory"]["samples"]
            ax.plot([s["at_ns"] / 1e6 for s in samples], [s["bytes"] / 2**20 for s in samples],
                    color=looks[label]["color"], linestyle=looks[label]["linestyle"], label=label, linewidth=1.2)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("ms since the window opened")
        ax.set_ylabel("MiB of objects not yet freed")
        style.title(fig, f"Memory over time: {scene}, {style.threads(threads)}")
        style.legend(fig, *ax.get_legend_handles_labels(), options)
        style.footnote(fig, "one window of each strategy, sampled every millisecond from per-thread counters; headers included; garbage that a "
                            "scheme holds back counts as live")
        yield f"memory-{style.slug(scene)}-{threads}", fig
