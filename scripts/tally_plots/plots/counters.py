"""Hardware counters by strategy, a figure per counter and a panel per workload: what --counters measured."""
from .. import load, metrics, panels, style

NAME = "counters"
ORDER = 75


def draw(results, options):
    rows = results.select()
    for name in counted(rows):
        metric = metrics.of(results, name)
        measured = [r for r in rows if name in r["metrics"]]
        yield from panels.draw(panels.of_metric(results, measured, name), options, f"counters-{style.slug(name)}",
                               [f"Counters: {metric.title}"], metric.meaning or "", metric.scale)


def counted(rows):
    """GROUP.METRIC of the groups that were read, those that have a value somewhere: a virtual machine often has none."""
    found = {}
    for r in rows:
        groups = {group.removesuffix(".group") for group in r["config"].get("counters", [])}
        for name in r["metrics"] if groups else ():
            if name.split(".")[0] in groups and load.metric(r, name) is not None:
                found[name] = True
    return list(found)
