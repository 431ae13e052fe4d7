"""Throughput by number of threads, one figure per workload; of variants that are too many for one, the first of each strategy, and then all."""
import math

from .. import estimates, load, metrics, missing, page, series, style, ticks

NAME = "throughput"
ORDER = 10
MOST = 14  # lines that can be told apart


def draw(results, options):
    for scene, rows in load.groups(results.select(), load.workload).items():
        if len({r["config"]["threads"] for r in rows}) > 1:
            by_strategy = load.groups(rows, load.labelled)
            looks = style.looks(by_strategy)
            for nth, families in enumerate(pictures(by_strategy), 1):
                file = f"throughput-{style.slug(scene)}" + (f"-{nth}" if nth > 1 else "")
                yield file, picture(results, options, scene, by_strategy, looks, families)


def pictures(labels):
    """What each picture has, {strategy: its labels}; those of a strategy stay together."""
    whole = load.groups(style.order(labels), style.family)
    if len(labels) <= MOST:
        return [whole]
    made = [{family: of[:1] for family, of in whole.items()}, {}]
    for family, of in whole.items():
        if len(of) > 1:
            if made[-1] and sum(map(len, made[-1].values())) + len(of) > MOST:
                made.append({})
            made[-1][family] = of
    return [families for families in made if families]


def picture(results, options, scene, every, looks, families):
    by_strategy = {label: every[label] for of in families.values() for label in of}
    variants = len(by_strategy) < len(every) and any(len(of) > 1 for of in families.values())
    speed = metrics.of(results, "ops_per_second")
    rows = [r for of in by_strategy.values() for r in of]
    counts = sorted({r["config"]["threads"] for r in rows})
    fig, axes = page.figure(options, 2.7)
    ax = axes[0][0]
    drawn = series.Series(ax, looks, speed.scale)
    for label in style.order(by_strategy):
        by_threads = {r["config"]["threads"]: r for r in reversed(by_strategy[label])}
        drawn.add(label, [math.log2(n) for n in sorted(by_threads)], [estimates.of(by_threads[n], speed.name) for n in sorted(by_threads)],
                  [style.threads(n) for n in sorted(by_threads)])
    cut = drawn.draw()
    ticks.words(ax, [math.log2(n) for n in counts], [str(n) for n in counts], options)
    ax.set_xlabel("threads")
    ax.set_ylabel(speed.title)
    absent = [(style.threads(n), missing.at(results, (scene, n, "throughput"))) for n in counts]
    if variants:
        absent = [(n, {label: why for label, why in of.items() if style.family(label) in families}) for n, of in absent]
    title = results.title(rows[0]) + (f", variants of {', '.join(families)}" if variants else "")
    page.frame(fig, options, ["Throughput of all threads together", title],
               page.notes(estimates.note(drawn.estimates), cut, missing.sentence(absent), results.rest(rows)), drawn.handles())
    return fig
