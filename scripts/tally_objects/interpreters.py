"""The Pythons of this machine, and the collector's rule that each follows."""
import glob
import os
import pathlib
import shutil
import subprocess

RULES = ("3.11", "3.12", "3.13")  # of cycles=generational; a release that follows none of them is left out
STOPS = ("3.13", "3.14")  # free-threaded builds that are as cycles=stop
FLAGS = ("-E", "-s", "-S")  # no site: a distribution's own imports are containers, too
FOLDERS = ("~/.pyenv/versions/*/bin/python3", "~/.local/share/uv/python/*/bin/python3")
IDENTITY = ("import platform, sys; print(platform.python_implementation(), '.'.join(map(str, sys.version_info[:3])), "
            "'gil' if getattr(sys, '_is_gil_enabled', lambda: True)() else 'nogil')")
STOP = "stop"  # the rule of a build without a lock


def strategy(rule):
    """What follows a rule here."""
    return "biased:heap=block,cycles=stop" if rule == STOP else f"gil:cycles=generational,rule={rule}"


class Unusable(Exception):
    """Why a Python cannot be asked."""


class Interpreter:
    """One that can be asked; `rule` is None where no rule is known, and `why` says so."""

    def __init__(self, path):
        self.path = path
        try:
            said = subprocess.run([path, *FLAGS, "-c", IDENTITY], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unusable(f"{path} does not run: {error}") from error
        words = said.stdout.split()
        if said.returncode or len(words) != 3:
            raise Unusable(f"{path} is no Python 3: {(said.stderr or said.stdout).strip() or 'it says nothing'}")
        kind, self.version, lock = words
        release = ".".join(self.version.split(".")[:2])
        self.rule, self.why = (release, "") if release in RULES else (None, f"no rule for {release}; there are {', '.join(RULES)}")
        if kind == "CPython" and lock != "gil" and release in STOPS:
            self.rule = STOP
        elif kind != "CPython" or lock != "gil":
            self.rule, self.why = None, f"{kind}{' without a lock' if lock != 'gil' else ''} collects by other rules"

    def __str__(self):
        return f"Python {self.version} ({self.path})"


def candidates(names=(*(f"python{rule}" for rule in RULES), *(f"python{release}t" for release in STOPS))):
    """`names` and python3 of PATH, then those of pyenv and uv."""
    programs = [shutil.which(name) for name in names] + [shutil.which("python3"), "/usr/bin/python3"]
    paths = [program for program in programs if program and os.access(program, os.X_OK)]
    for folder in FOLDERS:
        paths += sorted(glob.glob(os.path.expanduser(folder)))
    # A shim of pyenv's is a script that chooses a Python by the folder that it is called in: what it chooses is found by itself.
    return [path for path in paths if ".pyenv/shims" not in path]


def find():
    """Each program once, by what its links lead to."""
    found = {}
    for path in candidates():
        real = str(pathlib.Path(path).resolve())
        if real not in found:
            try:
                found[real] = Interpreter(path)
            except Unusable:
                pass  # nobody named it
    return list(found.values())
