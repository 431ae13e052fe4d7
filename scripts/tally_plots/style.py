"""One look for every plot: a colour per strategy everywhere, sizes that fit a column, output that is the same byte for byte.

Colours are Okabe and Ito's, which colour-blind readers can tell apart, and darker relatives of them; a variant, also one under another
allocator, keeps its family's colour and changes line and marker. A strategy that is not in the list gets a grey with a marker of its own.
"""
import io
import pathlib
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
    return label.split("@")[0].split("+")[0].split(":")[0]


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
    """A logarithmic axis whose ticks are numbers that people write."""
    from matplotlib import ticker
    axis.set_major_locator(ticker.LogLocator(base=10, subs=(1, 2, 5), numticks=12))
    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: number(v)))
    axis.set_minor_formatter(ticker.NullFormatter())


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


def figure(options, height=3.4, columns=1, rows=1, **more):
    from matplotlib.figure import Figure
    width = options.width or 6.8
    scale = width / 6.8
    fig = Figure(figsize=(width, height * max(scale, 0.75)), layout="constrained")
    return fig, fig.subplots(rows, columns, squeeze=False, **more)


def legend(fig, handles, labels, options):
    """Below the axes, where it covers nothing, in as many columns as fit."""
    width = options.width or 6.8
    unique = dict(zip(labels, handles))
    longest = max((len(text) for text in unique), default=1)
    columns = min(len(unique), max(1, int(width * 11 / (longest + 6))))
    lines = -(-len(unique) // columns)
    fig.tally_legend = lines
    fig.legend(unique.values(), unique.keys(), loc="lower center", ncol=columns,
               bbox_to_anchor=(0.5, NOTE_INCHES / fig.get_figheight()))


NOTE_INCHES = 0.2
LEGEND_LINE_INCHES = 0.19


def footnote(fig, text):
    """The last thing that is added to a figure: reserves the room for itself and the legend."""
    width_characters = int(fig.get_figwidth() * 20)
    if len(text) > width_characters:
        text = "\n".join(textwrap.wrap(text, width_characters))
    fig.text(0.01, 0.03 / fig.get_figheight(), text, fontsize=6.5, color="#555555", va="bottom")
    lines = text.count("\n")
    for one in fig.legends:
        one.set_bbox_to_anchor((0.5, (NOTE_INCHES + lines * 0.1) / fig.get_figheight()))
    room = NOTE_INCHES + lines * 0.1 + (getattr(fig, "tally_legend", 0) * LEGEND_LINE_INCHES + 0.08)
    share = room / fig.get_figheight()
    fig.get_layout_engine().set(rect=(0, share, 1, 1 - share))


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
