"""Line hand-offs between threads per operation, as the threads' own read-modify-writes noticed them (observed rows)."""
from .. import metrics, panels

NAME = "handoffs"
ORDER = 45


def draw(results, options):
    metric = metrics.of(results, "handoffs_per_op")
    yield from panels.draw(panels.of_metric(results, results.select(mode="observed"), metric.name), options, "handoffs",
                           [f"Observed hand-offs: {metric.title}"], "of the words that the scheme changes by read-modify-writes", metric.scale)
