"""Interpreters that nobody runs, and what they are said to have done: for the tests of scripts/gil_vs_ft.py, whose package is on the
path of modules."""
from tally_gil.view import TIME, View


class Made:
    """A variant that nobody runs."""

    def __init__(self, name, gil, free_threaded=False, version="3.13.5", **identity):
        self.name, self.path, self.gil, self.free_threaded = name, name.partition("+")[0], gil, free_threaded
        self.release = tuple(map(int, version.split(".")[:2]))
        self.identity = {"collector": "generational", "optimisation": "pgo", "immortalises": free_threaded, "version": version, **identity}


GIL, FREE, LOCKED = Made("3.13.5", True), Made("3.13.5t", False, True), Made("3.13.5t+gil", True, True)


def made_view(*variants, speedups=(), per_op=(), metrics=()):
    """`speedups` {(variant, workload): values by round}, `per_op` the same of times by one number of threads, `metrics` by name."""
    view = View(list(variants or (GIL, FREE, LOCKED)), 2)
    for (variant, workload), values in dict(speedups).items():
        for process, value in enumerate(values):
            view.add(variant, workload, 1, process, {TIME: 100.0})
            view.add(variant, workload, 2, process, {TIME: 100.0 / value})
    for (variant, workload, threads), values in dict(per_op).items():
        for process, value in enumerate(values):
            view.add(variant, workload, threads, process, {TIME: value})
    for (variant, workload, name), values in dict(metrics).items():
        for process, value in enumerate(values):
            view.add(variant, workload, 1, process, {TIME: 1.0, name: value})
    return view
