"""Predicted operations per second over virtual cores, and what was measured, drawn differently (--overlay DIR)."""
from .. import estimates, load, metrics, sim, style

NAME = "scaling"
ORDER = 100


def draw(results, options):
    overlay = getattr(options, "overlaid", None)
    seen = sim.measured(results) + (sim.measured(overlay) if overlay else [])
    for scene, rows in sim.scenes(results):
        by_strategy = load.groups(rows, load.strategy)
        counts = sorted({sim.cores(r) for r in rows})
        if len(counts) < 2:
            continue
        here = load.groups([r for r in seen if load.workload(r) == scene[0]], load.labelled)
        measured_cores = max([r["machine"]["cores"] for of in here.values() for r in of], default=0)
        fig, axes = style.figure(options, height=3.8)
        ax = axes[0][0]
        speed = metrics.of(results, "ops_per_second")
        looks = style.looks(list(by_strategy) + list(here))
        drawn = []
        labels = style.order(by_strategy)
        for nth, label in enumerate(labels):
            look = looks[label]
            points = sorted(by_strategy[label], key=sim.cores)
            xs = [sim.cores(r) for r in points]
            ys = [load.metric(r, speed.name) * speed.scale for r in points]
            drawn += ys
            # Thinner from one to the next: lines that coincide all show.
            ax.plot(xs, ys, color=look["color"], linestyle=look["linestyle"], label=label,
                    linewidth=3.2 - 2.2 * nth / max(len(labels) - 1, 1))
        any_measured = False
        for label in style.order(here):
            look = looks[label]
            by_threads = load.groups(here[label], sim.cores)
            for threads in sorted(by_threads):
                point = estimates.of(by_threads[threads][0], speed.name)
                drawn.append(point.median * speed.scale)
                any_measured = True
                style.point(ax, threads, point, look, speed.scale, markersize=7, label=None if label in by_strategy else label)
        ax.set_xscale("log", base=2)
        ax.set_xticks(counts, [str(c) for c in counts])
        ax.minorticks_off()
        style.scale(ax, drawn)
        if measured_cores and counts[-1] > measured_cores:
            ax.axvspan(measured_cores, counts[-1], color="#f3f3f3", zorder=0)
            ax.annotate(f"extrapolated beyond {measured_cores} measured cores", (measured_cores, 1), xycoords=("data", "axes fraction"),
                        xytext=(4, -4), textcoords="offset points", va="top", fontsize=7, color="#555555")
        ax.set_xlabel("cores")
        ax.set_ylabel(speed.title)
        style.title(fig, "Predicted scaling (modelled)", scene[0])
        style.legend(fig, *ax.get_legend_handles_labels(), options)
        what = "lines: modelled, from simulated counts and the machine's latencies"
        if any_measured:
            what += "; markers: measured (hollow: doubtful)"
        elif not measured_cores:
            what += "; nothing measured here (--overlay DIR draws it)"
        style.footnote(fig, sim.note(rows[0], what).split(", bars")[0])
        yield sim.file_name("scaling", scene), fig
