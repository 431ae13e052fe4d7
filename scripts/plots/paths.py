"""What each fast path caught in the recordings: shares of all operations, a bar a strategy."""
from . import load, style
from .throughput import slug

NAME = "paths"

# In the order of the bar. Colours say cheap to dear: no write at all, a plain write, an atomic one.
PATHS = [
    ("share_immortal", "immortal: never counted", "#cfcfcf"),
    ("share_paired", "paired: a stack reference, left uncounted", "#009E73"),
    ("share_owner", "owner: a plain count", "#56B4E9"),
    ("share_foreign", "foreign: an atomic count", "#D55E00"),
    ("share_last", "last: the object dies", "#000000"),
    ("share_new", "new: the object is made", "#F0E442"),
]


def draw(results, options):
    rows = [r for r in results.select("trace") if load.metric(r, "share_last") is not None]
    for (scene, threads), part in load.groups(rows, lambda r: (load.workload(r), r["config"]["threads"])).items():
        by_strategy = load.groups(part, load.strategy)
        labels = style.order(by_strategy)[::-1]
        fig, axes = style.figure(options, height=1.5 + 0.28 * len(labels))
        ax = axes[0][0]
        left = [0.0] * len(labels)
        for name, words, colour in PATHS:
            shares = [100 * (load.Point(by_strategy[s], name).median if load.metric(by_strategy[s][0], name) is not None else 0)
                      for s in labels]
            if not any(shares):
                continue
            ax.barh(range(len(labels)), shares, left=left, color=colour, label=words, height=0.72)
            for y, share in enumerate(shares):
                if share >= 6:
                    dark = colour in ("#000000", "#D55E00", "#009E73")
                    ax.text(left[y] + share / 2, y, f"{share:.0f}", ha="center", va="center", fontsize=7,
                            color="white" if dark else "black")
            left = [a + b for a, b in zip(left, shares)]
        ax.set_yticks(range(len(labels)), labels)
        ax.set_xlim(0, 100)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("share of the recording's operations, %")
        ax.set_title(f"Which path took the operations: {scene}, {threads} thread{'s' if threads > 1 else ''}")
        style.legend(fig, *ax.get_legend_handles_labels(), options)
        style.footnote(fig, "counted while the recording is decoded and replayed: exact, no spread")
        yield f"paths-{slug(scene)}-{threads}", fig
