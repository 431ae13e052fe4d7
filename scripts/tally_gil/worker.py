"""One item on the interpreter that runs this file, in a process of its own. Prints one line of JSON.

  python -E -s -S worker.py REQUEST     REQUEST is JSON: item, threads, cpus, quick, gil (what is expected; null: whatever it is)

Without an item: what the interpreter is.
"""
import sys


def gil_is_on():
    if hasattr(sys, "_is_gil_enabled"):
        return bool(sys._is_gil_enabled())
    return not getattr(sys.flags, "nogil", False)  # the forks before 3.13


BEFORE = gil_is_on()
NEEDED = ("gc", "json", "math", "os", "queue", "resource", "threading", "time")


class Refused(Exception):
    """Why a measurement would mean nothing."""


def import_all():
    """One at a time, so that the one that switches the lock on can be named. Returns the items."""
    for name in NEEDED:
        __import__(name)
        if gil_is_on() != BEFORE:
            raise Refused("the import of %s switched the GIL %s" % (name, "off" if BEFORE else "on"))
    folder = sys.modules["os"].path.dirname(sys.modules["os"].path.abspath(__file__))
    sys.path.insert(0, sys.modules["os"].path.dirname(folder))
    from tally_gil import items
    return items.ITEMS


def expect(asked):
    if asked is not None and gil_is_on() != asked:
        raise Refused("the GIL is %s, although it was started with it %s" % (("off", "on") if asked else ("on", "off")))


def answer(text):
    items = import_all()
    request = sys.modules["json"].loads(text)
    expect(request["gil"])
    if not request["item"]:
        from tally_gil import identity
        said = {"identity": identity.identity(BEFORE)}
        expect(BEFORE)
        return said
    windows = items[request["item"]](request)
    expect(BEFORE)  # after everything that ran
    usage = sys.modules["resource"].getrusage(sys.modules["resource"].RUSAGE_SELF)
    from tally_gil import memory
    return {"gil": BEFORE, "windows": windows, "resident": memory.resident(), "peak": usage.ru_maxrss * 1024}


def main(arguments):
    if len(arguments) != 1:
        sys.stderr.write(__doc__)
        return 64
    try:
        said = answer(arguments[0])
    except Refused as error:
        import json
        said = {"refused": str(error)}
    print(sys.modules["json"].dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
