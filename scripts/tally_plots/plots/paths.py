"""What each fast path can catch in the recordings: shares of all operations, a bar for each recording and way of replaying it."""
from .. import load, marks, page

NAME = "paths"
ORDER = 30

# In the order of the bar, cheap to dear: not counted at all, a plain write, an atomic one, the object's ends.
PATHS = [
    ("share_immortal", "immortal: never counted", "#cfcfcf"),
    ("share_paired", "paired: a stack reference that deferral leaves uncounted", "#009E73"),
    ("share_owner", "owner: a plain count", "#56B4E9"),
    ("share_foreign", "foreign: an atomic count", "#D55E00"),
    ("share_new", "new: the object is made", "#F0E442"),
    ("share_last", "last: the object dies", "#000000"),
]


def draw(results, options):
    rows = [r for r in results.select("trace") if load.metric(r, "share_last") is not None]
    by_scene = load.groups(rows, lambda r: (load.parameter(r, "file"), load.parameter(r, "mode"), r["config"]["threads"]))
    if not by_scene:
        return
    scenes = list(by_scene)[::-1]
    names, slot = page.names_beside([f"{file}, {replayed(mode, threads)}" for file, mode, threads in scenes], options, 7.5)
    fig, axes = page.figure(options, 0.7 + slot * len(names))
    ax = axes[0][0]
    left = [0.0] * len(scenes)
    for name, words, colour in PATHS:
        shares = [100 * (load.metric(by_scene[s][0], name) or 0) for s in scenes]
        bars = ax.barh(range(len(scenes)), shares, left=left, color=colour, height=0.72)
        marks.put_on_bars(bars, [f"{shown}, {words.split(':')[0]}: {share:.3g} %" for shown, share in zip(names, shares)])
        for y, share in enumerate(shares):
            if share >= 5:
                dark = colour in ("#000000", "#D55E00", "#009E73")
                ax.text(left[y] + share / 2, y, f"{share:.0f}", ha="center", va="center", fontsize=7,
                        color="white" if dark else "black")
        left = [a + b for a, b in zip(left, shares)]
    ax.set_yticks(range(len(scenes)), names, fontsize=7.5, linespacing=1.1)
    ax.set_xlim(0, 100)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("share of the recording's operations, %")
    page.frame(fig, options, ["What each fast path can catch in the recordings"],
               "exact counts of the recording as it is replayed, the same for every strategy: no spread",
               [({"color": colour, **page.BAR}, words) for _, words, colour in PATHS])
    yield "paths", fig


def replayed(mode, threads):
    return {"single": "one thread", "threads": f"its {threads} threads",
            "copies": f"{threads} copies"}.get(mode, f"{mode}, {threads} threads")
