"""Cost per operation by strategy, a panel per workload; or its ratio to a baseline strategy."""
from .. import metrics, panels

NAME = "cost"
ORDER = 20


def draw(results, options):
    metric, base = metrics.of(results, "ns_per_op"), options.baseline
    title, grey = f"Cost: {metric.title}", ""
    if base:
        title, grey = f"Cost per operation, as a multiple of {base}'s", "grey: within what the run's baseline differs from itself by"
    yield from panels.draw(panels.of_metric(results, results.select(), metric.name, base), options, "cost", [title], grey, 1.0 if base else metric.scale)
