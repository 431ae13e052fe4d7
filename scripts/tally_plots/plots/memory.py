"""Memory over time, one figure per workload: each strategy's first window."""
from .. import load, marks, missing, page, style

NAME = "memory"
ORDER = 60


def draw(results, options):
    yield from over_time(results, options, sampled(results), NAME, taken, "Memory over time", "MiB taken and not given back",
                         "what the heap has taken from its allocator and not given back: live objects with their headers, and all that it "
                         "keeps besides; of a heap that does not tell, the objects that it has not freed")


def sampled(results):
    return [r for r in results.select(mode="memory") if r.get("memory", {}).get("samples")]


def taken(sample):
    """In bytes; records of before there was such a figure have objects that are not yet freed."""
    return sample.get("held", sample["bytes"])


def over_time(results, options, rows, name, of_sample, title, ylabel, note):
    """A figure per place: of_sample(sample) in bytes, of the first window of each strategy."""
    for place, part in load.groups(rows, load.place).items():
        fig, axes = page.figure(options, 2.7)
        ax = axes[0][0]
        by_strategy = load.groups(part, load.labelled)
        looks = style.looks(by_strategy)
        labels = style.order(by_strategy)
        lines(ax, by_strategy, labels, looks, "memory.samples", of_sample)
        ax.set_ylabel(ylabel)
        page.frame(fig, options, [title, f"{results.title(part[0])}, {style.threads(place[1])}"],
                   page.notes("one window of each strategy, sampled every millisecond: " + note,
                              missing.sentence([("", missing.at(results, place))]), results.rest(part)),
                   [(looks[label], label) for label in labels])
        yield f"{name}-{style.slug(place[0])}-{place[1]}", fig


def lines(ax, by_strategy, labels, looks, path, of_sample=lambda s: s["bytes"], where=""):
    """One for each strategy: of its first window's samples, which are at `path` of a record."""
    for nth, label in enumerate(labels):
        row = min(by_strategy[label], key=lambda r: (r["process"], r["block"]))
        samples = load.at(row, path)
        every = max(1, len(samples) // 8)
        # Markers at other samples from one to the next: they tell variants apart, and do not hide each other.
        held = [of_sample(s) / 2**20 for s in samples]
        line, = ax.plot([s["at_ns"] / 1e6 for s in samples], held, **looks[label], linewidth=1.1, markersize=4,
                        markevery=(nth * every // len(labels), every))
        marks.put(line, marks.Mark(label, where, text=f"at most {style.number(max(held))}, at the end {style.number(held[-1])} MiB"))
    ax.set_ylim(bottom=0)
    ax.set_xlabel("ms since the window opened")
