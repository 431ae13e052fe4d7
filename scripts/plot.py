#!/usr/bin/env python3
"""The command of the package beside it, tally_plots: scripts/plot.py --help says what it draws.

Run as a script it goes on under a python3 that has matplotlib, if the one it is run by has none. Imported it does nothing.
"""
import gc
import importlib.util
import os
import pathlib
import subprocess
import sys

ELSEWHERE = ("/usr/bin/python3", "/usr/local/bin/python3")  # PATH's own may be one without Debian's packages


def draws(python):
    try:
        # Not here: a file of the same name as a module would be taken for it.
        return subprocess.run([python, "-c", "import matplotlib, numpy"], cwd="/", stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def main():
    missing = [name for name in ("matplotlib", "numpy") if importlib.util.find_spec(name) is None]
    if missing:
        for other in ELSEWHERE:
            if draws(other):
                os.execv(other, [other, *sys.argv])
        sys.exit(f"{sys.executable} has no {missing[0]}, nor has /usr/bin/python3: apt-get install python3-matplotlib, or run "
                 "scripts/plot.py with a python3 that has it")
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    import tally_plots
    code = tally_plots.main()
    gc.freeze()  # the end of the process would look through all records for garbage
    return code


if __name__ == "__main__":
    sys.exit(main())
