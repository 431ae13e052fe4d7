"""One module per plot, found by being here: an underscore at the front of its name hides it.

Each has a docstring, whose first line `--list` prints; NAME, what --only calls it; ORDER, its place among them; and
draw(results, options), which yields (file name, figure) pairs.
"""
import importlib
import pkgutil


def found():
    """The plots' modules in their order."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
               if not m.name.startswith("_")]
    return sorted(modules, key=lambda m: (m.ORDER, m.NAME))


def summary(plot):
    return plot.__doc__.strip().splitlines()[0]
