"""Simulated line transfers per operation by named field, stacked: whose line it is that moves."""
import zlib

from .. import load, marks, metrics, page, sim, style, ticks

NAME = "fields"
ORDER = 90

COLOURS = {"count": "#D55E00", "shared": "#0072B2", "local": "#56B4E9", "owner": "#CC79A7", "weak": "#E69F00", "slot": "#009E73",
           "lock": "#000000", "queue": "#8C6D31", "payload": "#999999", "type": "#6A3D9A", "gil": "#5b5b5b", "stack": "#B2DF8A"}
SPARE = ["#A6CEE3", "#FB9A99", "#FDBF6F", "#CAB2D6", "#1B9E77", "#7570B3", "#E7298A", "#66A61E"]


def colour(field):
    return COLOURS.get(field) or SPARE[zlib.crc32(field.encode()) % len(SPARE)]


def draw(results, options):
    for scene, rows in sim.scenes(results):
        most = max(sim.cores(r) for r in rows)
        here = [r for r in rows if sim.cores(r) == most]
        by_strategy = {load.labelled(r): r for r in here}
        labels = style.order(by_strategy)
        parts = {label: sim.number_of_fields(by_strategy[label]) for label in labels}
        totals = {}
        for part in parts.values():
            for field, n in part.items():
                totals[field] = totals.get(field, 0) + n
        if not totals:
            continue
        names, slot = page.names_beside(labels, options, 7.5)
        fig, axes = page.figure(options, 0.7 + slot * len(names))
        ax = axes[0][0]
        left = dict.fromkeys(labels, 0.0)
        ordered = sorted(totals, key=lambda f: (-totals[f], f))
        for field in ordered:
            widths = [parts[label].get(field, 0) for label in labels]
            bars = ax.barh(range(len(labels)), widths, left=list(left.values()), color=colour(field), height=0.7, edgecolor="white",
                           linewidth=0.5)
            marks.put_on_bars(bars, [f"{label}, {field}: {style.number(width)} per operation" for label, width in zip(labels, widths)])
            for label in labels:
                left[label] += parts[label].get(field, 0)
        for at, label in enumerate(labels):
            ax.annotate(style.number(left[label]), (left[label], at), xytext=(3, 0), textcoords="offset points", va="center",
                        fontsize=7)
        ax.set_yticks(range(len(labels)), names, fontsize=7.5, linespacing=1.1)
        ax.invert_yaxis()
        ax.set_xlim(0, max(left.values()) * 1.14)
        ticks.plain_linear(ax.xaxis)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(metrics.of(results, "transfers_per_op").title)
        page.frame(fig, options, ["Whose line moves: transfers by field", f"{results.title(rows[0])}, {most} virtual cores (simulated)"],
                   page.notes(sim.note(rows[0], "exact counts of the simulated machine", bars=False), sim.absent(results, here),
                              results.rest(rows)), [({"color": colour(field), **page.BAR}, field) for field in ordered])
        yield sim.file_name(f"fields-{most}", scene), fig
