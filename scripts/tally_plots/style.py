"""One look for every plot: a colour per strategy everywhere, sizes that fit a column, output that is the same byte for byte.

Colours are Okabe and Ito's, which colour-blind readers can tell apart, and darker relatives of them; a variant, also one under another
allocator, keeps its family's colour and changes line and marker. A strategy that is not in the list gets a grey with a marker of its own.
"""
import io
import math
import pathlib
import re
import textwrap
import zlib

COLOURS = {
    "none": "#999999",
    "plain": "#000000",
    "atomic": "#D55E00",
    "rc_arc": "#CC79A7",
    "biased": "#0072B2",
    "deferred": "#009E73",
    "gil": "#8C6D31",
    "mark_sweep": "#56B4E9",
    "shared_ptr": "#E69F00",
    "bdwgc": "#6A3D9A",
}
SPARE = ["#5b5b5b", "#7f7f7f", "#4d4d66", "#665c4d"]
LINES = ["-", "--", "-.", ":"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*", "<", ">"]


SETTINGS = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e2e2e2",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "svg.hashsalt": "tally",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def look():
    """The settings that figures are made and saved under: with style.look(): ... The caller's own come back after it."""
    import matplotlib
    return matplotlib.rc_context(SETTINGS)


def family(label):
    return label.split(" ")[0].split("@")[0].split("+")[0].split(":")[0]


def number(value):
    """Three figures, thousands apart: 0.98, 15.1, 11 200."""
    if value != value:
        return "-"
    if abs(value) < 1000:
        return f"{value:.3g}"
    digits = max(0, len(str(int(abs(value)))) - 3)
    return f"{round(value, -digits):,.0f}".replace(",", "\u2009")


def scale(ax, values, axis="y"):
    """Linear from zero where that shows the differences, logarithmic where they span more than a factor of 8."""
    values = [v for v in values if v == v and v > 0]
    if values and max(values) > 8 * min(values):
        getattr(ax, f"set_{axis}scale")("log")
        plain_log(getattr(ax, f"{axis}axis"))
    else:
        getattr(ax, f"set_{axis}lim")(**{"bottom" if axis == "y" else "left": 0})


def plain_log(axis):
    """A logarithmic axis whose ticks are numbers that people write, and no more of them than there is room for."""
    from matplotlib import ticker

    class Sparse(ticker.Locator):
        def __call__(self):
            low, high = sorted(self.axis.get_view_interval())
            return self.tick_values(low, high)

        def tick_values(self, low, high):
            if not 0 < low < high:
                return []
            first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
            shown = []
            for parts, every in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3), ((1,), 4), ((1,), 6)):
                ticks = [m * 10.0**e for e in range(first, last + 1) if e % every == 0 for m in parts]
                ticks = [t for t in ticks if low <= t <= high]
                if shown and len(ticks) < 2:
                    break
                shown = ticks
                if len(ticks) <= room(self.axis, ticks):
                    break
            return shown

    axis.set_major_locator(Sparse())
    axis.set_minor_locator(ticker.NullLocator())
    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: number(v)))


def spaced(ticks, words):
    """For set_xticks(): all ticks, and the words of those that are far enough from the one before for both to be read."""
    span, last = max(ticks) - min(ticks), None
    shown = []
    for tick, word in zip(ticks, words):
        near = last is not None and span and (tick - last) / span < 0.018 * (len(word) + 1)
        shown.append("" if near else word)
        last = last if near else tick
    return ticks, shown


def plain_linear(axis):
    """A linear axis of few ticks, and no more than there is room for."""
    from matplotlib import ticker

    class Few(ticker.MaxNLocator):
        def tick_values(self, low, high):
            for most in (5, 4, 3, 2, 1):
                self.set_params(nbins=most, steps=[1, 2, 5, 10])
                ticks = super().tick_values(low, high)
                shown = [t for t in ticks if low <= t <= high]
                if len(shown) <= room(self.axis, shown):
                    break
            return ticks

    axis.set_major_locator(Few(nbins=5))
    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: number(v)))


def room(axis, ticks):
    """How many labels of these ticks fit beside each other."""
    size = SETTINGS["font.size"]
    box = axis.axes.get_window_extent()
    points = 72 / axis.figure.dpi * (box.width if axis.axis_name == "x" else box.height)
    longest = max((len(number(t)) for t in ticks), default=1)
    return points / (size * (0.62 * longest + 1 if axis.axis_name == "x" else 1.6))


def colour(label):
    name = family(label)
    return COLOURS.get(name) or SPARE[zlib.crc32(name.encode()) % len(SPARE)]


def order(labels):
    """Families in the order of COLOURS, then the rest by name; the default variant before its others."""
    known = list(COLOURS)
    return sorted(set(labels), key=lambda s: (known.index(family(s)) if family(s) in known else len(known), s))


def looks(labels):
    """A colour, line and marker for each label: the colour says the family, line and marker the variant."""
    seen, result = {}, {}
    known = list(COLOURS)
    for label in order(labels):
        nth = seen.setdefault(family(label), 0)
        seen[family(label)] += 1
        base = known.index(family(label)) if family(label) in known else zlib.crc32(family(label).encode())
        result[label] = {"color": colour(label), "linestyle": LINES[nth % len(LINES)],
                         "marker": MARKERS[(base + nth) % len(MARKERS)]}
    return result


def point(ax, x, estimate, look, scale=1.0, **more):
    """An estimate with its bar, hollow if it is in doubt."""
    ax.errorbar([x], [estimate.median * scale], yerr=estimate.bars(scale), color=look["color"], marker=look["marker"], capsize=2,
                markerfacecolor="white" if estimate.hollow else look["color"], linestyle="none", **more)


def threads(count):
    return f"{count} thread{'s' if count > 1 else ''}"


WIDTH = 6.8  # inches


def figure(options, height=3.4, columns=1, rows=1, stretch=True, **more):
    """A figure and its axes; narrower ones are less tall, unless what they hold says how tall (stretch=False)."""
    from matplotlib.figure import Figure
    width = options.width or WIDTH
    fig = Figure(figsize=(width, height * (max(width / WIDTH, 0.9) if stretch else 1)), layout="constrained")
    fig.tally_origin = getattr(options, "origin", "")
    return fig, fig.subplots(rows, columns, squeeze=False, **more)


def folded(text, most):
    """In lines of at most so many characters, broken after spaces, commas and colons where there are any."""
    lines = [""]
    for part in re.findall(r"[^,: ]*[,: ]+|[^,: ]+", text):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > most:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def wrapped(label, options):
    """A name in lines that leave an axis room beside them."""
    return folded(label, int(5 * (options.width or WIDTH)))


def title(fig, *lines):
    """Above everything, each line in as many as it takes."""
    width = int(fig.get_figwidth() * 11)
    text = "\n".join(folded(line, width) for line in lines)
    fig.set_figheight(fig.get_figheight() + 0.17 * text.count("\n"))
    fig.suptitle(text, x=0.01, ha="left", fontweight="bold", fontsize=10)


def legend(fig, handles, labels, options):
    """Below the axes, where it covers nothing, in as many columns as fit."""
    width = options.width or WIDTH
    unique = {folded(text, int(width * 11) - 6): handle for text, handle in zip(labels, handles)}
    longest = max((len(line) for text in unique for line in text.split("\n")), default=1)
    columns = min(len(unique), max(1, int(width * 11 / (longest + 6))))
    lines = [1 + text.count("\n") for text in unique]
    deep = -(-len(lines) // columns)
    fig.tally_legend = max(sum(lines[first:first + deep]) for first in range(0, len(lines), deep)) if lines else 0
    fig.legend(unique.values(), unique.keys(), loc="lower center", ncol=columns)


def fold_axis_titles(fig, height):
    """So that none is longer than its axis: of a figure with so many inches for the axes."""
    for ax in fig.axes:
        place = ax.get_subplotspec() if hasattr(ax, "get_subplotspec") else None
        if place is None:  # a bar of colours
            continue
        rows, columns = place.get_gridspec().get_geometry()
        ax.set_xlabel(folded(ax.get_xlabel(), max(18, int((fig.get_figwidth() / columns - 0.8) * 13))))
        ax.set_ylabel(folded(ax.get_ylabel(), max(16, int((height / rows - 0.45) * 13.5))))


NOTE_INCHES = 0.2
NOTE_LINE_INCHES = 0.1
LEGEND_LINE_INCHES = 0.16
ROOM_INCHES = 0.75  # for both, of a figure's height; what they need beyond it is added to the height


def footnote(fig, text):
    """The last thing that is added to a figure: makes the room for itself and the legend."""
    lines = [textwrap.wrap(one, int(fig.get_figwidth() * 20)) for one in (text, fig.tally_origin)]
    text = "\n".join(line for of in lines for line in of)
    note = NOTE_INCHES + text.count("\n") * NOTE_LINE_INCHES
    room = note + getattr(fig, "tally_legend", 0) * LEGEND_LINE_INCHES + 0.12
    fig.set_figheight(fig.get_figheight() + max(0, room - ROOM_INCHES))
    height = fig.get_figheight()
    fold_axis_titles(fig, height - room)
    fig.text(0.01, 0.03 / height, text, fontsize=6.5, color="#555555", va="bottom")
    for one in fig.legends:
        one.set_bbox_to_anchor((0.5, note / height))
    fig.get_layout_engine().set(rect=(0, room / height, 1, 1 - room / height))


def save(fig, path, formats):
    """Writes PATH.FORMAT, each whole or not at all: what was there stays until the new one is. Raises OSError."""
    for kind in formats:
        metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None, "Producer": None}}[kind]
        picture = io.BytesIO()
        fig.savefig(picture, format=kind, metadata=metadata)
        new = pathlib.Path(f"{path}.{kind}.new")
        try:
            new.write_bytes(picture.getvalue())
            new.replace(f"{path}.{kind}")
        except OSError as error:
            new.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, f"{path}.{kind}")  # a write's error does not say where


def slug(text):
    """As a part of a file's name."""
    return "".join(c if c.isalnum() or c in "._" else "-" for c in text)
