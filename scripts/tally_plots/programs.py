"""Rows of programs: those of the model runtime (the workload interpreter) and those of real interpreters (scripts/gil_vs_ft.py), and
which of them ask the same."""
from . import load

MODEL, INTERPRETER = "interpreter", "python"  # a workload's name, a strategy's
WALL = "wall_ns_per_op"  # of interpreters: what all their ratios are made of
# The script's item that does what a program of the model does, where it has another name.
ITEMS = {"list_private": "private_list", "dict_private": "private_dict", "attr_private": "private_attribute",
         "float_private": "mult_constant", "list_shared": "shared_list_item", "dict_shared": "shared_dict_item",
         "attr_shared": "shared_attribute", "list_shared_update": "shared_append", "attr_shared_update": "shared_increment",
         "call_function": "pyfunction", "call_method": "pymethod", "call_method_shared": "bound_method",
         "create_instance": "create_pyobject", "create_function": "create_closure", "constants": "immortal_alias"}
# What an interpreter counts with: the model's strategy of the same colour.
SCHEMES = {"on": "gil", "off": "biased"}


def of_model(results):
    return [r for r in results.select(MODEL) if load.parameter(r, "program") is not None and not load.think(r)]


def of_interpreters(results):
    return [r for r in results.select() if r["config"]["strategy"]["name"] == INTERPRETER]


def program(row):
    return load.parameter(row, "program")


def item(name):
    return ITEMS.get(name, name)


def immortal(row):
    """Whether constants may be immortal in a row of the model; they are where the strategy has immortal objects."""
    return load.parameter(row, "immortal") != "no"


def on_main(row):
    """Whether the one thread of a row of the model has made its program itself, as a main thread has."""
    return load.parameter(row, "thread") == "main"


def variant(row):
    """What a row of the model is called beside others of its program."""
    return load.named(row) + ("" if immortal(row) else " immortal=no") + row["_run"].tail


def interpreter(row):
    return f"Python {load.labelled(row)}"


def scheme(row):
    """Of a row of an interpreter."""
    return SCHEMES.get(row["config"]["strategy"]["options"].get("gil"), INTERPRETER)
