"""Heap size against time: what a collector pays for a tighter heap, with the counting strategies as lines across."""
from .. import estimates, limits, metrics

NAME = "heap"
ORDER = 70


def draw(results, options):
    yield from limits.draw(results, options, "heap", "Heap size against time", lambda rows: (estimates.of, ""),
                           lambda name: metrics.of(results, name).title)
