"""Heap size against time: what a collector pays for a tighter heap, with the counting strategies as lines across."""
from .. import estimates, load, metrics, style

NAME = "heap"
ORDER = 70


def draw(results, options):
    rows = results.select()
    for (scene, threads), part in load.groups(rows, lambda r: (load.workload(r), r["config"]["threads"])).items():
        limited = [r for r in part if r["config"]["heap"]["multiple"]]
        multiples = sorted({r["config"]["heap"]["multiple"] for r in limited})
        if len(multiples) < 2:
            continue
        columns = 2 if (options.width or 6.8) > 5 else 1
        fig, axes = style.figure(options, height=3.4 if columns == 2 else 5.6, columns=columns, rows=2 // columns)
        flat = [axes[0][0], axes[-1][-1]]
        free = [r for r in part if not r["config"]["heap"]["multiple"]]
        looks = style.looks([load.strategy(r) for r in part])
        drawn = []
        for ax, (name, what) in zip(flat, [("ns_per_op", "wall time"), ("cpu_ns_per_op", "CPU time, collector threads included")]):
            for label, mine in sorted(load.groups(limited, load.strategy).items()):
                by_heap = load.groups(mine, lambda r: r["config"]["heap"]["multiple"])
                points = [(m, estimates.of(by_heap[m][0], name)) for m in sorted(by_heap)]
                look = looks[label]
                drawn += [p for _, p in points]
                ax.plot([m for m, _ in points], [p.median for _, p in points], color=look["color"],
                        linestyle=look["linestyle"], label=label)
                for m, p in points:
                    style.point(ax, m, p, look)
            for label, mine in sorted(load.groups(free, load.strategy).items()):
                look = looks[label]
                drawn.append(estimates.of(mine[0], name))
                ax.axhline(drawn[-1].median, color=look["color"], linestyle=":", linewidth=1.2,
                           label=f"{label} (no limit)")
            ax.set_ylim(bottom=0)
            ax.set_xticks(*style.spaced(multiples, [f"{m:g}x" for m in multiples]))
            style.plain_linear(ax.yaxis)
            ax.set_xlabel("heap limit, times the peak live payload")
            ax.set_ylabel(metrics.of(results, name).title)
            ax.set_title(style.folded(what, int(9 * fig.get_figwidth() / columns)), fontsize=9)
        style.title(fig, f"Heap size against time: {scene}, {style.threads(threads)}")
        style.legend(fig, *flat[0].get_legend_handles_labels(), options)
        style.footnote(fig, estimates.note(drawn))
        yield "heap-" + style.slug(scene) + f"-{threads}", fig
