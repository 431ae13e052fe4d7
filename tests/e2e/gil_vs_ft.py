#!/usr/bin/env python3
"""scripts/gil_vs_ft.py on the Python that runs this test: its rows, its report, its exit codes; on interpreters that are none, die, hang
or switch their lock on, which are named while the rest goes on; and verdicts on made-up rows. No time decides.

  gil_vs_ft.py SOURCE
"""
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(sys.argv[1])
sys.path[:0] = [str(SOURCE / "scripts"), str(SOURCE / "tests/support")]
from made_interpreters import FREE, GIL, LOCKED, Made, made_view
from tally_gil import claims, intervals, items, lanes, records
from tally_gil.view import TIME

complaints = []


def check(what, holds):
    if not holds:
        complaints.append(what)


def called(*arguments):
    return subprocess.run([sys.executable, str(SOURCE / "scripts" / "gil_vs_ft.py"), *map(str, arguments)], capture_output=True, text=True)


def rows_of(folder):
    return [json.loads(line) for file in sorted(folder.glob("*/rows.jsonl")) for line in file.read_text().splitlines()]


def valid(rows):
    try:
        import jsonschema
    except ImportError:
        return
    schema = jsonschema.Draft202012Validator(json.loads((SOURCE / "results/schema.json").read_text()))
    for row in rows:
        for error in schema.iter_errors(row):
            complaints.append(f"{row['row']}: {error.message}")


def everything(folder):
    done = called("--quick", "--python", sys.executable, "--out", folder / "all")
    check(f"--quick: {done}", done.returncode == 0 and not done.stderr)
    for part in ("## Interpreters", "## Times", "## Other figures", "## Claims", "## Not here", "pymethod", "0 refuted"):
        check(f"the report lacks {part}: {done.stdout}", part in done.stdout)
    check(f"one interpreter is compared with another: {done.stdout}", "## Against" not in done.stdout)
    rows = rows_of(folder / "all")
    valid(rows)
    check("a window stands twice", len({(r["row"], r["process"], r["block"]) for r in rows}) == len(rows))
    check("a row is no window", all(r["status"] == "ok" for r in rows))
    names = {r["config"]["workload"]["name"] for r in rows}
    check(f"no row of {set(items.ITEMS) - names}",
          all(any((n + "_").startswith(item + "_") for n in names) for item in items.ITEMS))
    check("a row holds a path of the machine", not any(sys.executable in json.dumps(r) for r in rows))
    lines = [json.loads(line) for file in (folder / "all").glob("*/estimates.jsonl") for line in file.read_text().splitlines()]
    check("estimates are not of the rows", {(e["row"], e["metric"]) for e in lines} == {(r["row"], TIME) for r in rows})
    again = called("--quick", "--python", sys.executable, "--out", folder / "all")
    check(f"a folder with rows is written to again: {again}", again.returncode == 64 and "not an empty folder" in again.stderr)


def two(folder):
    done = called("--quick", "--only", "header_size,fib", "--out", folder / "two", "--python", f"old={sys.executable}", sys.executable,
                  sys.executable)
    check(f"three names: {done}", done.returncode == 0 and "## Against old" in done.stdout and " / old" in done.stdout)
    check(f"names: {sorted(p.name for p in (folder / 'two').iterdir())}", len(list((folder / "two").iterdir())) == 3)
    check(f"an item that was not asked for is judged: {done.stdout}", "foreign_end" not in done.stdout and "owner running" not in done.stdout)


# -- interpreters that fail ---------------------------------------------------------------------------------------------------

def script(folder, name, text):
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def wrapper(folder, name, in_fib):
    """This Python, until it is asked for fib."""
    return script(folder, name, f"#!/bin/sh\ncase \"$*\" in *'\"fib\"'*) {in_fib};; esac\nexec {sys.executable} \"$@\"\n")


def none(folder):
    for path, said in ((script(folder, "silent", "#!/bin/sh\n"), "is no Python 3.9 or later: it printed nothing"),
                       (script(folder, "chatty", "#!/bin/sh\necho 3.13\n"), "is no Python 3.9 or later: it printed '3.13'"),
                       (script(folder, "dying", "#!/bin/sh\nkill -SEGV $$\n"), "died of SIGSEGV"),
                       (script(folder, "failing", "#!/bin/sh\necho no such thing >&2\nexit 3\n"), "ended with 3: no such thing"),
                       ("/dev/null", "does not run: Permission denied"), (folder / "absent", "does not run: No such file")):
        done = called("--quick", "--only", "header_size", "--python", path, sys.executable)
        check(f"{path}: {done}", done.returncode == 2 and f"{path} {said}" in done.stderr and "reproduced" in done.stdout)
        check(f"{path}: {done.stderr}", "Traceback" not in done.stderr)
    alone = called("--python", folder / "silent")
    check(f"no interpreter: {alone}", alone.returncode == 2 and "there is no interpreter to ask" in alone.stderr)
    sleeper = called("--timeout", "1", "--python", script(folder, "sleeper", "#!/bin/sh\nsleep 1000\n"))
    check(f"a sleeper: {sleeper}", sleeper.returncode == 2 and "did not answer within 1 s (--timeout)" in sleeper.stderr)


def in_the_middle(folder):
    for name, does, said in (("dies", "kill -9 $$", "died of SIGKILL"), ("hangs", "sleep 1000", "did not answer within 15 s (--timeout)")):
        path = wrapper(folder, name, does)
        done = called("--quick", "--timeout", "15", "--only", "fib,header_size", "--python", f"{name}={path}", sys.executable, "--out",
                      folder / (name + "_rows"))
        check(f"{name}: {done}", done.returncode == 2 and f"{name} ({path}), fib: it {said}" in done.stderr)
        check(f"{name}: {done.stdout}", f"not testable here: it {said}" in done.stdout)
        rows = rows_of(folder / (name + "_rows"))
        valid(rows)
        check(f"{name}: {[(r['row'], r['status']) for r in rows]}",
              [r["reason"] for r in rows if r["status"] == "error"] == [said + (": it says nothing" if name == "dies" else "")]
              and any(r["row"].startswith(name + "|header_size") and r["status"] == "ok" for r in rows)
              and any("|fib|" in r["row"] and r["status"] == "ok" for r in rows))


def started(*arguments):
    command = [sys.executable, str(SOURCE / "scripts" / "gil_vs_ft.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def left_running(folder):
    """What was started from a folder and is still there."""
    there = [p for p in pathlib.Path("/proc").glob("[0-9]*/cmdline") if int(p.parent.name) != os.getpid()]
    commands = []
    for path in there:
        try:
            commands.append(path.read_text(errors="replace").split("\0")[:2])
        except OSError:
            pass  # it has ended
    return [c for c in commands if any(word.startswith(str(folder)) for word in c)]


def interrupted(folder):
    """Ctrl-C ends what was started, tells what there is, and is no traceback."""
    stuck = wrapper(folder, "stuck", "sleep 1000")
    done = started("--only", "header_size,fib", "--python", stuck, "--out", folder / "cut")
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not (left_running(folder) and list(folder.glob("cut/*/rows.jsonl"))):
        time.sleep(0.05)
    time.sleep(0.5)  # header_size has been answered: it waits for fib
    done.send_signal(signal.SIGINT)
    out, err = done.communicate(timeout=60)
    check(f"interrupted: {done.returncode} {err}", done.returncode == 130 and err.startswith("gil_vs_ft.py: interrupted after 0 of "))
    check(f"what there is: {out}", "sys.getsizeof of object" in out and "0 refuted" in out and "Traceback" not in err)
    check(f"still there: {left_running(folder)}", not left_running(folder))
    valid(rows_of(folder / "cut"))
    check("no estimates", len(list(folder.glob("cut/*/estimates.jsonl"))) == 1)
    asleep = started("--python", script(folder, "asleep", "#!/bin/sh\nsleep 1000\n"))
    while time.monotonic() < limit and not left_running(folder):
        time.sleep(0.05)
    asleep.send_signal(signal.SIGINT)
    out, err = asleep.communicate(timeout=60)
    check(f"before: {asleep.returncode} {out} {err}", (asleep.returncode, out) == (130, "") and err == "gil_vs_ft.py: interrupted before anything was measured\n")
    check(f"still there: {left_running(folder)}", not left_running(folder))


# A Python that says it has no lock; which the given import, or the first gc.disable(), switches on.
PRETENDER = """\
#!{python}
import gc, runpy, sys, sysconfig
arguments = sys.argv[1:]
lock = {{"on": arguments[arguments.index("-X") + 1] == "gil=1" if "-X" in arguments else False}}
sys._is_gil_enabled = lambda: lock["on"]
variable = sysconfig.get_config_var
sysconfig.get_config_var = lambda name: 1 if name == "Py_GIL_DISABLED" else variable(name)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {culprit!r}:
            lock["on"] = True


sys.meta_path.insert(0, Finder)
for name in [{culprit!r}]:
    sys.modules.pop(name, None)
if {culprit!r} == "gc.disable":
    off = gc.disable
    gc.disable = lambda: (lock.update(on=True), off())
worker = next(i for i, word in enumerate(arguments) if word.endswith("worker.py"))
sys.argv = arguments[worker:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def pretender(folder, culprit):
    return script(folder, "without_" + culprit, PRETENDER.format(python=sys.executable, culprit=culprit))


def lock_switches_on(folder):
    honest = called("--quick", "--only", "fib", "--python", f"free={pretender(folder, 'nothing')}")
    check(f"a free-threaded build has no second variant: {honest}",
          honest.returncode == 0 and "| free |" in honest.stdout and "| free+gil |" in honest.stdout)
    check(f"claims of items that were not asked for: {honest.stdout}", not any(f"| {r} |" in honest.stdout for r in ("R6", "R13", "R15", "R27")))
    path = pretender(folder, "queue")
    done = called("--quick", "--only", "header_size", "--python", path, sys.executable)
    check(f"an import: {done}", done.returncode == 2 and f"{path} refuses: the import of queue switched the GIL on" in done.stderr
          and "reproduced" in done.stdout)
    path = pretender(folder, "gc.disable")
    done = called("--quick", "--only", "header_size,fib", "--python", f"free={path}")
    check(f"an item: {done}", done.returncode == 2
          and f"free ({path}), fib: it refuses: the GIL is on, although it was started with it off" in done.stderr)


# -- statistics and verdicts --------------------------------------------------------------------------------------------------

def statistics():
    for count in range(1, 13):
        heads = [sum(tosses) for tosses in itertools.product((0, 1), repeat=count)]
        expected = [k for k in range(count // 2 + 1) if sum(h <= k or h >= count - k for h in heads) / len(heads) <= 0.05]
        check(f"rank({count})", intervals.rank(count) == (expected[-1] if expected else None))
    nine = intervals.Estimate([9, 1, 8, 2, 7, 3, 6, 4, 5])
    check(f"nine: {vars(nine)}", (nine.value, nine.low, nine.high, nine.interval) == (5, 2, 8, True))
    three = intervals.Estimate([3, 1, 2])
    check(f"three: {vars(three)}", (three.value, three.low, three.high, three.interval) == (2, 1, 3, False))
    check("text", (nine.text(), three.text(), intervals.Estimate([12345.6]).text()) == ("5.00 [2.00, 8.00]", "2.00 (1.00 to 3.00)", "12346"))


def claim(finding, kind, text):
    return next(c for c in claims.CLAIMS if (c.finding, c.kind) == (finding, kind) and text in c.what)


def expect(word, verdict, why=""):
    check(f"{word}, not {verdict}", verdict.word == word and why in verdict.why)


def verdicts():
    fib = claim("R2", "free", "fib")
    for values, word, why in (([1.95] * 7, claims.REPRODUCED, ""), ([1.7] * 7, claims.DIRECTION, ""), ([1.0] * 7, claims.REFUTED, ""),
                              ([1.0] * 6 + [1.9], claims.UNTESTABLE, "both sides")):
        expect(word, claims.judge(fib, made_view(speedups={(FREE, "fib"): values}), FREE), why)
    low = made_view(speedups={(FREE, "fib"): [1.0] * 7})
    expect(claims.UNTESTABLE, claims.judge(fib, low, FREE, doubt="the machine was busy"), "looks refuted, but the machine was busy")
    expect(claims.UNTESTABLE, claims.judge(fib, low, FREE, quick=True), "--quick")
    low.threads = 1
    expect(claims.UNTESTABLE, claims.judge(fib, low, FREE), "one thread")
    failing = made_view()
    failing.fail(FREE, "fib", "died of SIGSEGV: it says nothing")
    expect(claims.UNTESTABLE, claims.judge(fib, failing, FREE), "died of SIGSEGV")
    failing.fail(FREE, "deep_chain", "died of SIGSEGV: it says nothing")
    expect(claims.REFUTED, claims.judge(claim("R24", "free", "tuples"), failing, FREE), "SIGSEGV")
    size = claim("R16", "free build", "sys.getsizeof of object")
    for value, word in ((32, claims.REPRODUCED), (16, claims.REFUTED)):
        seen = made_view(metrics={(LOCKED, "header_size", "size_object"): [value]})
        expect(word, claims.judge(size, seen, LOCKED, quick=True, doubt="the machine was busy"))


def verdicts_of_pairs():
    handoff = claim("R15", "free", "hand-off")
    times = {(FREE, "handoff", 2): [270.0] * 7, (GIL, "handoff", 2): [150.0] * 7, (LOCKED, "handoff", 2): [150.0] * 7}
    expect(claims.REPRODUCED, claims.judge(handoff, made_view(per_op=times), FREE))
    expect(claims.DIRECTION, claims.judge(handoff, made_view(FREE, LOCKED, per_op=times), FREE), "the same program with its lock")
    expect(claims.UNTESTABLE, claims.judge(handoff, made_view(FREE, per_op={(FREE, "handoff", 2): [270.0] * 7}), FREE), "no default build")
    expect(claims.REFUTED, claims.judge(handoff, made_view(per_op={**times, (FREE, "handoff", 2): [100.0] * 7}), FREE))
    spread = claim("R12", "free", "many shared items")
    expect(claims.REFUTED, claims.judge(spread, made_view(speedups={(FREE, "shared_list_spread"): [0.3] * 7,
                                                                    (FREE, "shared_list_item"): [0.6] * 7}), FREE))
    thirteen = claims.scaling.FTSCALINGBENCH
    published = claim("R27", "free", "ftscalingbench")
    fails = ("load_string_const", "thread_local_read")
    for failing, word in ((fails, claims.REPRODUCED), (("thread_local_read",), claims.DIRECTION), (thirteen, claims.REFUTED),
                          (fails + ("generator", "fib", "create_dict"), claims.DIRECTION)):
        seen = made_view(speedups={(FREE, name): [0.5 if name in failing else 1.95] * 7 for name in thirteen})
        expect(word, claims.judge(published, seen, FREE))
    later = Made("3.14.1t", False, True, "3.14.1", immortalises=False)
    expect(claims.REPRODUCED, claims.judge(published, made_view(later, speedups={(later, name): [1.95] * 7 for name in thirteen}), later))


def lane(begin, end, operations=10):
    return {"operations": operations, "begin_ns": begin, "end_ns": end, "cpu_ns": end - begin, "voluntary_switches": 0, "involuntary_switches": 0}


def windows():
    for times, gil, verdict in (([(0, 100)], False, "single"), ([(0, 100), (2, 98)], False, "contended"), ([(0, 100), (30, 98)], False, "partly"),
                                ([(0, 100), (60, 160)], False, "not"), ([(0, 100), (100, 200)], False, "not"),
                                ([(0, 100), (100, 200)], True, "serial")):
        window = lanes.window("w", [lane(*t) for t in times])
        seen = records.quality(window, gil)
        check(f"{times}: {seen}", (seen["verdict"], seen["doubtful"], bool(seen["reasons"])) == (verdict, *[verdict in ("partly", "not")] * 2))
        check(f"{times}: {window}", window["wall_ns"] == max(end for _, end in times))
    identity = {"compiler": "", "level": "", "optimisation": "plain", "debug": False, "implementation": "CPython",
                "executable": "/nowhere", "collector": "generational", "gc_threshold": [700, 10, 10]}
    variant = Made("3.13.5", True, **identity)
    plan = {"process": 0, "order": 0, "seed": 1, "role": "measured", "cpus": [0, 1], "machine": {}}
    for operations, rate in ((None, 0.3), (10, 0.05)):  # 10 in 100 ns and 20 in 100 ns; or one hand-off is both lanes' work, for 200 ns
        window = lanes.window("w", [lane(0, 100), lane(100, 200, 20)], operations=operations)
        metrics = records.row(variant, window, plan, {"resident": 1, "peak": 1}, (0, 0))["metrics"]
        check(f"rate: {metrics}", abs(metrics["ops_per_second"]["value"] / 1e9 - rate) < 1e-9)
        check(f"time: {metrics}", metrics[TIME]["value"] == 200 / (operations or 30))


def estimates():
    """What is written for the plots: a median, an interval if there are rounds enough, and the speed-up over the row of one thread."""
    view = made_view(GIL, speedups={(GIL, "fib"): [1.0, 1.1, 0.9, 1.2, 0.8, 1.3, 0.7]})
    one, two = (records.estimate(view, GIL, "fib", n) for n in (1, 2))
    check(f"one thread: {one}", (one["row"], one["ratio"], one["value"], one["low"], one["high"]) == ("3.13.5|fib|1|throughput", None, 100, 100, 100))
    check(f"two: {two}", (two["row"], two["processes"], two["windows"], two["confidence"]) == ("3.13.5|fib|2|throughput", 7, 7, 0.95))
    ends = {name: round(two["ratio"][name], 9) for name in ("value", "low", "high")}
    check(f"speed-up: {two}", two["ratio"]["to"] == one["row"] and ends == {"value": 1.0, "low": 0.7, "high": 1.3})
    few = records.estimate(made_view(GIL, speedups={(GIL, "fib"): [1.0, 1.1, 0.9]}), GIL, "fib", 2)
    check(f"three rounds: {few}", few["low"] is None and few["ratio"]["high"] is None)


# Two threads' work over one's in the same time, as measured before the script was written: a build that behaves as 3.13t, and one of the
# summer before 3.14, in which methods and classes were contended.
EARLY = {"fib": (1.98, 1.95), "mult_constant": (2.0, 2.0), "private_list": (1.95, 1.9), "private_dict": (1.95, 1.9),
         "private_attribute": (1.93, 1.9), "immortal_alias": (2.0, 2.0), "pymethod": (1.98, 0.24), "module_function": (2.0, 1.97),
         "create_pyobject": (1.99, 0.55), "bound_method": (0.3, 0.25), "shared_attribute": (0.27, 0.25), "shared_list_item": (0.81, 0.2),
         "shared_dict_item": (0.27, 0.23), "shared_alias": (0.18, 0.2)}


def early_builds():
    for at, refuted in ((0, set()), (1, {"pymethod", "create_pyobject"})):
        view = made_view(speedups={(FREE, name): [seen[at]] * 7 for name, seen in EARLY.items()})
        judged = [(c, claims.judge(c, view, FREE)) for c in claims.scaling_claims() if c.applies(FREE) and c.what.split()[0] in EARLY]
        wrong = {c.what.split()[0] for c, v in judged if v.word == claims.REFUTED}
        check(f"build {at}: {wrong} are refuted", wrong == refuted and len(judged) == 12)
        check(f"build {at}: {[(c.what, v) for c, v in judged]}", not any(v.word == claims.UNTESTABLE for _, v in judged))


def misuse():
    for arguments, said in ((["--only", "nonsense"], "no item 'nonsense'"), (["--only", ","], "names no item"), (["--threads", "0"], "no number"),
                            (["--timeout", "-1"], "no number of seconds"), (["--timeout", "nan"], "no number of seconds"),
                            (["--rounds", "x"], "no number"), (["--python", "../x=python3"], "is no name"), (["--frobnicate"], "unrecognized"),
                            (["--out", str(SOURCE)], "not an empty folder")):
        refused = called(*arguments)
        check(f"{arguments}: {refused}", refused.returncode == 64 and said in refused.stderr and "Traceback" not in refused.stderr)
    listed = called("--list")
    check(f"--list: {listed}", listed.returncode == 0 and len(listed.stdout.splitlines()) == len(items.ITEMS))


statistics()
verdicts()
verdicts_of_pairs()
early_builds()
windows()
estimates()
misuse()
with tempfile.TemporaryDirectory() as scratch:
    for part in (everything, two, none, in_the_middle, interrupted, lock_switches_on):
        part(pathlib.Path(scratch))
print("\n".join(complaints) or "gil_vs_ft measures and judges")
sys.exit(bool(complaints))
