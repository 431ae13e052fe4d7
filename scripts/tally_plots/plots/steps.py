"""A workload over one of its numbers: the sharing ladder and the hand-off fraction."""
from .. import estimates, load, metrics, missing, page, series, style, ticks

NAME = "steps"
ORDER = 40

LADDERS = [
    # file, workload, parameter, per cent of one, title, axis
    ("sharing-ladder", "sharing_ladder", "share", 1, "The sharing ladder: what each step of sharing costs",
     "operations on objects that all threads share, %"),
    ("handoff", "handoff", "foreign", 100, "Hand-off: objects whose last reference another thread drops",
     "objects dropped by a thread that does not own them, %"),
]


def draw(results, options):
    for file, workload, parameter, scale, title, axis in LADDERS:
        rows = [r for r in results.select(workload) if load.number_of(r, parameter) is not None]
        for rest, part in load.groups(rows, lambda r: load.others(r, parameter)).items():
            steps = sorted({load.number_of(r, parameter) for r in part})
            if len(steps) < 2:
                continue
            words = [f"{s * scale:g}" for s in steps]
            fig, axes = page.figure(options, 2.7)
            ax = axes[0][0]
            by_strategy = load.groups(part, load.labelled)
            drawn = series.Series(ax, style.looks(by_strategy))
            for label in style.order(by_strategy):
                by_step = {load.number_of(r, parameter): r for r in reversed(by_strategy[label])}
                at = [nth for nth, step in enumerate(steps) if step in by_step]
                drawn.add(label, at, [estimates.of(by_step[steps[n]], "ns_per_op") for n in at], [f"{words[n]} %" for n in at])
            cut = drawn.draw()
            ticks.words(ax, range(len(steps)), words, options)
            even = len({round(b - a, 9) for a, b in zip(steps, steps[1:])}) == 1
            ax.set_xlabel(axis if even else f"{axis} (not to scale)")
            ax.set_ylabel(metrics.of(results, "ns_per_op").title)
            places = {load.number_of(r, parameter): load.place(r) for r in part}
            absent = missing.sentence([(f"{w} %", missing.at(results, places[s])) for s, w in zip(steps, words)])
            page.frame(fig, options, [title, f"{results.title(part[0], without=[parameter])}, {style.threads(rest[1])}"],
                       page.notes(estimates.note(drawn.estimates), cut, absent, results.rest(part, without=[parameter])),
                       drawn.handles())
            yield file + "".join(c if c.isalnum() else "-" for c in rest[0]) + f"-{rest[1]}", fig
