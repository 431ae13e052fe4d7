"""Time from an object's last drop to its free, and what is held back meanwhile: a panel each per state of the owner."""
from .. import estimates, load, marks, metrics, missing, page, series, style, ticks
from .latency import TICKS, nines
from .memory import lines

NAME = "promptness"
ORDER = 62

STEPS = [("promptness_p50", 0.5), ("promptness_p90", 0.9), ("promptness_p99", 0.99), ("promptness_p999", 0.999)]
OWNER = "owner"
STATES = ["running", "blocked", "gone"]  # as workloads/handoff.hpp has them
SAMPLES = "promptness.held_back.samples"


def draw(results, options):
    rows = [r for r in results.select(mode="promptness") if load.at(r, SAMPLES)]
    by_scene = load.groups(rows, lambda r: (r["config"]["workload"]["name"], *load.others(r, OWNER)))
    for (workload, rest, threads), part in by_scene.items():
        states = load.groups(part, lambda r: load.parameter(r, OWNER))
        order = sorted(states, key=lambda s: STATES.index(s) if s in STATES else len(STATES))
        # Beside each other, or a picture each where the page is too narrow.
        for beside in [order] if page.width(options) >= page.NARROW else [[state] for state in order]:
            name = f"promptness-{style.slug(workload + rest)}-{threads}" + (f"-{beside[0]}" if len(beside) < len(order) else "")
            yield name, one_picture(results, {state: states[state] for state in beside}, style.threads(threads), options)


def one_picture(results, states, threads, options):
    part = [row for rows in states.values() for row in rows]
    looks = style.looks(load.groups(part, load.labelled))
    fig, axes = page.figure(options, 4.6, columns=len(states), rows=2)
    said, every, absent = [], [], []
    for (state, rows), delays, held in zip(states.items(), *axes):
        by_strategy = load.groups(rows, load.labelled)
        where = f"{OWNER}={state}" if state else ""
        drawn = series.Series(delays, looks, 1e-3)
        said += [percentiles(delays, drawn, by_strategy, looks, where, options, len(states)), not_freed(by_strategy, where)]
        lines(held, by_strategy, style.order(by_strategy), looks, SAMPLES, where=where)
        for ax in (delays, held):
            ax.set_title(where)
        every += drawn.estimates
        absent.append((where, missing.at(results, load.place(rows[0]))))
    axes[0][0].set_ylabel(metrics.of(results, STEPS[0][0]).title)
    axes[1][0].set_ylabel(metrics.of(results, "promptness_held_bytes_mean").title)
    page.frame(fig, options, ["From the last drop to the free", f"{results.title(part[0], without=[OWNER])}, {threads}"],
               page.notes(estimates.note(every), "above: of all objects that died in a window, a line ends where the rest was not freed in it; "
                          "below: one window of each, payload without headers", *filter(None, said),
                          missing.sentence(absent), results.rest(part, without=[OWNER])),
               [(looks[label], label) for label in style.order({load.labelled(r) for r in part})])
    return fig


def percentiles(ax, drawn, by_strategy, looks, where, options, columns):
    """Times over the share of the objects that were freed sooner; returns a sentence about bars that are cut off, or nothing."""
    curves = {label: estimates.latency_curve(rows[0], "promptness") for label, rows in by_strategy.items()}
    for label in style.order(by_strategy):
        drawn.add(label, [nines(share) for _, share in STEPS], [estimates.of(by_strategy[label][0], name) for name, _ in STEPS],
                  [", ".join(filter(None, (f"{100 * share:g} %", where))) for _, share in STEPS], joined=not curves[label])
    cut = drawn.draw()
    for label, curve in curves.items():
        if curve:
            line, = ax.plot([nines(share) for share, _ in curve], [ns / 1000 for _, ns in curve], color=looks[label]["color"],
                            linestyle=looks[label]["linestyle"], linewidth=1.1)
            marks.put(line, marks.Mark(label))
    found = [e.median / 1000 for e in drawn.estimates] + [ns / 1000 for curve in curves.values() for _, ns in curve]
    if found and min(found) > 0:
        room = max((max(found) / min(found)) ** 0.05, 1.2)
        ax.set_yscale("log")
        ticks.plain_log(ax.yaxis)
        ax.set_ylim(min(found) / room, room * max(found))
    last = max([nines(share) for curve in curves.values() for share, _ in curve], default=3.0)
    places = [(nines(share), words) for share, words in TICKS if nines(share) <= last + 0.05]
    ax.set_xlim(0, last + 0.1)
    ticks.words(ax, [x for x, _ in places], [words for _, words in places], options, columns)
    ax.set_xlabel("objects freed sooner")
    return cut


def not_freed(by_strategy, where):
    """How much of what died was still there when the windows closed, of those that left any."""
    shares = {label: estimates.of(by_strategy[label][0], "promptness_censored_share") for label in style.order(by_strategy)}
    told = [f"{label} {style.number(100 * e.median)} %" for label, e in shares.items() if e.windows and e.median > 0]
    return f"not freed when the window closed{f', {where}' if where else ''}: {', '.join(told)}" if told else ""
