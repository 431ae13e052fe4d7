#!/usr/bin/env python3
"""What the command line prints, word for word: tests/golden/*.txt hold `$ tally ARGUMENTS`, its output, and its exit code.

check.py TALLY [--update]    several commands a file; seconds that depend on nothing but the plan stay as they are
"""
import difflib
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).parent
tally = pathlib.Path(sys.argv[1]).resolve()
home = tempfile.TemporaryDirectory(prefix="tally-golden-")
update = "--update" in sys.argv
CALLED = "build/release/tally"  # in the place of the program's path, by which hints are told


def output_of(arguments):
    done = subprocess.run([tally, *shlex.split(arguments)], capture_output=True, text=True, timeout=60, cwd=home.name)
    text = (done.stdout + done.stderr).replace(str(tally), CALLED)
    return text + f"[exit {done.returncode}]\n"


failed = 0
for file in sorted(here.glob("*.txt")):
    expected = file.read_text()
    commands = re.findall(r"^\$ tally(.*)$", expected, re.M)
    got = "\n".join(f"$ tally{c}\n{output_of(c)}" for c in commands)
    if got == expected:
        continue
    if update:
        file.write_text(got)
        print(f"{file.name}: written")
        continue
    failed += 1
    sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), got.splitlines(True), file.name, "now"))
if not list(here.glob("*.txt")):
    sys.exit("no golden files")
sys.exit(1 if failed else 0)
