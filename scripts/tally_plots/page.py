"""A figure's frame: the title above its axes, legend and footnote below, each with the room that its text takes; and its files."""
import functools
import io
import pathlib
import re

from . import marks
from .style import SETTINGS

WIDTH = 6.8      # inches
NARROW = 5.0     # below it type is a point smaller, and there is one column of panels
TALLEST = 9.0    # of a whole figure, so that it fits on a page
EDGE = 0.06      # inches around everything
LINE = 1.22      # of a line of text, in its size


@functools.lru_cache(maxsize=None)
def width_of(text, size, bold=False):
    """Of one line, in inches."""
    from matplotlib import font_manager, ft2font
    weight = "bold" if bold else "normal"
    name = font_manager.findfont(font_manager.FontProperties(family=SETTINGS["font.family"], weight=weight))
    font = font_manager.get_font(name)
    font.set_size(size, 72)
    font.set_text(text, 0, flags=ft2font.LOAD_NO_HINTING)
    return 1.03 * font.get_width_height()[0] / 64 / 72  # hinting widens some letters


def height_of(text, size):
    return (1 + text.count("\n")) * size * LINE / 72


def folded(text, inches, size, bold=False):
    """In lines that are not wider, broken after spaces, commas, colons and plus signs, or inside a word that is wider itself: there after
    an underscore, a hyphen or an equals sign if it has one."""
    lines = [""]
    for part in re.findall(r"[^,:+ ]*[,:+ ]+|[^,:+ ]+", text):
        if lines[-1] and width_of((lines[-1] + part).rstrip(), size, bold) > inches:
            lines.append("")
        while width_of(part.rstrip(), size, bold) > inches and len(part) > 1:
            fits = next((n for n in range(len(part) - 1, 0, -1) if width_of(part[:n], size, bold) <= inches), 1)
            fits = max(part.rfind(sign, 0, fits) for sign in "_=-") + 1 or fits
            lines[-1] = part[:fits]
            lines.append("")
            part = part[fits:]
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def width(options):
    return options.width or WIDTH


def size(options, normal):
    """Of type, in points."""
    return normal if width(options) >= NARROW else normal - 1


def figure(options, height, columns=1, rows=1, **more):
    """A figure and its axes, which are so many inches high with all that is written at them; without rows the caller adds the axes,
    once frame() has said where."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    fig = Figure(figsize=(width(options), height), layout="constrained" if rows else None)
    FigureCanvasAgg(fig)
    axes = fig.subplots(rows, columns, squeeze=False, **more) if rows else None
    for ax in fig.axes:
        ax.tick_params(labelsize=size(options, 8.5))
        for axis in (ax.xaxis, ax.yaxis):
            axis.label.set_size(size(options, 9))
    return fig, axes


def paged(lines, height_of, others):
    """The lines, as many at a time as are not too tall together on a page with so many inches of other things."""
    filled, used = [], 0.0
    for line in lines:
        height = height_of(line)
        if filled and used + height > TALLEST - others:
            yield filled
            filled, used = [], 0.0
        filled.append(line)
        used += height
    if filled:
        yield filled


def frame(fig, options, title, note, handles=()):
    """Puts the title's lines above the axes, the legend (what legend() takes) and the note below them; returns where the axes' room
    begins, in inches from below. With options.bare both are left to whoever shows the figure: they are in its `told`."""
    zone = fig.get_figheight()
    fig.told = title, note
    if getattr(options, "bare", False):
        title, note = [], ""
    room = width(options) - 2 * EDGE
    head = "\n".join(folded(line, room, size(options, 10), bold=True) for line in title)
    foot = "\n".join(folded(line, room, 6.5) for line in (note, getattr(options, "origin", "")) if line)
    above = EDGE + (height_of(head, size(options, 10)) + 0.06 if head else 0)
    note_top = EDGE + (height_of(foot, 6.5) if foot else 0)
    below, draw_legend = legend(fig, options, handles, note_top + 0.06)
    height = above + zone + below
    fig.set_figheight(height)
    fig.text(EDGE / width(options), 1 - EDGE / height, head, fontweight="bold", fontsize=size(options, 10), va="top", linespacing=LINE - 0.02)
    fig.text(EDGE / width(options), EDGE / height, foot, fontsize=6.5, color="#555555", va="bottom", linespacing=LINE - 0.02)
    draw_legend()
    if fig.get_layout_engine():
        fig.get_layout_engine().set(rect=(0, below / height, 1, zone / height))
    return below


SWATCH, BESIDE = 0.3, 0.36  # inches: of a line in the legend, and from its beginning to its label's


def legend(fig, options, handles, bottom):
    """(keywords of a line, label) pairs in as many columns as fit, above `bottom`; returns where the upper edge is, and what draws them
    once the figure's height is known. matplotlib's own legend takes a third of the time of a picture."""
    points, room = size(options, 8), width(options) - 2 * EDGE
    entries, whole = {}, {}
    for look, label in handles:
        name = folded(label, room - BESIDE, points)
        entries[name], whole[name] = look, label
    if not entries:
        return bottom, lambda: None
    widest = max(width_of(line, points) for label in entries for line in label.split("\n")) + BESIDE + 0.15
    columns = max(1, min(len(entries), int(room / widest)))
    lines = -(-len(entries) // columns)
    columns = -(-len(entries) // lines)
    names = list(entries)
    heights = [max(height_of(name, points) for name in names[line::lines]) + 0.03 for line in range(lines)]
    top = bottom + sum(heights) + 0.04

    def draw():
        from matplotlib.lines import Line2D
        wide, tall = fig.get_size_inches()
        first = (wide - columns * widest) / 2 + 0.05
        for nth, name in enumerate(names):
            x, y = first + nth // lines * widest, top - 0.04 - sum(heights[:nth % lines])
            middle = y - 0.48 * points / 72  # of the letters, not of the line
            mark = marks.Mark(whole[name])
            marks.put(fig.add_artist(Line2D([x / wide, (x + SWATCH / 2) / wide, (x + SWATCH) / wide], [middle / tall] * 3, markevery=[1],
                                            **{"markersize": 4.5, "linewidth": 1.3, **entries[name]})), mark)
            marks.put(fig.text((x + BESIDE) / wide, y / tall, name, fontsize=points, va="top", linespacing=LINE - 0.02), mark)
    return top, draw


BAR = {"linewidth": 7, "solid_capstyle": "butt"}  # what stands for a bar in a legend


def names_beside(names, options, points, share=0.36):
    """Names of bars, folded to a share of the width, and the height in inches that each bar needs for them."""
    shown = [folded(name, share * width(options), points) for name in names]
    return shown, 0.06 + max(height_of(name, points) for name in shown)


def settle(fig):
    """Lays out a figure, once for all formats that it is drawn in."""
    engine = fig.get_layout_engine()
    if engine:
        engine.execute(fig)
        if fold_axis_titles(fig):
            engine.execute(fig)
        fig.set_layout_engine(None)  # any other one costs a drawing more


def fold_axis_titles(fig):
    """So that none is longer than its axis; were there any?"""
    changed = False
    for ax in fig.axes:
        box = ax.get_position()
        for label, inches in ((ax.xaxis.label, box.width * fig.get_figwidth()), (ax.yaxis.label, box.height * fig.get_figheight())):
            text = folded(label.get_text(), max(inches, 0.8), label.get_size())
            changed |= text != label.get_text()
            label.set_text(text)
    return changed


# The same bytes for the same rows, whenever they are drawn. PNG at level 3 takes half the time of the usual 6, and no more room here.
SAVED_AS = {"png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}}, "svg": {"metadata": {"Date": None}},
            "pdf": {"metadata": {"CreationDate": None, "Producer": None}}}


def save(fig, path, formats):
    """Writes PATH.FORMAT, each whole or not at all: what was there stays until the new one is. Raises OSError."""
    settle(fig)
    for kind in formats:
        picture = io.BytesIO()
        fig.savefig(picture, format=kind, **SAVED_AS[kind])
        new = pathlib.Path(f"{path}.{kind}.new")
        try:
            new.write_bytes(picture.getvalue())
            new.replace(f"{path}.{kind}")
        except OSError as error:
            new.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, f"{path}.{kind}")  # a write's error does not say where


def notes(*sentences):
    """The parts of a footnote that are not empty."""
    return "; ".join(filter(None, sentences))
