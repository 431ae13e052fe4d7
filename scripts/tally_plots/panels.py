"""Strategies beside each other, a panel per workload and number of threads: an estimate each, its bar, and its value in a column."""
import copy

from . import estimates, load, marks, missing, page, style, ticks

FAR = 20             # times the least: from here on a panel is logarithmic
WIDEST_LABEL = 1.3   # inches, of panels that stand side by side
MOST = 24            # strategies in a panel, that it fits on a page even if their names take two lines
LINE = 0.155         # inches, of a strategy whose name takes one line
TITLE, LABEL, VALUE, SMALL = 8.5, 7.5, 7, 6.5  # points


class Panel:
    """`drawn` are (name, estimate) from the top; `absent` names and kinds of reasons. What may lie under the estimates: one band of grey,
    or one for each (`bands`). `values` are written beside them, else their medians; `rest` is this panel's part of the footnote; all are `of` one strategy if their names
    are not strategies'."""

    def __init__(self, title, drawn, absent=None, grey=None, bands=None, values=None, rest="", of=None):
        self.title, self.drawn, self.absent, self.grey = title, drawn, absent or {}, grey
        self.bands, self.values, self.rest, self.of = bands, values, rest, of
        self.label_width = max((page.width_of(name, LABEL) for name, _ in drawn), default=0)

    def parts(self):
        """Itself, or several if it has more than a page holds."""
        if len(self.drawn) <= MOST:
            return [self]
        half = len(self.drawn) // 2
        upper, lower = copy.copy(self), copy.copy(self)
        upper.absent, lower.title = {}, f"{self.title} (continued)"
        for part, of in ((upper, slice(half)), (lower, slice(half, None))):
            part.drawn, part.bands, part.values = (given and given[of] for given in (self.drawn, self.bands, self.values))
        return upper.parts() + lower.parts()


def of_metric(results, rows, name, base=None):
    """A panel per place (load.place) of these rows, with a metric's estimates or their ratios to a baseline's; places that only one
    strategy was to be measured at have none."""
    modes = {load.place(r)[2] for r in rows}
    failed = [r for r in results.failed if load.place(r)[2] in modes]
    by_place = load.groups(sorted(rows + failed, key=results.order), load.place)
    for place, here in by_place.items():
        windows = {load.labelled(r): r for r in reversed(here) if r["status"] != "error"}
        absent = missing.at(results, place) | missing.without(windows.values(), name)
        drawn, grey = compared(windows, name, base) if base else ({n: estimates.of(r, name) for n, r in windows.items()}, None)
        drawn = {n: drawn[n] for n in style.order(drawn) if drawn[n] is not None and drawn[n].windows}
        absent |= {n: f"no window beside {base}'s" for n in windows if n not in drawn and n not in absent}
        if len(drawn) + sum(why.startswith("failed") for why in absent.values()) > 1:
            yield Panel(f"{results.title(here[0])}, {style.threads(place[1])}", list(drawn.items()), absent, grey,
                        rest=results.rest(here))


def compared(windows, name, base):
    """Ratios to the baseline of the same directory, and what the baseline differs from itself by."""
    bases = {row["_run"]: row for row in windows.values() if load.named(row) == base}
    ratios = {n: estimates.multiple(row, bases[row["_run"]], name) for n, row in windows.items() if row["_run"] in bases}
    wander = estimates.noise(next(iter(bases.values())), name) if bases else None
    return ratios, (1 / (1 + wander), 1 + wander) if wander else None


def draw(panels, options, file, title, note="", scale=1.0, line_at=None):
    """Pages of panels: (file name, figure)."""
    for nth, lines in enumerate(pages([part for p in panels for part in p.parts()], options), 1):
        yield file if nth == 1 else f"{file}-{nth}", one_page(lines, options, title, note, scale, line_at)


def pages(panels, options):
    """Lines of one or two panels, and of lines as many as are not too tall together."""
    lines = []
    for panel in panels:
        narrow = page.width(options) >= page.NARROW and panel.label_width <= WIDEST_LABEL
        if narrow and lines and len(lines[-1]) == 1 and lines[-1][0].label_width <= WIDEST_LABEL:
            lines[-1].append(panel)
        else:
            lines.append([panel])
    return page.paged(lines, lambda line: max(Shape(panel, len(line), options).height for panel in line), 1.4)


class Shape:
    """A panel's texts as they fit, and the room in inches that each takes."""

    def __init__(self, panel, beside, options):
        self.width = (page.width(options) - 2 * page.EDGE) / beside - (0.1 if beside > 1 else 0)
        self.title = page.folded(panel.title, self.width, TITLE, bold=True)
        self.names = [page.folded(name, 0.42 * self.width, LABEL) for name, _ in panel.drawn]
        self.slots = [LINE + 0.115 * name.count("\n") for name in self.names]
        self.labels = max((page.width_of(line, LABEL) for name in self.names for line in name.split("\n")), default=0.3) + 0.1
        absent = {}
        for name, why in panel.absent.items():
            absent.setdefault(why, []).append(name)
        words = "; ".join(f"{', '.join(names)} ({why})" for why, names in absent.items())
        self.absent = page.folded(f"not drawn: {words}", self.width - 0.05, SMALL) if words else ""
        self.above = page.height_of(self.title, TITLE) + 0.06
        self.below = 0.22 + (page.height_of(self.absent, SMALL) + 0.02 if self.absent else 0) + 0.1
        self.axes = sum(self.slots) + 0.08
        self.height = self.above + self.axes + self.below


def one_page(lines, options, title, note, scale, line_at):
    shapes = [[Shape(panel, len(line), options) for panel in line] for line in lines]
    heights = [max(shape.height for shape in line) for line in shapes]
    fig, _ = page.figure(options, sum(heights), rows=0)
    every = [e for line in lines for panel in line for _, e in panel.drawn]
    spans = [[ticks.Span([e for _, e in panel.drawn], scale, FAR) for panel in line] for line in lines]
    cut = any(span.goes_on(e) != (None, None) for line, of in zip(lines, spans) for panel, span in zip(line, of) for _, e in panel.drawn)
    rests = dict.fromkeys(panel.rest for line in lines for panel in line)
    below = page.frame(fig, options, title, page.notes(estimates.note(every), ARROWS if cut else "", note,
                                                       *rests))
    wide, tall = fig.get_size_inches()
    top = below + sum(heights)
    for line, line_shapes, line_spans, height in zip(lines, shapes, spans, heights):
        labels = max(shape.labels for shape in line_shapes)
        for nth, (panel, shape, span) in enumerate(zip(line, line_shapes, line_spans)):
            values = [value(e, scale, span, text) for (_, e), text in zip(panel.drawn, panel.values or [None] * len(panel.drawn))]
            left = page.EDGE + nth * (shape.width + 0.2)
            right = left + shape.width - max((page.width_of(v, VALUE) for v in values), default=0) - 0.1
            bottom = top - shape.above - shape.axes
            ax = fig.add_axes([(left + labels) / wide, bottom / tall, (right - left - labels) / wide, shape.axes / tall])
            fig.text(left / wide, (top - 0.02) / tall, shape.title, fontsize=TITLE, fontweight="bold", va="top", linespacing=1.1)
            fig.text(left / wide, (bottom - 0.22) / tall, shape.absent, fontsize=SMALL, color="#777777", va="top", linespacing=1.1)
            fill(ax, panel, shape, values, scale, span, line_at)
        top -= height
    return fig


ARROWS = "arrow: the bar goes on, to the figure beside it"


def value(estimate, scale, span, text=None):
    below, above = (f" {arrow}{style.number(end)}" if end is not None else "" for arrow, end in zip("\u2190\u2192", span.goes_on(estimate)))
    return (text or style.number(estimate.median * scale)) + below + above


def fill(ax, panel, shape, values, scale, span, line_at):
    from matplotlib.transforms import ScaledTranslation
    ys, at = [], 0.04
    for slot in reversed(shape.slots):
        ys.insert(0, at + slot / 2)
        at += slot
    colours = [style.colour(panel.of or name) for name, _ in panel.drawn]
    found = [e for _, e in panel.drawn]
    middles = [e.median * scale for e in found]
    lows, highs = zip(*(span.bar(e) for e in found)) if found else ((), ())
    names = [marks.Mark(panel.of or name) for name, _ in panel.drawn]
    marks.put(ax.hlines(ys, lows, highs, colors=colours, linewidth=1.3), *names)
    for side, ends, arrow in ((0, lows, "<"), (1, highs, ">")):
        for marker, cut in (("|", False), (arrow, True)):
            here = [n for n, e in enumerate(found) if (span.goes_on(e)[side] is not None) == cut]
            if here:
                marks.put(ax.scatter([ends[n] for n in here], [ys[n] for n in here], marker=marker, s=18, linewidths=1,
                                     c=[colours[n] for n in here], clip_on=False), *(names[n] for n in here))
    marks.put(ax.scatter(middles, ys, marker="o", s=20, linewidths=1.2, edgecolors=colours, zorder=3, clip_on=False,
                         facecolors=["white" if e.hollow else colour for e, colour in zip(found, colours)]),
              *(marks.Mark(panel.of or name, f"{name}, {panel.title}" if panel.of else panel.title, e, scale) for name, e in panel.drawn))
    # No ticks: each is five artists, and a page has a hundred.
    across = ax.get_yaxis_transform()
    left, right = (across + ScaledTranslation(inches, 0, ax.figure.dpi_scale_trans) for inches in (-0.06, 0.04))
    for y, name, text, mark in zip(ys, shape.names, values, names):
        marks.put(ax.text(0, y, name, transform=left, fontsize=LABEL, ha="right", va="center", linespacing=1.0), mark)
        marks.put(ax.text(1, y, text, transform=right, fontsize=VALUE, color="#333333", va="center"), mark)
    ax.hlines(ys, 0, 1, transform=across, colors="#e2e2e2", linewidth=0.6, zorder=0)
    ax.set_yticks([])
    ax.tick_params(axis="x", labelsize=VALUE)
    ax.set_ylim(0, shape.axes)
    span.set(ax, "x")
    if panel.bands:
        ax.hlines(ys, *zip(*panel.bands), colors="#e0e0e0", linewidth=72 * 0.8 * LINE, zorder=0)
    if panel.grey:
        ax.axvspan(*panel.grey, color="#e8e8e8", zorder=0)
    if line_at is not None:
        ax.axvline(line_at, color="#555555", linewidth=0.8, zorder=1)
