"""Published findings: each check's band, what refutes it, the ratio that was measured, and the verdict of `tally findings`."""
import math
import sys

from .. import page, style, ticks, verdicts

NAME = "findings"
ORDER = 37

LOOKS = {"reproduced": {"color": "#009E73", "marker": "o"}, "direction only": {"color": "#E69F00", "marker": "D"},
         "refuted": {"color": "#D55E00", "marker": "X"}, "not testable here": {"color": "#777777", "marker": ""}}
OTHER = {"color": "#000000", "marker": "s"}  # a verdict that is not known here
BAND, BOUND = "#cfe3f1", "#a33c3c"
LABEL, VALUE = 7, 6.5    # points
FARTHEST = 3             # times the least and the greatest figure: where bands and bounds may end beyond the axis


def draw(results, options):
    drawn = 0
    for run in filter(verdicts.asked, results.runs):
        try:
            found = verdicts.of(run, getattr(options, "tally", None))
        except verdicts.Unjudged as why:
            print(f"plot.py: findings of {run.directory}: {why}", file=sys.stderr)
            continue
        lines = [Line(finding, check, len(finding["checks"]) > 1) for finding in found for check in finding["checks"]]
        for part in page.paged(lines, lambda line: Shape(line, options).height, 1.9):
            drawn += 1
            yield "findings" if drawn == 1 else f"findings-{drawn}", one_page(run, part, lines, options)


class Line:
    """A check: its name, beside it the ratio in words, and the numbers that are drawn."""

    def __init__(self, finding, check, several):
        self.name = finding["finding"] + (f": {check['name']}" if several else "") + (" *" if finding.get("doubtful") else "")
        self.verdict, figure = check["verdict"], check.get("ratio", check.get("value"))
        self.is_ratio, self.measured = "value" not in check, figure is not None
        ends = check.get("interval")
        # What is no ratio is drawn as a multiple of the most that is expected of it.
        scale = 1.0 if self.is_ratio else 1 / check["high"]
        self.figure, self.low, self.high, self.below, self.above, *self.ends = (
            value and value * scale for value in (figure, check["low"], check["high"], check.get("refuted_below"), check.get("refuted_above"),
                                                  *(ends or ())))
        if self.measured:
            name = "" if self.is_ratio else f"{check['metric']} "
            self.words = f"{name}{style.number(figure)} [{', '.join(map(style.number, ends))}] {self.verdict}"
        else:
            self.words = f"not testable: {check.get('reason', 'no reason is given')}"

    @property
    def look(self):
        return LOOKS.get(self.verdict, OTHER)

    def figures(self):
        """Those that the axis is for."""
        return [value for value in (self.figure, *self.ends) if value]


class Shape:
    """Names and words as they fit, and the inches that each line takes."""

    def __init__(self, line, options):
        self.name = page.folded(line.name, 0.34 * page.width(options), LABEL)
        self.words = page.folded(line.words, 0.27 * page.width(options), VALUE)
        self.height = 0.06 + max(page.height_of(self.name, LABEL), page.height_of(self.words, VALUE))


def limits(lines):
    """From where to where: every measured interval, and of the bands what is not far beyond."""
    found = [value for line in lines for value in line.figures()] or [1.0]
    low, high = min(found), max(found)
    for value in (v for line in lines for v in (line.low, line.high, line.below, line.above) if v):
        low, high = min(low, max(value, min(found) / FARTHEST)), max(high, min(value, FARTHEST * max(found)))
    return low / 1.1, high * 1.1


def one_page(run, lines, every, options):
    shapes = [Shape(line, options) for line in lines]
    tall = sum(shape.height for shape in shapes)
    fig, _ = page.figure(options, tall + 0.3, rows=0)
    named = dict.fromkeys(line.verdict for line in every)
    handles = [({**LOOKS.get(verdict, OTHER), "linestyle": "-"}, verdict) for verdict in named if LOOKS.get(verdict, OTHER)["marker"]]
    handles += [({"color": BAND, **page.BAR}, "expected"), ({"color": BOUND, "linestyle": "-", "marker": "|"}, "refutes it, with all beyond")]
    others = "" if all(line.is_ratio for line in every) else "a figure with a metric's name is no ratio: drawn over the most that is expected"
    stars = "*: the machine was busy, or threads did not overlap, in half of a row's windows or more" if any(" *" in line.name for line in every) else ""
    below = page.frame(fig, options, ["Published findings, measured again", f"ratios of two rows' figures; {run.name}"],
                       page.notes("bars: the intervals that `tally findings` prints; bands as published, or as the mechanism implies", others, stars),
                       handles)
    wide, high = fig.get_size_inches()
    left = max(page.width_of(part, LABEL) for shape in shapes for part in shape.name.split("\n")) + 0.12
    right = max(page.width_of(part, VALUE) for shape in shapes for part in shape.words.split("\n")) + 0.12
    ax = fig.add_axes([left / wide, (below + 0.25) / high, (wide - left - right) / wide, tall / high])
    ax.set_xscale("log")
    ax.set_xlim(*limits(every))
    ax.set_ylim(0, tall)
    ticks.plain_log(ax.xaxis)
    ax.tick_params(axis="x", labelsize=VALUE)
    ax.set_yticks([])
    ax.axvline(1, color="#999999", linewidth=0.8, zorder=1)
    top = tall
    for line, shape in zip(lines, shapes):
        mark(ax, line, shape, top - shape.height / 2)
        top -= shape.height
    return fig


def mark(ax, line, shape, y):
    """One check, in the middle of its line."""
    low, high = ax.get_xlim()
    half = 0.4 * shape.height
    if line.high >= low and line.low <= high:
        ax.barh(y, min(line.high, high) - max(line.low, low), left=max(line.low, low), height=2 * half, color=BAND, zorder=0.5)
    for bound, beyond in ((line.below, low), (line.above, high)):
        if bound is not None and low <= bound <= high:
            ax.vlines(bound, y - half, y + half, color=BOUND, linewidth=1.2, zorder=2)
            ax.plot([bound, math.sqrt(bound * beyond)], [y, y], color=BOUND, linewidth=0.5, linestyle=":", zorder=1.5)
    if line.figure:
        ax.hlines(y, *line.ends, color=line.look["color"], linewidth=1.5, zorder=3)
        ax.scatter([line.figure], [y], s=26, marker=line.look["marker"], color=line.look["color"], edgecolors="white", linewidths=0.5, zorder=4)
    across = ax.get_yaxis_transform()
    ax.text(-0.015, y, shape.name, transform=across, fontsize=LABEL, ha="right", va="center", linespacing=1.0)
    ax.text(1.015, y, shape.words, transform=across, fontsize=VALUE, color="#333333" if line.measured else line.look["color"], va="center", linespacing=1.0)
