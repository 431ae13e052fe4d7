#!/usr/bin/env python3
"""scripts/against_python with a stand-in for the program, which answers with what the same Python printed: equal sides are equal, an
event that is changed, missing or added is found where it is, and misuse is refused. Then with the program itself: some hundred random
programs on the Python that this machine has.

  against_python.py SOURCE TALLY
"""
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1])
SCRIPT = SOURCE / "scripts" / "against_python"
STAND_IN = """#!{python}
import subprocess, sys
lines = subprocess.run([sys.executable, "-E", "-s", "-S", {runner!r}, sys.argv[-1]], capture_output=True, text=True, check=True).stdout.splitlines()
if sys.argv[-1].endswith("seed-3.objects"):
    {change}
print("\\n".join(lines))
"""
sys.path.insert(0, str(SOURCE / "scripts"))
from tally_objects import comparison, interpreters, random_program

complaints = []


def check(what, holds):
    if not holds:
        complaints.append(what)


def compared(python, folder, change):
    stand_in = pathlib.Path(folder) / "stand_in"
    stand_in.write_text(STAND_IN.format(python=python, runner=str(SOURCE / "scripts/tally_objects/runner.py"), change=change))
    stand_in.chmod(0o755)
    return called("--python", python, "--seeds", "1..4", "--statements", "60", "--tally", str(stand_in))


def called(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True)


def differences(python):
    with tempfile.TemporaryDirectory() as folder:
        same = compared(python, folder, "pass")
        check(f"equal sides: {same}", same.returncode == 0 and "4 programs, 0 differences" in same.stdout)
        for change, line in (("lines[4] = '9 final nobody'", 5), ("del lines[-1]", None), ("lines.append('more')", None)):
            seen = compared(python, folder, change)
            check(f"{change}: {seen}", seen.returncode == 1 and "seed-3, line" in seen.stdout and "4 programs, 1 differences" in seen.stdout)
            check(f"{change}: {seen.stdout}", line is None or f"seed-3, line {line} of" in seen.stdout)
        broken = compared(python, folder, "sys.exit('no')")
        check(f"a side that fails: {broken}", broken.returncode == 64 and "ended with 1: no" in broken.stderr)


def misuse():
    for arguments, said in ((["--seeds", "9..1"], "no range of seeds"), (["--jobs", "0"], "no number from 1 on"),
                            (["--python", "/dev/null"], "does not run"), (["--frobnicate"], "unrecognized")):
        refused = called(*arguments)
        check(f"{arguments}: {refused}", refused.returncode == 64 and said in refused.stderr and "Traceback" not in refused.stderr)


def stops():
    """Of a build without a lock: what is asked of both sides, and how their answers are compared."""
    check("the order of a step counts", comparison.by_step(["# a", "10 weak b", "9 final a", "10 weak a"]) == comparison.by_step(["9 final a", "10 weak a", "10 weak b"]))
    check("steps do not", comparison.by_step(["9 final a", "10 weak a"]) != comparison.by_step(["10 final a", "10 weak a"]))
    check("counters of generations count", comparison.by_step(["3 state alive 2 generations 1 0"]) == comparison.by_step(["3 state alive 2 generations 0 0"]))
    check("what is alive does not", comparison.by_step(["3 state alive 2 generations 1 0"]) != comparison.by_step(["3 state alive 3 generations 1 0"]))
    check("its strategy", interpreters.strategy(interpreters.STOP) == "biased:heap=block,cycles=stop")


def programs():
    text = random_program.text(7, 50)
    check("the same seed gives another program", text == random_program.text(7, 50) and text != random_program.text(8, 50))
    check("the first statements of seed 1 have changed: seeds of reports mean nothing any more",
          random_program.text(1, 2).splitlines()[1:4] == ["threshold 5 2 3", "new v7 3", "set v6.0 v1"])


programs()
stops()
misuse()
usable = [one for one in interpreters.find() if one.rule]
if usable:
    differences(usable[0].path)
    for profile, seeds in ((), "1..300"), (("--harsh",), "1..60"):
        real = called("--python", usable[0].path, "--seeds", seeds, "--tally", sys.argv[2], *profile)
        check(f"random programs {profile}: {real.stdout}{real.stderr}", real.returncode == 0 and " 0 differences" in real.stdout)
else:
    print("no Python here follows a rule that is known: differences are not tried")
print("\n".join(complaints) or "against_python compares")
sys.exit(bool(complaints))
