"""What the parts of a figure stand for, so that a page can name them, hide a strategy's, and list their figures in a table.

A picture is drawn alike with marks and without.
"""
from collections import namedtuple

from .style import number

# `label` is a strategy's, or "" for what is of none; `where` a panel or a place on the axis; `estimate` (estimates.Estimate) times
# `scale` is drawn. Without an estimate `text` says what is there.
Mark = namedtuple("Mark", "label where estimate scale text", defaults=("", None, 1.0, ""))


def put(artist, *marks):
    """One mark for an artist, or one for each element of a collection; returns the artist."""
    artist.stands_for = marks
    return artist


def put_on_bars(bars, words):
    """On each of a container's bars what it is; those of no length stand for nothing."""
    for bar, word in zip(bars, words):
        if bar.get_width() > 0:
            put(bar, Mark("", text=" ".join(word.split())))


def found(fig):
    """(artist, its marks) of all that has some, in the order of drawing."""
    return [(artist, artist.stands_for) for artist in fig.findobj(lambda a: hasattr(a, "stands_for"))]


def is_figure(mark):
    """Whether it is one that has a line in a table, and not a part of another's drawing."""
    return mark.estimate is not None or bool(mark.text)


def spoken(mark):
    """In a line of text."""
    said = ", ".join(filter(None, (mark.label, mark.where)))
    if mark.estimate is None:
        return ": ".join(filter(None, (said, mark.text)))
    e = mark.estimate
    what = f"{100 * e.confidence:g} % interval" if e.interval else "least to greatest window"
    ends = f"{number(e.low * mark.scale)} to {number(e.high * mark.scale)}"
    return f"{said}: {number(e.median * mark.scale)} ({what} {ends}; {e.windows} windows in {e.processes} processes" + (
        "; doubtful)" if e.hollow else ")")
