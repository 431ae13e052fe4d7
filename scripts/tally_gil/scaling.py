"""Loops that one thread runs, then all: with private objects, with what functions and classes share, with a shared object.

The first thirteen ask what CPython's own Tools/ftscalingbench asks, by its names; the code is our own. The collector is off: what it
costs differs between builds, and is not what these measure.
"""
import functools
import gc
import math
import sys
import threading

from . import lanes

ITEMS = {}
FTSCALINGBENCH = ("object_cfunction", "cmodule_function", "mult_constant", "generator", "pymethod", "pyfunction", "module_function",
                  "load_string_const", "load_tuple_const", "create_pyobject", "create_closure", "create_dict", "thread_local_read")


def item(body):
    @functools.wraps(body)
    def measure(request):
        gc.disable()
        return lanes.in_threads(body.__name__, body, request)
    ITEMS[body.__name__] = measure
    return body


class Thing(object):
    """Instances have a dictionary; the value is an ordinary object, whose count every read changes."""

    def __init__(self):
        self.value = object()
        self.number = 0

    def method(self):
        return None


def plus_one(i):
    return i + 1


def ten():
    for i in range(10):
        yield i


class Empty(object):
    pass


THIS_MODULE = sys.modules[__name__]
LOCAL = threading.local()

# The main thread's, and so foreign to every thread that is measured.
SHARED = Thing()
METHOD = SHARED.method
LIST = [object()]
MANY = [object() for _ in range(4096)]
DICT = {"key": object()}
GROWING = []


@item
def object_cfunction(n):
    """Methods of a private list, written in C."""
    kept, total = [1] * 100, 0
    for i in range(n):
        kept.pop(0)
        kept.append(i)
        total += kept[50]


@item
def cmodule_function(n):
    """math.floor: a C function, an attribute of a module."""
    for i in range(n):
        math.floor(i * i)


@item
def mult_constant(n):
    """A float times a constant."""
    x = 1.0
    for _ in range(n):
        x *= 1.0000001


@item
def generator(n):
    """Ten steps of a generator."""
    total = 0
    for _ in range(n):
        for i in ten():
            total += i


@item
def pymethod(n):
    """A Python method of a private instance."""
    thing = Thing()
    for _ in range(n):
        thing.method()


@item
def pyfunction(n):
    """A Python function, a global."""
    for i in range(n):
        plus_one(i)


@item
def module_function(n):
    """A Python function, an attribute of a module."""
    for i in range(n):
        THIS_MODULE.plus_one(i)


@item
def load_string_const(n):
    """A string of the code."""
    for i in range(n):
        if i == "a string":
            break


@item
def load_tuple_const(n):
    """A tuple of the code."""
    for i in range(n):
        if i == (1, 2):
            break


@item
def create_pyobject(n):
    """Instances of one Python class."""
    for _ in range(n):
        Empty()


@item
def create_closure(n):
    """Functions of one code object, called once."""
    for i in range(n):
        def inner(x):
            return x
        inner(i)


@item
def create_dict(n):
    """Dictionaries of one pair."""
    for _ in range(n):
        {"key": "value"}


@item
def thread_local_read(n):
    """An attribute of one threading.local."""
    here = LOCAL
    here.value = 10
    for _ in range(n):
        here.value
        here.value
        here.value
        here.value
        here.value


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@item
def fib(n):
    """fibonacci(10), recursive."""
    for _ in range(n):
        fibonacci(10)


@item
def private_list(n):
    """An item of a thread's own list."""
    own = [object()]
    for _ in range(n):
        own[0]


@item
def private_dict(n):
    """A value of a thread's own dictionary."""
    own = {"key": object()}
    for _ in range(n):
        own["key"]


@item
def private_attribute(n):
    """An attribute of a thread's own instance."""
    own = Thing()
    for _ in range(n):
        own.value


@item
def immortal_alias(n):
    """None, True and a small int, named and renamed."""
    first, second, third = None, True, 7
    for _ in range(n):
        alias = first
        alias = second
        alias = third
    return alias


@item
def shared_alias(n):
    """One ordinary object of another thread's, named and renamed."""
    first = second = third = SHARED
    for _ in range(n):
        alias = first
        alias = second
        alias = third
    return alias


@item
def bound_method(n):
    """A bound method of one shared instance."""
    method = METHOD
    for _ in range(n):
        method()


@item
def shared_attribute(n):
    """An attribute of one shared instance."""
    thing = SHARED
    for _ in range(n):
        thing.value


@item
def shared_list_item(n):
    """The one item of a shared list."""
    shared = LIST
    for _ in range(n):
        shared[0]


@item
def shared_list_spread(n):
    """One of 4096 items of a shared list, another in each thread."""
    shared, start = MANY, threading.get_ident() >> 12
    for i in range(n):
        shared[(start + i * 1031) & 4095]


@item
def shared_dict_item(n):
    """The one value of a shared dictionary."""
    shared = DICT
    for _ in range(n):
        shared["key"]


@item
def shared_append(n):
    """append() to a shared list."""
    shared = GROWING
    for i in range(n):
        shared.append(None)
        if i & 0xFFF == 0:
            shared.clear()


def shared_increment(request):
    """+= on an attribute of one shared instance, and how many of them are not lost."""
    gc.disable()

    def body(n):
        thing = SHARED
        for _ in range(n):
            thing.number += 1

    windows = []
    amount = lanes.calibrated(body, lanes.target_ns(request), request["cpus"])
    for threads in sorted({1, request["threads"]}):
        SHARED.number = 0
        times = lanes.run([body] * threads, amount, request["cpus"])
        windows.append(lanes.window("shared_increment", times, metrics={"kept_share": SHARED.number / (amount * threads)}))
    return windows


def foreign_alias(request):
    """An object named three times and forgotten in one thread: one of its own, and one of the main thread's."""
    gc.disable()

    def body(thing):
        def loop(n):
            for _ in range(n):
                first = thing
                second = thing
                third = thing
                del first, second, third
        return loop

    def own(n):
        body(Thing())(n)

    foreign = body(SHARED)
    amount = lanes.calibrated(own, lanes.target_ns(request), request["cpus"])
    windows = []
    for block in range(1 if request["quick"] else lanes.BLOCKS):
        for name, loop in (("own_alias", own), ("foreign_alias", foreign)):
            windows.append(lanes.window(name, lanes.run([loop], amount, request["cpus"]), block))
    return windows


ITEMS["shared_increment"] = shared_increment
ITEMS["foreign_alias"] = foreign_alias
