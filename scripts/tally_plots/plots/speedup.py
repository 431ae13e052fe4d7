"""Speed-up by threads, a panel per program: the model runtime's strategies, real interpreters, and the ideal."""
import math

from .. import estimates, load, missing, page, programs, series, style, ticks

NAME = "speedup"
ORDER = 33

TALL = 1.75  # inches of a panel, with what is written at it
ONE = estimates.band({"value": 1.0, "low": 1.0, "high": 1.0})


def draw(results, options):
    panels = made(results)
    columns = min(3 if page.width(options) >= page.NARROW else 2, max(len(panels), 1))
    most = columns * int((page.TALLEST - 1.6) / TALL)
    for first in range(0, len(panels), most):
        yield "speedup" if first == 0 else f"speedup-{first // most + 1}", one_page(results, panels[first:first + most], columns, options)


class Panel:
    """Of a program: `curves` {label: {threads: estimate}}, one thread's left out."""

    def __init__(self, name, rows):
        self.name, self.rows, self.curves = name, rows, {}
        labels = load.groups(rows, label)
        for called, here in labels.items():
            by_threads = {r["config"]["threads"]: r for r in reversed(here)}
            found = {n: speedup(by_threads[1], row, n) for n, row in by_threads.items() if n > 1 and 1 in by_threads}
            self.curves[called] = {n: found[n] for n in sorted(found) if found[n]}
        self.curves = {called: curve for called, curve in self.curves.items() if curve}


def is_of_model(row):
    return row["config"]["workload"]["name"] == programs.MODEL


def label(row):
    return programs.variant(row) if is_of_model(row) else programs.interpreter(row)


def speedup(one, many, threads):
    """How many times one thread's work so many do in the same time."""
    if is_of_model(one):
        ratio = estimates.quotient(one, many, "ns_per_op")  # of one of the threads
        return ratio and ratio.times(threads)
    return estimates.quotient(one, many, programs.WALL)  # of all together


def made(results):
    """Panels of the model's programs with the items that ask the same, then of the other items."""
    workers = [row for row in programs.of_model(results) if not programs.on_main(row)]
    model = load.groups(workers, programs.program)
    items = load.groups(programs.of_interpreters(results), load.workload)
    panels = [Panel(name if programs.item(name) == name else f"{name} ({programs.item(name)})" if programs.item(name) in items else name,
                    rows + items.get(programs.item(name), [])) for name, rows in model.items()]
    asked = {programs.item(name) for name in model}
    panels += [Panel(name, rows) for name, rows in items.items() if name not in asked]
    return [p for p in panels if p.curves]


def one_page(results, panels, columns, options):
    rows = [r for p in panels for r in p.rows]
    labels = {called: None for p in panels for called in p.curves}
    families = {label(r): programs.scheme(r) for r in rows if not is_of_model(r)}
    looks = style.looks(labels, families)
    lines = -(-len(panels) // columns)
    fig, axes = page.figure(options, TALL * lines, columns=columns, rows=lines)
    counts = sorted({1} | {n for p in panels for curve in p.curves.values() for n in curve})
    said, tops = [], []
    for panel, ax in zip(panels, axes.ravel()):
        drawn = series.Series(ax, looks, far=float("inf"))
        for called in style.order(panel.curves):
            curve = {1: ONE, **panel.curves[called]}
            drawn.add(called, [math.log2(n) for n in curve], list(curve.values()), [f"{style.threads(n)} of {panel.name}" for n in curve])
        said.append(drawn.draw())
        ax.set_yscale("linear")
        ticks.plain_linear(ax.yaxis)
        tops.append(ax.get_ylim()[1])
        ticks.words(ax, [math.log2(n) for n in counts], [str(n) for n in counts], options, columns)
        ax.set_title(page.folded(panel.name, page.width(options) / columns - 0.6, 7.5, bold=True), fontsize=7.5)
    # One scale for all, so that panels can be compared; the ideal may leave it where nothing comes near.
    top = max(*tops, min(1.06 * counts[-1], 1.5 * max(tops)))
    for at, ax in enumerate(axes.ravel()):
        if at >= len(panels):
            ax.set_visible(False)
            continue
        ideal(ax, counts)
        ax.set_ylim(0, top)
        if at % columns == 0:
            ax.set_ylabel("times one thread's work", fontsize=page.size(options, 8))
        if at >= len(panels) - columns:
            ax.set_xlabel("threads", fontsize=page.size(options, 8))
    every = [e for p in panels for curve in p.curves.values() for e in curve.values()]
    absent = missing.sentence([(f"{place[0]}, {style.threads(place[1])}", missing.at(results, place)) for place in load.groups(rows, load.place)])
    page.frame(fig, options, ["Speed-up by threads: work of all threads together, in the time of one thread's"],
               page.notes(estimates.note(every), "dotted: ideal, and what one thread does", "Python: real interpreters, in the colour of the "
                          "strategy that counts as they do (scripts/gil_vs_ft.py)" if families else "", *said, absent),
               [(looks[called], called) for called in style.order(labels)])
    return fig


def ideal(ax, counts):
    for values in (counts, [1] * len(counts)):
        ax.plot([math.log2(n) for n in counts], values, color="#777777", linestyle=":", linewidth=0.9, zorder=0)
