"""Live memory over time, one figure per workload: each strategy's first window."""
from .. import load, marks, missing, page, style

NAME = "memory"
ORDER = 60


def draw(results, options):
    rows = [r for r in results.select(mode="memory") if r.get("memory", {}).get("samples")]
    for place, part in load.groups(rows, load.place).items():
        fig, axes = page.figure(options, 2.7)
        ax = axes[0][0]
        by_strategy = load.groups(part, load.labelled)
        looks = style.looks(by_strategy)
        labels = style.order(by_strategy)
        over_time(ax, by_strategy, labels, looks, "memory.samples")
        ax.set_ylabel("MiB of objects not yet freed")
        page.frame(fig, options, ["Memory over time", f"{results.title(part[0])}, {style.threads(place[1])}"],
                   page.notes("one window of each strategy, sampled every millisecond from per-thread counters; headers included; garbage that a "
                              "scheme holds back counts as live", missing.sentence([("", missing.at(results, place))]),
                              results.rest(part)),
                   [(looks[label], label) for label in labels])
        yield f"memory-{style.slug(place[0])}-{place[1]}", fig


def over_time(ax, by_strategy, labels, looks, path, where=""):
    """A line for each strategy: the bytes of its first window's samples, which are at `path` of a record."""
    for nth, label in enumerate(labels):
        row = min(by_strategy[label], key=lambda r: (r["process"], r["block"]))
        samples = load.at(row, path)
        every = max(1, len(samples) // 8)
        # Markers at other samples from one to the next: they tell variants apart, and do not hide each other.
        held = [s["bytes"] / 2**20 for s in samples]
        line, = ax.plot([s["at_ns"] / 1e6 for s in samples], held, **looks[label], linewidth=1.1, markersize=4,
                        markevery=(nth * every // len(labels), every))
        marks.put(line, marks.Mark(label, where, text=f"at most {style.number(max(held))}, at the end {style.number(held[-1])} MiB"))
    ax.set_ylim(bottom=0)
    ax.set_xlabel("ms since the window opened")
