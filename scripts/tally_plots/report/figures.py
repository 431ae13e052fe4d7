"""All plots that the rows allow, drawn for a page by as many processes as there are processors."""
import concurrent.futures
import contextlib
import gc
import multiprocessing
import os
import types
from collections import namedtuple

from .. import marks, plots, style
from . import inline

WIDTH = 3.6  # inches: of a phone's screen; several stand beside each other on a wider one

# `title` are lines, `note` what a footnote says, `marks` what the table lists.
Drawn = namedtuple("Drawn", "plot file title note svg marks")

LONGEST = ("throughput", "cost", "quality")  # begun first, so that no process ends long after the others

_shared = {}  # what the processes are born with


@contextlib.contextmanager
def drawing(results, class_of):
    """Begins to draw. Gives a function that waits for the figures, by plot, in their order; it raises what drawing raises."""
    names = [plot.NAME for plot in plots.found()]
    _shared.update(results=results, class_of=class_of)
    import matplotlib.backends.backend_svg  # noqa: F401  by the parent, once
    gc.freeze()  # a look for garbage would write to all records, and each process would have its own
    most = min(len(os.sched_getaffinity(0)), len(names))
    try:
        if most < 2:
            yield lambda: {name: of_plot(name) for name in names}
        else:
            with concurrent.futures.ProcessPoolExecutor(most, multiprocessing.get_context("fork")) as pool:
                pages = {name: pool.submit(of_plot, name) for name in sorted(names, key=lambda name: name not in LONGEST)}
                try:
                    yield lambda: {name: pages[name].result() for name in names}
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
    finally:
        _shared.clear()
        gc.unfreeze()


def of_plot(name):
    """The figures of one plot."""
    plot = next(p for p in plots.found() if p.NAME == name)
    options = types.SimpleNamespace(width=WIDTH, baseline=None, overlaid=None, origin="", bare=True)
    made = []
    with style.look():
        for file, fig in plot.draw(_shared["results"], options):
            title, note = getattr(fig, "told", ([file], ""))  # of one that page.frame() has not framed: its file's name
            svg, told = inline.svg_of(fig, f"fig-{style.slug(file)}", ", ".join(title), _shared["class_of"])
            made.append(Drawn(name, file, list(title), note, svg, told))
    return made


def table_of(figure):
    """(columns, rows, columns that are numbers, labels) of what it shows; no rows if it can't be pointed at."""
    if not figure.marks:
        return (), [], (), []
    if all(mark.estimate is None for mark in figure.marks):
        named = any(mark.label for mark in figure.marks)
        rows = [((mark.label,) if named else ()) + (mark.text,) for mark in figure.marks]
        return (("strategy", "what") if named else ("what",)), rows, (), [mark.label for mark in figure.marks]
    rows = []
    for mark in figure.marks:
        e, scale = mark.estimate, mark.scale
        if e is None:
            rows.append((mark.label, mark.where, *[""] * 5, mark.text))
            continue
        rows.append((mark.label, mark.where, *(style.number(v * scale) for v in (e.median, e.low, e.high)),
                     "interval" if e.interval else "windows", f"{e.windows} in {e.processes}", "in doubt" if e.hollow else ""))
    columns = ("strategy", "where", "value", "low", "high", "low to high is", "windows in processes", "remark")
    return columns, rows, (2, 3, 4), [mark.label for mark in figure.marks]


def spoken(figure):
    """What each point is called."""
    return [marks.spoken(mark) for mark in figure.marks]
