"""Estimates over a number: a line, bars and markers for each label, side by side where they would hide each other."""
from . import marks, style, ticks

SIDE_BY_SIDE, APART = 0.4, 0.06  # of the least distance between two places: all markers of one together, two neighbours at most


class Series:
    """Collects what one pair of axes shows; draw() draws it, since where a line is depends on how many there are."""

    def __init__(self, ax, looks, scale=1.0, far=ticks.FAR):
        self.ax, self.looks, self.scale, self.far = ax, looks, scale, far
        self.lines, self.across, self.bare = [], [], []

    def add(self, label, places, estimates, words=None, joined=True):
        """Estimates at places on the axis; `words` are what the places are called where a bar is cut off."""
        kept = [(x, e, w) for x, e, w in zip(places, estimates, words or [f"{x:g}" for x in places]) if e.windows]
        if kept:
            self.lines.append((label, kept, joined))

    def add_across(self, label, estimate):
        """What has no place: a line from side to side."""
        if estimate.windows:
            self.across.append((label, estimate))

    def add_line(self, label, places, values):
        """What is known exactly: a line without markers, a point if it has one end only."""
        self.bare.append((label, places, [v * self.scale for v in values]))

    @property
    def estimates(self):
        return [e for _, kept, _ in self.lines for _, e, _ in kept] + [e for _, e in self.across]

    def handles(self):
        marked = {label for label, *_ in self.lines + self.across}
        for label in style.order([*marked, *(label for label, *_ in self.bare)]):
            yield (self.looks[label] if label in marked else {**self.looks[label], "marker": ""}), label

    def draw(self):
        """Returns a sentence about the bars that are cut off, or nothing."""
        span = ticks.Span(self.estimates, self.scale, self.far, [v for _, _, values in self.bare for v in values])
        places = sorted({x for _, kept, _ in self.lines for x, _, _ in kept} | {x for _, xs, _ in self.bare for x in xs})
        gap = min((b - a for a, b in zip(places, places[1:])), default=1.0)
        step = min(SIDE_BY_SIDE / max(len(self.lines), 1), APART) * gap
        said = []
        for nth, (label, kept, joined) in enumerate(self.lines):
            aside = (nth - (len(self.lines) - 1) / 2) * step
            self.line(label, [x + aside for x, _, _ in kept], [e for _, e, _ in kept], [word for *_, word in kept], joined, span)
            for _, e, word in kept:
                ends = [f"{way} {style.number(end)}" for way, end in zip(("from", "to"), span.goes_on(e)) if end is not None]
                said += [f"{label} at {word}: {' '.join(ends)}"] if ends else []
        for nth, (label, xs, ys) in enumerate(self.bare):
            # Thinner from one to the next: lines that coincide all show.
            drawn, = self.ax.plot(xs, ys, **{**self.looks[label], "marker": "" if len(xs) > 1 else "."},
                                  linewidth=3 - 2.2 * nth / max(len(self.bare) - 1, 1))
            marks.put(drawn, marks.Mark(label))
        for label, e in self.across:
            look = self.looks[label]
            drawn, = self.ax.plot([0, 0.5, 1], [e.median * self.scale] * 3, transform=self.ax.get_yaxis_transform(), **look, markersize=4,
                                  linewidth=1, markerfacecolor="white" if e.hollow else look["color"], clip_on=False)
            marks.put(drawn, marks.Mark(label, "everywhere", e, self.scale))
        if places:
            self.ax.set_xlim(places[0] - 0.3 * gap, places[-1] + 0.3 * gap)
        span.set(self.ax)
        return "bars cut off: " + ", ".join(said) if said else ""

    def line(self, label, xs, estimates, words, joined, span):
        look, scale, mark = self.looks[label], self.scale, marks.Mark(label)
        ys = [e.median * scale for e in estimates]
        if joined:
            joint, = self.ax.plot(xs, ys, color=look["color"], linestyle=look["linestyle"], linewidth=1.3)
            marks.put(joint, mark)
        drawn = [span.bar(e) for e in estimates]
        bars = [[max(y - low, 0) for y, (low, _) in zip(ys, drawn)], [max(high - y, 0) for y, (_, high) in zip(ys, drawn)]]
        _, caps, lines = self.ax.errorbar(xs, ys, yerr=bars, color=look["color"], linestyle="none", elinewidth=1, capsize=1.5, capthick=0.8)
        for artist in (*caps, *lines):
            marks.put(artist, mark)
        marks.put(self.ax.scatter(xs, ys, marker=look["marker"], s=20, linewidths=1, edgecolors=look["color"], zorder=3,
                                  facecolors=["white" if e.hollow else look["color"] for e in estimates]),
                  *(marks.Mark(label, word, e, scale) for word, e in zip(words, estimates)))
        for side, arrow, end in ((0, 7, span.low), (1, 6, span.high)):
            cut = [x for x, e in zip(xs, estimates) if span.goes_on(e)[side] is not None]
            if cut:
                marks.put(self.ax.scatter(cut, [end] * len(cut), marker=arrow, s=30, color=look["color"], clip_on=False, zorder=3), mark)
