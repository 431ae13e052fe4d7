"""Sizes: what the interpreter says of one object, and what a process takes for many."""
import functools
import gc
import os
import sys

from . import lanes

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


class Plain(object):
    def __init__(self, value):
        self.value = value


SIZES = {"object": object(), "float": 1.5, "int": 1, "str": "a", "list": [], "tuple": (), "dict": {}, "instance": Plain(None)}
KINDS = {"object": lambda i: object(), "float": lambda i: i + 0.5, "list": lambda i: [], "dict": lambda i: {}}


def header_size(request):
    """sys.getsizeof of eight kinds of objects."""
    sizes = {}
    times = lanes.run([lambda n: sizes.update({k: sys.getsizeof(v) for k, v in SIZES.items()})], len(SIZES), request["cpus"])
    return [lanes.window("header_size", times, metrics={"size_" + kind: size for kind, size in sizes.items()})]


def resident_of(name, make, request):
    """Bytes per object that a process grows by."""
    gc.disable()
    grown = []

    def build(n):
        kept = [None] * n
        before = resident()
        for i in range(n):
            kept[i] = make(i)
        grown.append((resident() - before) / n)

    times = lanes.run([build], 10000 if request["quick"] else 200000, request["cpus"])
    return [lanes.window(name, times, metrics={"resident_bytes_per_object": grown[0]})]


def mixed(i):
    return {"id": i, "name": "n%d" % i, "weight": i + 0.5, "tags": [i, str(i)], "place": (i, -i), "more": Plain(i)}


ITEMS = {"header_size": header_size}
for kind, make in KINDS.items():
    ITEMS["resident_" + kind] = functools.partial(resident_of, "resident_" + kind, make)
    ITEMS["resident_" + kind].__doc__ = "Memory that a process takes per %s, of many." % kind


def resident_mixed(request):
    """Memory that a process takes for records: dictionaries, strings, numbers, lists, tuples, instances."""
    request = dict(request)
    return resident_of("resident_mixed", mixed, request)


ITEMS["resident_mixed"] = resident_mixed
