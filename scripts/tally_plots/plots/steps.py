"""A workload over one of its numbers: the sharing ladder and the hand-off fraction."""
from .. import estimates, load, metrics, style

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
        for rest, part in load.groups(rows, lambda r: others(r, parameter)).items():
            steps = sorted({load.number_of(r, parameter) for r in part})
            if len(steps) < 2:
                continue
            fig, axes = style.figure(options)
            ax = axes[0][0]
            by_strategy = load.groups(part, load.labelled)
            looks = style.looks(by_strategy)
            drawn = []
            for label in style.order(by_strategy):
                by_step = load.groups(by_strategy[label], lambda r: load.number_of(r, parameter))
                points = [(x, estimates.of(by_step[x][0], "ns_per_op")) for x in sorted(by_step)]
                look = looks[label]
                drawn += [p for _, p in points]
                ax.plot([x for x, _ in points], [p.median for _, p in points], color=look["color"],
                        linestyle=look["linestyle"], label=label)
                for x, p in points:
                    style.point(ax, x, p, look)
            ax.set_xticks(*style.spaced(steps, [f"{s * scale:g}" for s in steps]))
            style.scale(ax, [p.median for p in drawn])
            ax.set_xlabel(axis)
            ax.set_ylabel(metrics.of(results, "ns_per_op").title)
            style.title(fig, title, f"{style.threads(rest[1])}{rest[0]}")
            style.legend(fig, *ax.get_legend_handles_labels(), options)
            style.footnote(fig, estimates.note(drawn))
            yield file + "".join(c if c.isalnum() else "-" for c in rest[0]) + f"-{rest[1]}", fig


def others(row, parameter):
    """What else distinguishes the scene: the label without the stepped parameter, and the threads."""
    words = [w for part in load.workload(row).split()[1:] for w in part.split(",")]
    kept = [w for w in words if not w.startswith(parameter + "=")]
    return ("".join(", " + w for w in kept), row["config"]["threads"])
