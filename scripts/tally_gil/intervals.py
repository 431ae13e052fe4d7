"""What several rounds say together: a median, and an interval for it that assumes nothing of how the rounds are spread."""
import math
import statistics

CONFIDENCE = 0.95
METHOD = "order statistics"


def rank(count, confidence=CONFIDENCE):
    """How many values to leave out at each end, so that the median is between the rest that often; None if no number will do.

    A value is below the median as often as a coin shows heads: the order statistics k and count - k + 1 miss it only if fewer than k
    of `count` tosses are heads, or tails.
    """
    missed, best = 0.0, None
    for k in range(count // 2 + 1):
        missed += 2 * math.comb(count, k) / 2 ** count
        if missed > 1 - confidence:
            break
        best = k
    return best


class Estimate:
    """`interval` is false where there are too few rounds for one: low and high are then the least and the greatest."""

    def __init__(self, values):
        ordered = sorted(values)
        out = rank(len(ordered))
        self.rounds, self.interval = len(ordered), out is not None
        self.value = statistics.median(ordered)
        self.low, self.high = ordered[out or 0], ordered[-1 - (out or 0)]

    def text(self):
        bounds = f"[{number(self.low)}, {number(self.high)}]" if self.interval else f"({number(self.low)} to {number(self.high)})"
        return number(self.value) if self.rounds == 1 else f"{number(self.value)} {bounds}"


def number(x):
    """Three digits, without an exponent."""
    if x == 0 or not math.isfinite(x):
        return f"{x:g}"
    return f"{x:.{min(6, max(0, 2 - math.floor(math.log10(abs(x)))))}f}"
