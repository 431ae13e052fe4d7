"""Windows in doubt, by workload and by reason: what is drawn hollow elsewhere."""
from .. import load, marks, missing, page, style, ticks

NAME = "quality"
ORDER = 115

ROOM = 5.0  # inches of bars in one figure: the reasons take some, too
COLOURS = ["#D55E00", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D31", "#6A3D9A", "#000000", "#F0E442", "#882255",
           "#B2DF8A", "#5b5b5b", "#FB9A99"]


def draw(results, options):
    rows = [r for r in results.ok if "quality" in r]
    titles = {(r["_run"], r["row"]): results.title(r) for r in {(r["_run"], r["row"]): r for r in rows}.values()}
    scenes = load.groups(rows, lambda r: (titles[r["_run"], r["row"]], r["config"]["threads"]))
    shares = {scene: shares_of(here) for scene, here in scenes.items()}
    totals = {}
    for share in shares.values():
        for why, part in share.items():
            totals[why] = totals.get(why, 0) + part
    kinds = sorted(totals, key=lambda why: (-totals[why], why))
    if not kinds:
        return
    looks = {why: {"color": COLOURS[min(nth, len(COLOURS) - 1)], **page.BAR} for nth, why in enumerate(kinds)}
    names, slot = page.names_beside([f"{title}, {style.threads(threads)}" for title, threads in scenes], options, 7, 0.42)
    shares = list(zip(names, shares.values()))
    said = load.said_of_doubt(rows)
    most = max(1, int(ROOM / slot))
    for first in range(0, len(shares), most):
        yield "quality" if first == 0 else f"quality-{first // most + 1}", one_page(
            shares[first:first + most], slot, kinds, looks, options, said)


def shares_of(rows):
    """Per cent of the windows in doubt, by kind of reason; one with several is split among them."""
    found = {}
    for row in rows:
        reasons = {missing.kind(why) for why in why_doubtful(row)}
        for why in reasons:
            found[why] = found.get(why, 0) + 100 / len(reasons) / len(rows)
    return found


def why_doubtful(row):
    if not load.doubtful(row):
        return []
    quality = row["quality"]
    if quality["doubtful"]:
        return quality.get("reasons") or [quality["verdict"]]
    return ["the workload hardly allows parallelism" if quality["verdict"] == "serial" else "more threads than processors"]


def one_page(shares, slot, kinds, looks, options, said):
    names = [name for name, _ in shares]
    fig, axes = page.figure(options, 0.6 + slot * len(names))
    ax = axes[0][0]
    left = [0.0] * len(names)
    for why in kinds:
        parts = [share.get(why, 0) for _, share in shares]
        bars = ax.barh(range(len(names)), parts, left=left, color=looks[why]["color"], height=0.7)
        marks.put_on_bars(bars, [f"{name}, {why}: {part:.3g} %" for name, part in zip(names, parts)])
        left = [a + b for a, b in zip(left, parts)]
    ax.set_yticks(range(len(names)), names, fontsize=7, linespacing=1.1)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ticks.plain_linear(ax.xaxis)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("windows in doubt, % of all")
    page.frame(fig, options, ["Windows in doubt, by reason"],
               f"{said}; one with several reasons is split among them; N: a figure that differs from window to window",
               [(looks[why], why) for why in kinds])
    return fig
