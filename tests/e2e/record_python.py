#!/usr/bin/env python3
"""scripts/record_python: what it finds of programs whose object graphs are known, and that its files are read and replayed.

tests/e2e/record_python.py TALLY SOURCE
"""
import json
import pathlib
import subprocess
import sys
import tempfile

tally, source = sys.argv[1], pathlib.Path(sys.argv[2])
home = tempfile.TemporaryDirectory(prefix="tally-record-")
folder = pathlib.Path(home.name)


def run(*command, code=0):
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)
    assert done.returncode == code, (command, done.returncode, done.stdout, done.stderr)
    return done


def recorded(name, text, *options, code=0):
    """What `tally trace info` says of the recording, and what the program printed."""
    (folder / f"{name}.py").write_text(text)
    done = run(sys.executable, source / "scripts/record_python", "-o", f"{name}.rct.zst", *options, f"{name}.py", code=code)
    run(source / "workloads/traces/inspect_trace", f"{name}.rct.zst")  # an independent reader finds the same balances
    return json.loads(run(tally, "trace", "info", "--json", f"./{name}.rct.zst").stdout), done


# Cells are lists that refer to lists; stop() is a stop of the recorder's, at every call. A module's dictionary and each function in it
# are a cycle, and what globals refer to at the end is reached from it.
STOP = "def stop(): pass\n"
info, _ = recorded("tree", STOP + """
tree = [[[], []], [[], []]]
stop()
del tree
stop()
""", "--every", "1")
assert info["died"] == 8 and info["cyclic"] == 2, info

ring, _ = recorded("ring", STOP + """
def ring():
    a, b, tail = [], [], []
    a.append(b), b.append(a), b.append(tail)
    stop()
for i in range(10): ring(), stop()
""", "--every", "1")
assert ring["cyclic"] == 30 + 3 and ring["repairs"] == 0, ring

broken, _ = recorded("broken", STOP + """
def ring():
    a, b, tail = [], [], []
    a.append(b), b.append(a), b.append(tail)
    stop()
    b.clear()
for i in range(10): ring(), stop()
""", "--every", "1")
assert broken["cyclic"] == 3 and broken["died"] >= 30, broken

# A list that moves what it has writes nothing; an address that is used again is another object.
QUEUE = STOP + """
queue = [[i] for i in range(50)]
for cell in queue: cell.append(queue)
stop()
queue.{}()
stop()
"""
moved, _ = recorded("moved", QUEUE.format("reverse"), "--every", "1")
still, _ = recorded("still", QUEUE.format("copy"), "--every", "1")
again, _ = recorded("again", STOP + """
for i in range(100):
    cell = [[], i]
    stop()
""", "--every", "1")
assert moved["cyclic"] == 51 + 2 and moved["slot_writes"] <= still["slot_writes"], moved
assert again["died"] >= 198 and again["cyclic"] == 2 + 2, again

# What C code is filling is left alone; generators that run are not asked; what the program prints, raises and exits with is its own.
_, done = recorded("edges", """
import sys
def cells(n):
    for i in range(n): yield [i]
made = tuple(cells(100)), frozenset(map(str, cells(100))), dict(zip(range(50), cells(50)))
class Node:
    def __del__(self): print("gone")
Node()
print(len(made[0]), sys.argv[0], __name__)
sys.exit(7)
""", "--every", "1", code=7)
assert done.stdout == "gone\n100 edges.py __main__\n", done.stdout
_, done = recorded("raises", "[][0]\n", code=1)
assert "IndexError" in done.stderr, done.stderr

assert "no such file" in run(sys.executable, source / "scripts/record_python", "nowhere.py", code=1).stderr
assert "at least 1" in run(sys.executable, source / "scripts/record_python", "--every", "0", "tree.py", code=2).stderr

for strategy in ("plain", "mark_sweep"):
    run(tally, "run", "--strategy", strategy, "--baseline", strategy, "--workload", "trace:file=./ring.rct.zst", "--threads", "1", "--duration", "1ms",
        "--processes", "1", "--repeat", "1", "--out", strategy)
    rows = [json.loads(line) for line in (folder / strategy / "rows.jsonl").read_text().splitlines()]
    assert rows and all(r["status"] == "ok" for r in rows), rows
print("recorded, read and replayed")
