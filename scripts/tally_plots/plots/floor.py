"""What the baseline differs from itself by: how large a difference this run could have seen."""
from .. import estimates, load, panels, style

NAME = "floor"
ORDER = 25


def draw(results, options):
    yield from panels.draw(made(results), options, "floor", ["The baseline against itself: its second measurement over its first"],
                           "grey, and the figure: the farther end of their ratio's interval (without one the worst window); what differs by "
                           "less is not told apart here",
                           line_at=1.0)


def made(results):
    """A panel for each number of threads."""
    scenes = {}
    for row in results.select():
        if row["role"] != "baseline" or (row["_run"], row["scene"]) in scenes:
            continue
        run = row["_run"]
        _, again = estimates.baselines(run, row["scene"])
        ratio = estimates.multiple(run.windows[again][0], row, "ns_per_op") if again else None
        noise = estimates.noise(row, "ns_per_op")
        if ratio and noise is not None:
            scenes[run, row["scene"]] = (row["config"]["threads"], load.labelled(row), results.title(row), ratio, noise)
    by_threads = load.groups(scenes.values(), lambda s: s[0])
    for threads in sorted(by_threads):
        here = by_threads[threads]
        yield panels.Panel(f"{style.threads(threads)}; baseline: {', '.join(style.order(s[1] for s in here))}",
                           [(title, ratio) for _, _, title, ratio, _ in here],
                           bands=[(1 / (1 + noise), 1 + noise) for *_, noise in here],
                           of=here[0][1], values=[f"\u00b1{style.number(100 * noise)} %" for *_, noise in here])
