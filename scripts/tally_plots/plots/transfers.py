"""Simulated line transfers per operation by virtual cores, with the band over schedules."""
from .. import load, metrics, sim, style

NAME = "transfers"
ORDER = 80


def draw(results, options):
    for scene, rows in sim.scenes(results):
        fig, axes = style.figure(options)
        ax = axes[0][0]
        by_strategy = load.groups(rows, load.strategy)
        looks = style.looks(by_strategy)
        counts = sorted({sim.cores(r) for r in rows})
        several = len(by_strategy)
        highest = 0
        for nth, label in enumerate(style.order(by_strategy)):
            look = looks[label]
            points = sorted(by_strategy[label], key=sim.cores)
            # Side by side: bands of strategies that agree would cover each other.
            xs = [counts.index(sim.cores(r)) + (nth - (several - 1) / 2) * 0.5 / max(several, 4) for r in points]
            found = [r["metrics"]["transfers_per_op"] for r in points]
            ys = [m["value"] for m in found]
            highest = max([highest] + [m["high"] for m in found])
            bars = [[max(m["value"] - m["low"], 0) for m in found], [max(m["high"] - m["value"], 0) for m in found]]
            ax.errorbar(xs, ys, yerr=bars, capsize=2, elinewidth=0.9, label=label, **look)
        ax.set_xticks(range(len(counts)), [str(c) for c in counts])
        ax.set_ylim(bottom=0, top=highest * 1.05 if highest else 1)
        ax.set_xlabel("virtual cores")
        ax.set_ylabel(metrics.of(results, "transfers_per_op").title)
        style.title(fig, "Lines that come from another core's cache", f"{scene[0]} (simulated)")
        style.legend(fig, *ax.get_legend_handles_labels(), options)
        style.footnote(fig, sim.note(rows[0], "exact counts of the simulated machine"))
        yield sim.file_name("transfers", scene), fig
