"""Cost per operation by strategy, a panel a workload; or its ratio to a baseline strategy."""
import math
import textwrap

from .. import load, style

NAME = "cost"
ORDER = 20
PANELS = 8  # in one figure


def draw(results, options):
    rows = results.select()
    by_scene = load.groups(rows, lambda r: (load.workload(r), r["config"]["threads"]))
    scenes = [s for s in by_scene if len({load.labelled(r) for r in by_scene[s]}) > 1]
    for first in range(0, len(scenes), PANELS):
        part = scenes[first:first + PANELS]
        columns = 2 if (options.width or 6.8) > 5 and len(part) > 1 else 1
        height = 0.0
        lines = math.ceil(len(part) / columns)
        most = max(len({load.labelled(r) for r in by_scene[s]}) for s in part)
        height = lines * (0.95 + 0.17 * most) + 0.5
        fig, axes = style.figure(options, height=height, columns=columns, rows=lines)
        for i, scene in enumerate(part):
            panel(axes[i // columns][i % columns], scene, by_scene[scene], options)
        for i in range(len(part), lines * columns):
            axes[i // columns][i % columns].set_visible(False)
        fig.suptitle("Cost per operation" + (f", as a multiple of {options.baseline}" if options.baseline else ""),
                     x=0.01, ha="left", fontweight="bold", fontsize=11)
        style.footnote(fig, load.spread_note(results))
        yield "cost" if first == 0 else f"cost-{first // PANELS + 1}", fig


def panel(ax, scene, rows, options):
    from matplotlib import ticker
    by_strategy = load.groups(rows, load.labelled)
    labels = style.order(by_strategy)[::-1]
    points = {s: load.Point(by_strategy[s], "ns_per_op") for s in labels}
    unit = points[options.baseline].median if options.baseline in points else 1.0
    for y, s in enumerate(labels):
        p = points[s]
        bars = [[b / unit for b in side] for side in p.bars]
        ax.errorbar([p.median / unit], [y], xerr=bars, color=style.colour(s), marker="o", capsize=2,
                    markerfacecolor="white" if p.hollow else style.colour(s), linestyle="none")
        ax.annotate(style.number(p.median / unit), (p.high / unit, y), textcoords="offset points", xytext=(6, -3), fontsize=7,
                    color="#333333")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(-0.6, len(labels) - 0.4)
    medians = [p.median for p in points.values() if p.median == p.median]
    if medians and max(medians) > 20 * min(medians):
        ax.set_xscale("log")
        style.plain_log(ax.xaxis)
        ax.xaxis.set_major_locator(ticker.LogLocator(base=10, numticks=8))
    else:
        ax.set_xlim(left=0)
        ax.xaxis.set_major_locator(ticker.MaxNLocator(4))
        ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda v, _: style.number(v)))
    ax.margins(x=0.25)
    workload, threads = scene
    title = f"{workload}, {threads} thread{'s' if threads > 1 else ''}"
    ax.set_title("\n".join(textwrap.wrap(title, 34)), fontsize=8.5)
    ax.set_xlabel(f"times {options.baseline}" if unit != 1.0 else "ns an operation (of one thread)", fontsize=8)
