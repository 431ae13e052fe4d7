"""A scene over the heap limit: wall time and CPU time side by side, what takes a limit as lines, all else as lines across."""
import math

from . import estimates, load, missing, page, series, style, ticks

SIDES = [("ns_per_op", "wall time"), ("cpu_ns_per_op", "CPU time, with collector threads")]


def draw(results, options, file, title, measure, axis):
    """(file name, figure) of each scene that was measured at two limits or more. `measure(rows)` gives, for a scene's rows,
    what a row's metric is drawn as, and a sentence about it; `axis(metric)` is the axis' title."""
    for (scene, threads, mode), part in load.groups(results.select(), load.place).items():
        multiples = sorted({limit(r) for r in part if limit(r)})
        if len(multiples) < 2:
            continue
        columns = 2 if page.width(options) >= page.NARROW else 1
        fig, axes = page.figure(options, 2.8 if columns == 2 else 4.4, columns=columns, rows=2 // columns)
        looks = style.looks([load.strategy(r) for r in part])
        estimate, about = measure(part)
        said, every = [], []
        for ax, (name, what) in zip(axes.ravel(), SIDES):
            drawn = lines(ax, looks, part, lambda row: estimate(row, name))
            said.append(drawn.draw())
            every += drawn.estimates
            ticks.words(ax, [math.log2(m) for m in multiples], [f"{m:g}x" for m in multiples], options, columns)
            ax.set_xlabel("heap limit, times the peak live payload")
            ax.set_ylabel(axis(name))
            ax.set_title(what)
        absent = missing.sentence([("", missing.at(results, (scene, threads, mode)))])
        page.frame(fig, options, [title, f"{results.title(part[0])}, {style.threads(threads)}"],
                   page.notes(estimates.note(every), about, "lines across: without a limit", *said, absent, results.rest(part)), drawn.handles())
        yield f"{file}-" + style.slug(scene) + f"-{threads}", fig


def limit(row):
    """In multiples of the peak live payload; None without one."""
    return row["config"]["heap"]["multiple"] or None


def lines(ax, looks, part, estimate):
    """A scene's rows as a Series that is not drawn yet."""
    limited = load.groups([r for r in part if limit(r)], load.strategy)
    free = load.groups([r for r in part if not limit(r)], load.strategy)
    drawn = series.Series(ax, looks)
    for label in style.order(limited):
        by_heap = {limit(r): r for r in reversed(limited[label])}
        drawn.add(label, [math.log2(m) for m in sorted(by_heap)], [estimate(by_heap[m]) for m in sorted(by_heap)],
                  [f"{m:g}x" for m in sorted(by_heap)])
    for label in style.order(free):
        drawn.add_across(label, estimate(free[label][0]))
    return drawn
