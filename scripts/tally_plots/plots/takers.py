"""Who takes lines from whom: a heat map of simulated line transfers between cores."""
from .. import load, page, sim, style, ticks

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
        by_strategy = {load.labelled(r): r for r in shown if sim.cores(r) == count and r["simulation"]["taken"]}
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
        columns = min(3 if page.width(options) >= page.NARROW else 2, len(labels))
        lines = -(-len(labels) // columns)
        names = {label: page.folded(label, (page.width(options) - 1) / columns - 0.3, 7.5) for label in labels}
        side = (page.width(options) - 0.9) / columns - 0.35
        deepest = max(1 + name.count("\n") for name in names.values())
        fig, axes = page.figure(options, (side + 0.45 + 0.13 * deepest) * lines, columns=columns, rows=lines)
        norm = colors.LogNorm(least, top) if top > 8 * least else colors.Normalize(0, top)
        image = None
        for at, label in enumerate(labels):
            ax = axes[at // columns][at % columns]
            image = ax.imshow(np.ma.masked_equal(maps[label], 0), origin="lower", cmap="viridis", norm=norm, interpolation="nearest")
            ax.set_title(names[label], fontsize=7.5)
            ax.grid(False)
            ax.tick_params(labelsize=7)
            for axis in (ax.xaxis, ax.yaxis):
                ticks.plain_linear(axis)
            ax.set_xlabel("takes", fontsize=8)
            ax.set_ylabel("had it", fontsize=8)
        for at in range(len(labels), columns * lines):
            axes[at // columns][at % columns].set_visible(False)
        bar = fig.colorbar(image, ax=axes.ravel().tolist(), shrink=0.8, aspect=30)
        bar.set_label("lines per operation", fontsize=8)
        bar.ax.tick_params(labelsize=7)
        if isinstance(norm, colors.LogNorm):
            ticks.plain_log(bar.ax.yaxis)
        row = by_strategy[labels[0]]
        left_out = sorted(set(by_strategy) - set(labels))
        page.frame(fig, options, ["Who takes lines from whom", f"{results.title(row)}, {count} virtual cores (simulated)"],
                   page.notes(sim.note(row, "white: never", bars=False),
                              f"the {MOST_MAPS} that move most; not drawn: {', '.join(left_out)}" if left_out else "",
                              results.rest([row])))
        yield sim.file_name(f"takers-{count}", scene), fig
