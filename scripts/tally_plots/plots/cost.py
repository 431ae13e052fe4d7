"""Cost per operation by strategy, a panel per workload; or its ratio to a baseline strategy."""
import math

from .. import estimates, load, metrics, style

NAME = "cost"
ORDER = 20
TALLEST = 11.0  # inches of panels in one figure
WIDEST = 22     # characters of a label that leave room for two panels side by side


def draw(results, options):
    by_scene = load.groups(results.select(), lambda r: (load.workload(r), r["config"]["threads"]))
    by_scene = {scene: load.groups(rows, load.labelled) for scene, rows in by_scene.items()}
    scenes = [s for s in by_scene if len(by_scene[s]) > 1]
    labels = [line for s in scenes for label in by_scene[s] for line in style.wrapped(label, options).split("\n")]
    columns = 2 if (options.width or style.WIDTH) > 5 and len(scenes) > 1 and max(map(len, labels)) <= WIDEST else 1
    for nth, part in enumerate(pages(scenes, by_scene, columns, options), 1):
        heights = heights_of(part, by_scene, columns, options)
        fig, axes = style.figure(options, height=sum(heights) + 0.5, columns=columns, rows=len(heights), stretch=False,
                                 gridspec_kw={"height_ratios": heights})
        drawn = []
        for i, scene in enumerate(part):
            drawn += panel(axes[i // columns][i % columns], scene, by_scene[scene], results, options)
        for i in range(len(part), len(heights) * columns):
            axes[i // columns][i % columns].set_visible(False)
        style.title(fig, "Cost per operation" + (f", as a multiple of {options.baseline}'s" if options.baseline else ""))
        grey = "; grey: within what the run's baseline differs from itself by" if options.baseline else ""
        style.footnote(fig, estimates.note(drawn) + grey)
        yield "cost" if nth == 1 else f"cost-{nth}", fig


def heights_of(scenes, by_scene, columns, options):
    """Of the panels' rows, in inches."""
    def inches(scene):
        return sum(slot(style.wrapped(label, options)) for label in by_scene[scene])
    return [0.9 + max(inches(s) for s in scenes[first:first + columns]) for first in range(0, len(scenes), columns)]


def slot(text):
    """The height of a label, in inches."""
    return 0.06 + 0.12 * (1 + text.count("\n"))


def pages(scenes, by_scene, columns, options):
    """What goes into one figure: as many panels as are not too tall together, and one at least."""
    page = []
    for first in range(0, len(scenes), columns):
        more = scenes[first:first + columns]
        if page and sum(heights_of(page + more, by_scene, columns, options)) > TALLEST:
            yield page
            page = []
        page = page + more
    if page:
        yield page


def panel(ax, scene, by_strategy, results, options):
    labels = style.order(by_strategy)[::-1]
    metric = metrics.of(results, "ns_per_op")
    windows = {label: by_strategy[label][0] for label in labels}
    # A baseline is one of the same directory.
    bases = {row["_run"]: row for row in windows.values() if load.named(row) == options.baseline}
    drawn = {}
    for label, row in windows.items():
        p = estimates.multiple(row, bases[row["_run"]], metric.name) if row["_run"] in bases else None
        if not bases:
            p = estimates.of(row, metric.name)
        if p is not None and p.windows:
            drawn[label] = p
    scale = 1.0 if bases else metric.scale
    words = [style.wrapped(label, options) for label in labels]
    slots = [slot(text) for text in words]
    places = {label: sum(slots[:n]) + slots[n] / 2 for n, label in enumerate(labels)}
    for label, p in drawn.items():
        y = places[label]
        ax.errorbar([p.median * scale], [y], xerr=p.bars(scale), color=style.colour(label), marker="o", capsize=2,
                    markerfacecolor="white" if p.hollow else style.colour(label), linestyle="none")
        ax.annotate(style.number(p.median * scale), (p.high * scale, y), textcoords="offset points", xytext=(6, -3), fontsize=7,
                    color="#333333")
    ax.set_yticks(list(places.values()), words, fontsize=8, linespacing=1.0)
    ax.set_ylim(-0.05, sum(slots) + 0.05)
    ends = [end * scale for p in drawn.values() for end in (p.low, p.high) if end > 0]
    medians = [p.median * scale for p in drawn.values()]
    if medians and max(medians) > 20 * min(medians) > 0:
        ax.set_xscale("log")
        style.plain_log(ax.xaxis)
        span = math.log10(max(ends) / min(ends))
        ax.set_xlim(min(ends) * 10 ** (-0.05 * span), max(ends) * 10 ** (0.05 * span))
    elif medians:
        ax.set_xlim(0, 1.05 * max(ends + medians))
        style.plain_linear(ax.xaxis)
    if bases:
        wander = estimates.noise(next(iter(bases.values())), metric.name)
        if wander:
            ax.axvspan(1 / (1 + wander), 1 + wander, color="#ececec", zorder=0)
    workload, threads = scene
    ax.set_title(style.folded(f"{workload}, {style.threads(threads)}", 34 if ax.figure.get_figwidth() > 5 else 22), fontsize=8.5)
    ax.set_xlabel(f"times {options.baseline}'s" if bases else metric.title, fontsize=8)
    return list(drawn.values())
