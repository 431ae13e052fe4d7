#!/usr/bin/env python3
"""scripts/collector_cost on the Python that this machine has, with windows too short for figures: what it prints is complete, a damaged
side is named, and misuse is refused.

  collector_cost.py SOURCE TALLY
"""
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(SOURCE / "scripts"))
from tally_objects import cost, cost_loops, interpreters

complaints = []


def check(what, holds):
    if not holds:
        complaints.append(what)


def called(*arguments):
    return subprocess.run([sys.executable, str(SOURCE / "scripts" / "collector_cost"), *arguments], capture_output=True, text=True)


def measured(python):
    short = ["--python", python, "--rounds", "2", "--seconds", "0.05"]
    seen = called(*short, "--window", "20", "40", "--tally", sys.argv[2])
    spread = r"\d+\.\d\d \[\d+\.\d\d, \d+\.\d\d\]"
    rows = re.findall(rf"^ *(\d+) +{spread} +{spread} +{spread}$", seen.stdout, re.MULTILINE)
    check(f"complete: {seen}", seen.returncode == 0 and rows == ["160", "320"])
    check(f"the ratios: {seen}", re.search(rf"over none: Tally {spread}, Python {spread}$", seen.stdout, re.MULTILINE))
    broken = called(*short, "--window", "20", "--tally", "/bin/false")
    check(f"a side without a row: {broken}", broken.returncode == 64 and "/bin/false run" in broken.stderr and "no row" in broken.stderr)


def figures():
    """Of pairs, the ratio of each is taken, and not that of the medians."""
    check("spread", cost.spread([3.0, 1.0, 2.0]) == "2.00 [1.00, 3.00]")
    first = cost_loops.structure(7)
    check("a structure has the objects of the workload's", sum(1 for name in cost_loops.Parent.__slots__[1:] if getattr(first, name).value == 7) == cost_loops.SIZE - 1)
    for grow in (cost_loops.bottom_up, cost_loops.top_down):
        check(grow.__name__, cost_loops.walk(grow(1, 3)) == 15)


def misuse():
    for arguments, said in ((["--rounds", "0"], "no number from 1 on"), (["--seconds", "0"], "above 0"), (["--window", "x"], "no number"),
                            (["--python", "/dev/null"], "does not run"), (["--tally", "/nowhere"], "/nowhere")):
        refused = called(*arguments)
        check(f"{arguments}: {refused}", refused.returncode == 64 and said in refused.stderr and "Traceback" not in refused.stderr)


figures()
misuse()
followed = [one for one in interpreters.find() if one.rule in interpreters.RULES]
if followed:
    measured(followed[0].path)
print("\n".join(complaints) or "ok")
sys.exit(1 if complaints else 0)
