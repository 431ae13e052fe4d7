"""What delayed operations, and when: the longest that had something else inside them, a panel per strategy."""
from .. import load, marks, page, style, ticks

NAME = "delays"
ORDER = 55

# By cause, the one first that says more where an operation has several.
LOOKS = {"collection": ("#D55E00", "o"), "reconciliation": ("#0072B2", "s"), "merge": ("#009E73", "^"), "lock": ("#CC79A7", "D"),
         "finalizer": ("#E69F00", "v"), "cascade": ("#56B4E9", "P"), "stop": ("#555555", "x")}
COLUMNS, TALL = 2, 1.75


def draw(results, options):
    rows = [r for r in results.select(mode="latency") if r.get("delayed")]
    for place, part in load.groups(rows, load.place).items():
        by_strategy = load.groups(part, load.labelled)
        first = {label: min(by_strategy[label], key=lambda r: (r["process"], r["block"])) for label in style.order(by_strategy)}
        columns = COLUMNS if page.width(options) >= page.NARROW else 1
        labels = list(first)
        lines = [labels[at:at + columns] for at in range(0, len(labels), columns)]
        for nth, on_page in enumerate(page.paged(lines, lambda _: TALL, 1.4), 1):
            yield f"delays-{style.slug(place[0])}-{place[1]}" + (f"-{nth}" if nth > 1 else ""), one_page(results, options, place, part, on_page, first)


def one_page(results, options, place, part, lines, first):
    columns = max(len(line) for line in lines)
    fig, axes = page.figure(options, TALL * len(lines), columns=columns, rows=len(lines))
    seen, panels = set(), sum(map(len, lines))
    end = max(o["at_ns"] for line in lines for label in line for o in first[label]["delayed"]) / 1e6  # panels have one time
    for nth, ax in enumerate(axes.ravel()):
        if nth >= panels:
            ax.set_axis_off()
            continue
        label = lines[nth // columns][nth % columns]
        seen |= panel(ax, label, first[label])
        ax.set_xlim(-0.02 * end, 1.02 * end)
        ax.set_title(page.folded(label, page.width(options) / columns - 0.8, 8), fontsize=8)
        if nth % columns == 0:
            ax.set_ylabel("us", fontsize=8)
        if nth + columns >= panels:  # nothing is below it
            ax.set_xlabel("ms since the window opened", fontsize=8)
    page.frame(fig, options, ["What delayed operations", f"{results.title(part[0])}, {style.threads(place[1])}"],
               page.notes("one window of each strategy: of each thread the longest operations, up to 200, that had something else inside them than "
                          "their own work; strategies that are not drawn had none, or do not say", results.rest(part)),
               [({"color": LOOKS[cause][0], "marker": LOOKS[cause][1], "linestyle": "none"}, cause) for cause in LOOKS if cause in seen])
    return fig


def panel(ax, label, row):
    """Returns the causes that are in it."""
    by_cause = load.groups(row["delayed"], lambda o: next((c for c in LOOKS if c in o["causes"]), "stop"))
    for cause in LOOKS:
        here = by_cause.get(cause, [])
        if not here:
            continue
        color, marker = LOOKS[cause]
        took = [o["ns"] / 1e3 for o in here]
        line, = ax.plot([o["at_ns"] / 1e6 for o in here], took, color=color, marker=marker, markersize=3.2, linestyle="none")
        marks.put(line, marks.Mark(label, cause, text=f"{len(here)} drawn, the longest {style.number(max(took))} us"))
    ax.set_yscale("log")
    ticks.plain_log(ax.yaxis)
    ticks.plain_linear(ax.xaxis)
    return set(by_cause)
