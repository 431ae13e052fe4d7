"""Axes: linear or logarithmic, with ticks that people write and no more of them than there is room for."""
import math

from . import page
from .style import SETTINGS, number


FAR = 8          # times the least median: from here on a linear axis hides the differences of the small ones
FLAT = 3         # times the greatest median: a bar that goes beyond flattens all others
FLAT_LOG = 10
FEW = 4          # one in so many bars may be cut off; where more are long the axis is for all of them


class Span:
    """Of an axis for these estimates: from where to where, and whether logarithmic. Single bars that go far beyond are cut off."""

    def __init__(self, estimates, scale=1.0, far=FAR, exact=()):
        self.scale = scale
        found = [e for e in estimates if e.windows and e.median == e.median]
        medians = [e.median * scale for e in found] + list(exact)
        most, least = max(medians, default=0), min(medians, default=0)
        long = sum(e.high * scale > FLAT * most for e in found)
        few = long <= max(1, len(found) // FEW)
        self.log = least > 0 and (most > far * least or not few)
        beyond = FLAT_LOG if self.log else FLAT
        allowed = beyond * most if most > 0 and (few or self.log) else float("inf")
        high = max([e.high * scale for e in found if e.high * scale <= allowed] + medians, default=0)
        if self.log:
            low = min([e.low * scale for e in found if e.low * scale >= least / beyond] + medians)
            room = max((high / low) ** 0.05, 1.05)
            self.low, self.high = low / room, high * room
        else:
            self.low, self.high = 0, 1.06 * high if high > 0 else 1

    def goes_on(self, estimate):
        """To where its bar goes on beyond the ends of the axis: (below, above), None where it does not."""
        low, high = estimate.low * self.scale, estimate.high * self.scale
        return (low if self.log and low < self.low else None), (high if high > self.high else None)

    def bar(self, estimate):
        """What of it is drawn."""
        return max(estimate.low * self.scale, self.low), min(estimate.high * self.scale, self.high)

    def set(self, ax, axis="y"):
        if self.log:
            getattr(ax, f"set_{axis}scale")("log")
            plain_log(getattr(ax, f"{axis}axis"))
        else:
            plain_linear(getattr(ax, f"{axis}axis"))
        getattr(ax, f"set_{axis}lim")(self.low, self.high)


def words(ax, places, texts, options, columns=1):
    """Ticks at these places, and the words of those that are far enough from the one before for both to be read."""
    low, high = ax.get_xlim()
    points = page.size(options, 8.5)
    inches = (page.width(options) / columns - 0.8) / (high - low)  # what stands beside the axis takes less
    shown, end = [], float("-inf")
    for place, text in zip(places, texts):
        half = page.width_of(text, points) / 2 + 0.03
        fits = place * inches - half > end
        shown.append(text if fits else "")
        end = place * inches + half if fits else end
    ax.set_xticks(places, shown)
    ax.set_xlim(low, high)


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
            if len(shown) < 2:  # none of these, or one, which says nothing of the distance to others: equal steps
                few = [t for t in ticker.MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= t <= high]
                apart = list({number(t): t for t in few}.values())
                shown = apart if len(apart) > len(shown) and len(apart) <= room(self.axis, apart) else shown
            return shown

    axis.set_major_locator(Sparse())
    axis.set_minor_locator(ticker.NullLocator())
    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: number(v)))


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


