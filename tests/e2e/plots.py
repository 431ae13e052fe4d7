#!/usr/bin/env python3
"""The plots of a small run: each kind is drawn, twice the same bytes, and bad input is refused in a line.

  plots.py TALLY PLOT_SCRIPT
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import python_that_draws

TALLY, SCRIPT = sys.argv[1], sys.argv[2]
SHORT = ["--duration", "20ms", "--processes", "1", "--repeat", "1", "--quiet"]
RUNS = {
    "a": ["--workload", "copy_drop", "--strategy", "plain,atomic", "--threads", "1,2"],
    "b": ["--workload", "sharing_ladder", "--strategy", "atomic", "--threads", "1", "--set", "share=0,50,100"],
    "c": ["--workload", "handoff", "--strategy", "atomic", "--threads", "2", "--set", "foreign=0,1"],
    "d": ["--workload", "tree_churn", "--strategy", "atomic,mark_sweep", "--threads", "1", "--heap", "3x,6x", "--mode",
          "throughput,latency,memory"],
    "e": ["--workload", "trace", "--strategy", "atomic", "--threads", "1"],
}
# Only where the library is installed: rows under another allocator are rows of their own.
ALLOCATORS = ["--workload", "tree_churn", "--strategy", "atomic,deferred", "--threads", "1,2", "--allocator", "system,mimalloc"]
EXPECTED = ["cost", "throughput-copy_drop", "sharing-ladder-1", "handoff-2", "heap-tree_churn-1", "latency-tree_churn-1",
            "memory-tree_churn-1", "paths"]


SIMULATED = ["transfers", "fields-4", "scaling", "takers-4"]


def simulated(interpreter, top):
    """Simulated rows have plots of their own, and take measured ones only where they are told to."""
    ran = subprocess.run([TALLY, "sim", "--workload", "copy_drop", "--strategy", "plain,atomic", "--cores", "1,4", "--ops", "50",
                          "--set", "sharing=shared", "--quiet", "--out", str(top / "sim")], capture_output=True, text=True)
    if ran.returncode == 64 and "no simulator" in ran.stderr:
        print("simulated rows: not in this build")
        return
    if ran.returncode != 0:
        sys.exit(f"tally sim: exit {ran.returncode}, {ran.stderr}")
    drawn = {}
    for again in range(2):
        subprocess.run([interpreter, SCRIPT, str(top / "sim"), "--overlay", str(top / "a")], check=True)
        drawn[again] = {p.name: p.read_bytes() for p in sorted((top / "sim" / "plots").iterdir())}
    names = [f"{n}-copy-drop-sharing-shared-epyc-7773x-2s-mesi-infinite.{kind}" for n in SIMULATED for kind in ("png", "svg")]
    if sorted(drawn[0]) != sorted(names):
        sys.exit(f"of simulated rows: drawn {sorted(drawn[0])}, expected {sorted(names)}")
    if drawn[0] != drawn[1]:
        sys.exit("of simulated rows: drawn twice, not the same bytes")


def under_allocators(interpreter, top):
    ran = subprocess.run([TALLY, "run", *ALLOCATORS, *SHORT, "--out", str(top / "f")], capture_output=True, text=True)
    if ran.returncode == 64 and "is not installed" in ran.stderr:
        print("rows under mimalloc: not installed")
        return
    if ran.returncode != 0:
        sys.exit(f"tally run --allocator: exit {ran.returncode}, {ran.stderr}")
    subprocess.run([interpreter, SCRIPT, str(top / "f")], check=True)
    possible = ["atomic", "atomic+mimalloc", "deferred", "deferred+mimalloc"]
    for name in ("cost", "throughput-tree_churn"):
        picture = (top / "f" / "plots" / f"{name}.svg").read_text()
        labels = [label for label in possible if f">{label}</text>" in picture]
        if labels != ["atomic", "atomic+mimalloc", "deferred"]:
            sys.exit(f"{name}: drawn are {labels}")


def main():
    interpreter = python_that_draws()
    with tempfile.TemporaryDirectory() as scratch:
        top = pathlib.Path(scratch)
        for name, flags in RUNS.items():
            subprocess.run([TALLY, "run", *flags, *SHORT, "--out", str(top / name)], check=True)
        shutil.copytree(top / "a", top / "again")
        drawn = {}
        for first in ("a", "again"):
            subprocess.run([interpreter, SCRIPT, str(top / first), *(str(top / name) for name in "bcde")], check=True)
            drawn[first] = {p.name: p.read_bytes() for p in sorted((top / first / "plots").iterdir())}
        missing = [f"{name}.{kind}" for name in EXPECTED for kind in ("png", "svg") if f"{name}.{kind}" not in drawn["a"]]
        if missing:
            sys.exit(f"not drawn: {missing}; drawn: {sorted(drawn['a'])}")
        differ = [name for name, content in drawn["a"].items() if drawn["again"].get(name) != content]
        if differ:
            sys.exit(f"drawn twice, not the same bytes: {differ}")
        under_allocators(interpreter, top)
        simulated(interpreter, top)
        for flags, words in ((["--only", "nonsense"], "--only nonsense"), (["--baseline", "nobody"], "--baseline nobody"),
                             (["--width", "1in"], "--width")):
            refused = subprocess.run([interpreter, SCRIPT, str(top / "a"), *flags], capture_output=True, text=True)
            if refused.returncode == 0 or words not in refused.stderr:
                sys.exit(f"{flags}: exit {refused.returncode}, {refused.stderr}")
        refused = subprocess.run([interpreter, SCRIPT, str(top / "nowhere")], capture_output=True, text=True)
        if refused.returncode == 0 or "rows.jsonl" not in refused.stderr:
            sys.exit(f"a missing directory: exit {refused.returncode}, {refused.stderr}")
        # -S hides this interpreter's packages: the script goes to one that has them.
        elsewhere = subprocess.run([interpreter, "-S", SCRIPT, "--list"], capture_output=True, text=True)
        if interpreter == "/usr/bin/python3" and (elsewhere.returncode != 0 or "throughput" not in elsewhere.stdout):
            sys.exit(f"a python3 without matplotlib: exit {elsewhere.returncode}, {elsewhere.stderr}")
        print(f"{len(drawn['a'])} pictures, the same twice")


main()
