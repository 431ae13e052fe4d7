"""The decision map as a picture: areas of the cheapest strategy, the lines on which two cost the same, and what is too close to call."""
import numpy as np

from .. import style
from .choice import uses_of, work_of
from .html import Piece, joined, tag

LEFT, TOP, WIDE, TALL, BELOW = 44, 8, 300, 216, 40  # user units, which are a phone's pixels
FINE = 8  # parts of a step: between the points costs are interpolated linearly


def fine(values):
    """A grid's values, [handed][shared], and those between them."""
    rows, columns = values.shape
    x, y = (np.linspace(0, n - 1, FINE * (n - 1) + 1) for n in (columns, rows))
    across = np.array([np.interp(x, range(columns), row) for row in values])
    return np.array([np.interp(y, range(rows), column) for column in across.T]).T


def fields(choice, references):
    """By strategy how much cheaper it is than every other (negative: than one it is not), over the fine grid; and how far the intervals of
    the two cheapest are apart, negative where they overlap or the noise is wider."""
    handed, shared = choice.steps[1], choice.steps[0]

    def grid(of):
        return fine(np.array([[of(x, y) for x in shared] for y in handed]))
    costs = {s: [grid(lambda x, y, n=n: choice.cost(s, x, y, references)[n] or np.nan) for n in range(3)] for s in choice.contenders}
    noise = grid(choice.noise)
    value = np.array([costs[s][0] for s in choice.contenders])
    ahead = {s: np.delete(value, n, 0).min(0) - value[n] for n, s in enumerate(choice.contenders)}
    first = value.argmin(0)
    low, high = (np.array([costs[s][n] for s in choice.contenders]) for n in (1, 2))
    others = np.arange(len(value))[:, None, None] != first
    best, best_high = value.min(0), np.take_along_axis(high, first[None], 0)[0]
    gap = np.where(others, np.minimum(low - best_high, value - (1 + noise) * best), np.inf).min(0)
    return ahead, np.where(np.isnan(gap), -1, gap)


def picture(choice, references, name):
    import contourpy
    ahead, gap = fields(choice, references)
    rows, columns = gap.shape
    x, y = LEFT + WIDE * np.arange(columns) / (columns - 1), TOP + TALL - TALL * np.arange(rows) / (rows - 1)
    areas, borders = [], []
    for s in choice.contenders:
        lines = contourpy.contour_generator(x, y, ahead[s], fill_type="OuterOffset")
        areas.append(area(lines.filled(0, np.inf), fill=style.colour(s), fill_opacity=0.35, class_=css_class(s)))
        borders += lines.lines(0)
    close = contourpy.contour_generator(x, y, gap, fill_type="OuterOffset").filled(-np.inf, 0)
    hatch = tag("pattern", tag("path", d="M0,6 L6,0", stroke="#000000", stroke_width=1), id=f"{name}-hatch", width=6, height=6,
                patternUnits="userSpaceOnUse")
    border = Piece("".join(f"M{' '.join(f'{a:.1f},{b:.1f}' for a, b in line)}" for line in borders))
    return tag("svg", tag("defs", hatch), *areas, area(close, fill=f"url(#{name}-hatch)", fill_opacity=0.5),
               tag("path", d=border, fill="none", stroke="#000000", stroke_width=1.6), axes(choice), *points(choice, references),
               viewBox=f"0 0 {LEFT + WIDE + 12} {TOP + TALL + BELOW}", role="group",
               aria_label=f"Decision map, {uses_of(references)}{f', {work_of(choice.think)}' if choice.think else ''}; the table below it has its points")


def css_class(strategy):
    return f"s-{style.slug(style.family(strategy))}"


def area(filled, **attributes):
    parts = []
    for corners, offsets in zip(*filled):
        for first, last in zip(offsets, offsets[1:]):
            parts.append("M" + " ".join(f"{a:.1f},{b:.1f}" for a, b in corners[first:last]) + "Z")
    return tag("path", d="".join(parts), fill_rule="evenodd", **attributes) if parts else None


def place(choice, point):
    shared, handed = (steps.index(at) / (len(steps) - 1) for steps, at in zip(choice.steps, (point.shared, point.handed)))
    return LEFT + WIDE * shared, TOP + TALL - TALL * handed


def points(choice, references):
    """What can be pointed at, and each area's name beside the point that is farthest from being another's."""
    found = choice.points(references)
    named = {}
    for p in found:
        rivals = [c.value for s, c in p.costs.items() if s != p.cheapest]
        lead = min(rivals) / p.costs[p.cheapest].value
        if lead > named.get(p.cheapest, (0, None))[0]:
            named[p.cheapest] = lead, p
    for nth, p in enumerate(found):
        x, y = place(choice, p)
        yield tag("circle", tag("title", spoken(p)), cx=f"{x:.1f}", cy=f"{y:.1f}", r=4.5, stroke=style.colour(p.cheapest), stroke_width=2,
                  fill="#ffffff" if p.close or not p.decided else style.colour(p.cheapest), tabindex="-1" if nth else "0", role="img")
    for s, (_, p) in named.items():
        x, y = place(choice, p)
        anchor = "end" if x > LEFT + WIDE / 2 else "start"
        yield tag("text", s, x=f"{x + (-9 if anchor == 'end' else 9):.1f}", y=f"{y + 16 if y < TOP + TALL / 2 else y - 9:.1f}",
                  text_anchor=anchor, class_="area")


def spoken(point):
    costs = sorted(point.costs.items(), key=lambda c: c[1].value)
    told = ", ".join(f"{s} {style.number(c.value)} ns" + (f" ({style.number(c.low)} to {style.number(c.high)})" if c.sure else "")
                     for s, c in costs)
    return f"{point.shared:g} % shared, {point.handed:g} % handed off: {verdict(point)}; per object {told}"


def verdict(point):
    if not point.decided:
        return f"undecided, {point.cheapest} has the lowest mean"
    if point.close:
        return f"too close to call: {', '.join([point.cheapest, *point.close])}"
    return f"{point.cheapest} is cheapest"


def axes(choice):
    drawn = [tag("rect", x=LEFT, y=TOP, width=WIDE, height=TALL, fill="none", stroke="#000000", stroke_width=0.8)]
    for nth, share in enumerate(choice.steps[0]):
        x = LEFT + WIDE * nth / (len(choice.steps[0]) - 1)
        drawn.append(tag("text", f"{share:g}", x=f"{x:.1f}", y=TOP + TALL + 15, text_anchor="middle"))
    for nth, share in enumerate(choice.steps[1]):
        y = TOP + TALL - TALL * nth / (len(choice.steps[1]) - 1)
        drawn.append(tag("text", f"{share:g}", x=LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    drawn.append(tag("text", "operations on shared objects, % (not to scale)", x=LEFT + WIDE / 2, y=TOP + TALL + 33, text_anchor="middle"))
    middle = TOP + TALL / 2
    drawn.append(tag("text", "objects handed off, %", x=10, y=middle, text_anchor="middle", transform=f"rotate(-90 10 {middle})"))
    return joined(*drawn)
