"""Who takes lines from whom: a heat map of simulated line transfers between cores."""
from .. import load, sim, style

NAME = "takers"
ORDER = 110
LEAST_CORES, MOST_MAPS = 4, 6


def draw(results, options):
    import numpy as np
    from matplotlib import colors
    for scene, rows in sim.scenes(results):
        shown = [r for r in rows if sim.cores(r) >= LEAST_CORES]
        if not shown:
            continue
        # As many cores as can still be told apart; the heaviest traffic if there are more strategies than maps.
        counts = sorted({sim.cores(r) for r in shown})
        count = max([c for c in counts if c <= 32], default=counts[0])
        by_strategy = {load.strategy(r): r for r in shown if sim.cores(r) == count and r["simulation"]["taken"]}
        if not by_strategy:
            continue
        heaviest = sorted(by_strategy, key=lambda s: -by_strategy[s]["metrics"]["transfers_per_op"]["value"])[:MOST_MAPS]
        labels = style.order(heaviest)
        maps = {}
        for label in labels:
            row = by_strategy[label]
            maps[label] = np.zeros((count, count))
            for giver, taker, n in row["simulation"]["taken"]:
                maps[label][giver, taker] = n / row["simulation"]["operations"]
        top = max(m.max() for m in maps.values())
        least = min(m[m > 0].min() for m in maps.values())
        columns = min(3 if (options.width or style.WIDTH) > 5 else 1, len(labels))
        lines = -(-len(labels) // columns)
        fig, axes = style.figure(options, height=0.9 + (1.95 if columns == 3 else 2.6) * lines, columns=columns, rows=lines)
        norm = colors.LogNorm(least, top) if top > 8 * least else colors.Normalize(0, top)
        image = None
        for at, label in enumerate(labels):
            ax = axes[at // columns][at % columns]
            image = ax.imshow(np.ma.masked_equal(maps[label], 0), origin="lower", cmap="viridis", norm=norm, interpolation="nearest")
            ax.set_title(style.folded(label, int(7 * fig.get_figwidth() / (columns + 0.8))), fontsize=8)
            ax.grid(False)
            ax.set_xlabel("takes")
            ax.set_ylabel("had it")
        for at in range(len(labels), columns * lines):
            axes[at // columns][at % columns].set_visible(False)
        bar = fig.colorbar(image, ax=axes.ravel().tolist(), shrink=0.8, aspect=30)
        bar.set_label("lines per operation")
        if isinstance(norm, colors.LogNorm):
            style.plain_log(bar.ax.yaxis)
        style.title(fig, f"Who takes lines from whom: {scene[0]}, {count} virtual cores (simulated)")
        style.footnote(fig, sim.note(by_strategy[labels[0]], "white: never").split(", bars")[0])
        yield sim.file_name(f"takers-{count}", scene), fig
