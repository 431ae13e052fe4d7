"""The interpreters under test: which there are, how each is started, and what it answers."""
import glob
import json
import os
import pathlib
import signal
import subprocess
import sys

from tally_objects import interpreters as others

WORKER = pathlib.Path(__file__).resolve().with_name("worker.py")
RELEASES = ("3.11", "3.12", "3.13", "3.14", "3.15")
FREE_THREADED = ("3.13t", "3.14t", "3.15t")
FREE_FOLDERS = ("~/.pyenv/versions/*/bin/python3.*t", "~/.local/share/uv/python/*/bin/python3.*t")


class Failed(Exception):
    """Why an interpreter gave no answer. `refuses`: every other request would get the same."""

    def __init__(self, why, refuses=False):
        super().__init__(why)
        self.refuses = refuses


def ended(code):
    if code >= 0:
        return f"ended with {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:
        return f"died of signal {-code}"


def ask(path, flags, request, timeout):
    """What the worker printed for a request. Throws Failed."""
    command = [path, *others.FLAGS, *flags, str(WORKER), json.dumps(request)]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                   errors="replace", start_new_session=True)
    except OSError as error:
        raise Failed(f"does not run: {error.strerror}", refuses=True) from error
    try:
        said, complaint = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        said = None
    finally:  # an interrupt, too; the group, because a wrapper's child holds the pipes
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if said is None:
        raise Failed(f"did not answer within {timeout:g} s (--timeout)")
    if process.returncode:
        raise Failed(f"{ended(process.returncode)}: {(complaint.strip().splitlines() or ['it says nothing'])[-1]}")
    try:
        answer = json.loads(said)
        if not isinstance(answer, dict) or not {"identity", "windows", "refused"} & set(answer):
            raise ValueError
    except ValueError:
        printed = repr(said.strip()[:60]) if said.strip() else "nothing"
        raise Failed(f"is no Python 3.9 or later: it printed {printed} where JSON was expected", refuses=True) from None
    if "refused" in answer:
        raise Failed("refuses: " + answer["refused"], refuses=True)
    return answer


class Variant:
    """An interpreter, with its lock or without."""

    def __init__(self, name, path, identity, flags=()):
        self.name, self.path, self.identity, self.flags = name, path, identity, tuple(flags)
        self.gil = identity["gil"]

    @property
    def free_threaded(self):
        return self.identity["free_threaded"]

    @property
    def release(self):
        return tuple(map(int, self.identity["version"].split(".")[:2]))

    def ask(self, request, timeout):
        return ask(self.path, self.flags, {**request, "gil": self.gil}, timeout)


NOTHING = {"item": "", "threads": 1, "cpus": [], "quick": True, "gil": None}


def variants_of(path, timeout, name=None):
    """The interpreter as it starts by itself; then a free-threaded build that has the switch with its lock, too. Throws Failed."""
    identity = ask(path, (), NOTHING, timeout)["identity"]
    name = name or identity["version"] + ("t" if identity["free_threaded"] else "")
    made = [Variant(name, path, identity)]
    if identity["switchable"]:
        flag, tail = ("-X", "gil=0" if identity["gil"] else "gil=1"), "-gil" if identity["gil"] else "+gil"
        made.append(Variant(name + tail, path, ask(path, flag, {**NOTHING, "gil": not identity["gil"]}, timeout)["identity"], flag))
    return made


def distinct(variants):
    """Names that occur twice get a number."""
    seen = {}
    for variant in variants:
        seen[variant.name] = seen.get(variant.name, 0) + 1
        if seen[variant.name] > 1:
            variant.name += f"#{seen[variant.name]}"
    return variants


def found(timeout):
    """Variants of the interpreters of PATH, pyenv and uv that are of a release above or free-threaded."""
    paths = others.candidates([f"python{r}" for r in RELEASES + FREE_THREADED])
    for folder in FREE_FOLDERS:
        paths += sorted(glob.glob(os.path.expanduser(folder)))
    variants, real = [], set()
    for path in paths:
        if os.path.realpath(path) in real:
            continue
        real.add(os.path.realpath(path))
        try:
            one = variants_of(path, timeout)
        except Failed as error:
            print(f"{path} is left out: it {error}", file=sys.stderr)  # nobody named it
            continue
        if one[0].free_threaded or "%d.%d" % one[0].release in RELEASES:
            variants += one
    return distinct(variants)


def missing(variants):
    """Which releases are not among them, as sentences that say how to get one."""
    there = {"%d.%d" % v.release + ("t" if v.free_threaded else "") for v in variants}
    lacking = [r for r in RELEASES + FREE_THREADED if r not in there]
    return [f"{r}: `pyenv install {r}` or `uv python install {r}`, or name a build with --python" for r in lacking]
