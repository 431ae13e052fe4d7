#!/usr/bin/env python3
"""Runs object programs (docs/object-programs.md) on the Python that runs this script, and prints what it did, a line an event.

  runner.py FILE...    each program in a process of its own, forked before anything ran: as if each were run alone

What is printed is decided by CPython alone: its counts, its collector, its finalisers.
"""
import gc
import io
import os
import sys
import weakref

import program

# The interpreter's own containers are filled up to this number: automatic full collections depend on it, and it differs from release to
# release and with what a distribution imports at start. Those of 3.11 to 3.13 have 6000 to 7500 (with python -E -s -S).
OUTSIDE = 8000


def make_class(words, log, scope):
    """Slots without a dictionary: an object costs one allocation, and is a container with nothing in it but its slots."""
    kind, slots = words[0], int(words[1])
    names = tuple(f"s{i}" for i in range(slots))
    space = {"__slots__": names + ("__weakref__",)}
    exec("def __init__(self):\n" + ("".join(f"    self.{s} = None\n" for s in names) or "    pass\n"), space)
    del space["__builtins__"]
    if kind == "note":
        def __del__(self):
            log.write(f"{scope['_step']} final {self.name}\n")
        space.update(name=words[2], __del__=__del__)
    if kind == "revive":
        def __del__(self):
            log.write(f"{scope['_step']} revive {self.name}\n")
            scope[self.target] = self
        space.update(name=words[2], target=words[3], __del__=__del__)
    return type(kind, (), space)


def counter():
    """sys.getrefcount less what asking costs, which differs between releases: measured on an object with one reference."""
    def count(x, references=sys.getrefcount, cost=0):
        return references(x) - cost
    probe = object()
    count.__defaults__ = (sys.getrefcount, count(probe) - 1)
    return count


def make_scope(statements, log):
    """The globals of a program: its variables, and with a leading underscore what its statements need."""
    class leaf:
        __slots__ = ()

    scope = {"_step": 0, "_range": range, "_type": type, "_gc": gc, "_ref": weakref.ref, "_say": log.write, "_leaf": leaf,
             "_count": counter()}
    kinds = []
    for words in sorted({program.class_of(w) for w in statements if w[0] == "new"}):
        made = make_class(words, log, scope)
        scope["_" + "_".join(words)] = made
        kinds.append(made)
    for name in {w[1] for w in statements if w[0] == "weak"}:
        def gone(_, name=name):
            log.write(f"{scope['_step']} weak {name}\n")
        scope["_gone_" + name] = gone
    for name in program.variables(statements):
        scope.setdefault(name, None)

    # The tuples of arguments and results that these make are containers, and counted: a model has them too.
    def collect(*generation):
        log.write(f"{scope['_step']} collected {gc.collect(*generation)}\n")

    def state():
        on = gc.isenabled()
        gc.disable()
        alive = sum(1 for o in gc.get_objects() if type(o) in kinds)
        _, first, second = gc.get_count()
        log.write(f"{scope['_step']} state alive {alive} generations {first} {second}\n")
        if on:
            gc.enable()

    scope.update(_collect=collect, _state=state)
    return scope


def fill_up():
    """Lists, which are never untracked; and what keeps them."""
    gc.collect()
    gc.collect()
    missing = OUTSIDE - len(gc.get_objects()) - 1
    if missing < 0:
        raise program.Unreadable(f"the interpreter has {OUTSIDE - missing} containers of its own, the comparison has room for {OUTSIDE}: "
                                 "run it with -E -s -S, or raise OUTSIDE in runner.py and in the model together")
    return [[] for _ in range(missing)]


def run(text):
    """The events of one program; the interpreter is spent afterwards."""
    statements = program.parse(text)
    log = io.StringIO()
    scope = make_scope(statements, log)

    def listen(phase, info):
        if phase == "stop":
            log.write(f"{scope['_step']} collection {info['generation']} {info['collected']}\n")

    code = compile(program.translate(statements), "program", "exec")
    del statements
    gc.disable()
    gc.callbacks.append(listen)
    filling = fill_up()
    gc.collect()
    gc.collect(0)
    log.seek(0)
    log.truncate()
    gc.enable()
    exec(code, scope)
    gc.disable()
    gc.callbacks.remove(listen)
    return f"# python {sys.version_info[0]}.{sys.version_info[1]}\n{log.getvalue()}"


def forked(path):
    """Whether `path` was run to its end, in a child."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    status = 70  # an exception that is not expected: its traceback is on stderr
    try:
        with open(path) as file:
            events = run(file.read())
        sys.stdout.write(events)
        sys.stdout.flush()
        status = 0
    except (OSError, program.Unreadable) as error:
        sys.stderr.write(f"runner.py: {path}: {error}\n")
    finally:
        os._exit(status)


def main(paths):
    if not paths:
        sys.stderr.write(__doc__)
        return 64
    return 0 if all([forked(path) for path in paths]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
