"""One look for every plot: a colour per strategy everywhere, and settings that give the same output byte for byte.

Colours are Okabe and Ito's, which colour-blind readers can tell apart, and darker relatives of them; a variant, also one under another
allocator, keeps its family's colour and changes line and marker. A strategy that is not in the list gets a grey. No two labels of a
picture have colour, line and marker alike.
"""
import zlib

from . import load

COLOURS = {
    "none": "#999999",
    "manual": "#882255",
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
    "text.hinting": "no_hinting",
    "axes.titlesize": 8.5,
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


def colour(label):
    name = family(label)
    return COLOURS.get(name) or SPARE[zlib.crc32(name.encode()) % len(SPARE)]


def order(labels):
    """Families in the order of COLOURS, then the rest by name; the default variant before its others, numbers by their value."""
    known = list(COLOURS)
    return sorted(set(labels), key=lambda s: (known.index(family(s)) if family(s) in known else len(known), load.natural(s)))


def looks(labels, families=None):
    """A colour, line and marker for each label: the colour says the family, line and marker the variant. `families` are of labels that do
    not begin with theirs."""
    seen, result, taken = {}, {}, set()
    known = list(COLOURS)
    for label in order(labels):
        name = (families or {}).get(label) or family(label)
        nth = seen.setdefault(name, 0)
        seen[name] += 1
        base = known.index(name) if name in known else zlib.crc32(name.encode())
        # Families that share a grey may want the same; as many markers and lines later nothing is left to tell them apart by.
        for more in range(len(MARKERS) * len(LINES)):
            look = {"color": colour(name), "linestyle": LINES[(nth + more // len(MARKERS)) % len(LINES)],
                    "marker": MARKERS[(base + nth + more) % len(MARKERS)]}
            if tuple(look.values()) not in taken:
                break
        taken.add(tuple(look.values()))
        result[label] = look
    return result


def threads(count):
    return f"{count}\N{NO-BREAK SPACE}thread{'s' if count > 1 else ''}"


def slug(text):
    """As a part of a file's name."""
    return "".join(c if c.isalnum() or c in "._" else "-" for c in text)
