#!/usr/bin/env python3
"""scripts/aa_check: what it says of results that are made up, when it must fail, what it refuses, and a run of the real program.

  aa_check.py SOURCE TALLY
"""
import json
import pathlib
import subprocess
import sys
import tempfile

SOURCE, TALLY = pathlib.Path(sys.argv[1]), sys.argv[2]
SCENES = ["copy_drop|1|throughput", "tree_churn|2|throughput"]
complaints = []


def check(what, holds):
    if not holds:
        complaints.append(what)


def called(*arguments):
    return subprocess.run([sys.executable, str(SOURCE / "scripts/aa_check"), *map(str, arguments)], capture_output=True, text=True)


def line(scene, ratio, half):
    interval = (ratio * (1 - half), ratio * (1 + half)) if half is not None else (None, None)
    return json.dumps({"schema": 1, "scene": scene, "row": f"atomic|{scene}|aa", "metric": "ns_per_op",
                       "ratio": {"to": f"atomic|{scene}", "value": ratio, "low": interval[0], "high": interval[1]}})


def made(folder, runs, planted=""):
    """A folder of runs; each is the (ratio, half width) of every scene's pair."""
    for number, pairs in enumerate(runs, 1):
        run = folder / f"{number:02}"
        run.mkdir(parents=True)
        (run / "rows.jsonl").touch()
        (run / "config.json").write_text(json.dumps({"binary": {"git": "0", **({"planted": planted} if planted else {})}}))
        other = json.dumps({"row": "biased|copy_drop|1|throughput", "metric": "ns_per_op", "ratio": None})
        (run / "estimates.jsonl").write_text("\n".join([other, *(line(scene, *pair) for scene, pair in zip(SCENES, pairs))]) + "\n")
    return folder


def judged(folder, runs, planted=""):
    return called("--judge", "--out", made(folder, runs, planted))


WITHIN, BESIDE, SLOW, WIDE = (1.005, 0.01), (1.03, 0.01), (1.1, 0.02), (1.1, 0.2)


def pairs_that_are_alike(folder):
    fine = judged(folder / "fine", 20 * [[WITHIN, WITHIN]])
    check(f"all within: {fine}", fine.returncode == 0 and "0 of 40 pairs that are alike are outside" in fine.stdout)
    check(f"each run is told: {fine.stdout}", fine.stdout.count("2 of 2 within their interval; half widths 1 %") == 20)
    few = judged(folder / "few", 18 * [[WITHIN, WITHIN]] + 2 * [[WITHIN, BESIDE]])
    check(f"two of forty are what chance makes: {few}", few.returncode == 0 and "2 of 40" in few.stdout)
    many = judged(folder / "many", 10 * [[WITHIN, WITHIN]] + 10 * [[WITHIN, BESIDE]])
    check(f"ten of forty are not: {many}", many.returncode == 1 and "10 of 40" in many.stdout)
    zero = judged(folder / "zero", 10 * [[WITHIN, WITHIN]], "atomic=0")
    check(f"0 % is not seen: {zero}", zero.returncode == 0 and "0 of 20" in zero.stdout)
    seen = judged(folder / "seen", 10 * [[BESIDE, BESIDE]], "atomic=0")
    check(f"0 % that is seen is wrong: {seen}", seen.returncode == 1)


def what_is_planted(folder):
    found = judged(folder / "found", 10 * [[SLOW, SLOW]], "atomic=10")
    check(f"seen in all: {found}", found.returncode == 0 and "2 of 2 scenes show what is planted" in found.stdout)
    once = judged(folder / "once", 9 * [[SLOW, SLOW]] + [[SLOW, WITHIN]], "atomic=10")
    check(f"missed in one of ten: {once}", once.returncode == 0)
    missed = judged(folder / "missed", 8 * [[SLOW, SLOW]] + 2 * [[SLOW, WITHIN]], "atomic=10")
    check(f"missed in two of ten: {missed}", missed.returncode == 1 and "1 miss it" in missed.stdout)
    faster = judged(folder / "faster", 10 * [[SLOW, (0.9, 0.02)]], "atomic=10")
    check(f"faster is not slower: {faster}", faster.returncode == 1)
    wide = judged(folder / "wide", 10 * [[SLOW, WIDE]], "atomic=10")
    check(f"one too wide: {wide}", wide.returncode == 0 and "too wide to show it" in wide.stdout)
    blind = judged(folder / "blind", 10 * [[WIDE, WIDE]], "atomic=10")
    check(f"all too wide: {blind}", blind.returncode == 2)
    other = judged(folder / "other", 10 * [[WITHIN, WITHIN]], "biased=10")
    check(f"another strategy's is not the pair's: {other}", other.returncode == 0 and "of 20 pairs that are alike" in other.stdout)


def refused(folder):
    smoke = judged(folder / "smoke", [[(1.0, None), (1.0, None)]])
    check(f"no interval: {smoke}", smoke.returncode == 2 and "five processes" in smoke.stderr)
    empty = called("--judge", "--out", folder / "nothing")
    check(f"nothing to judge: {empty}", empty.returncode == 2 and "there is no folder of a run" in empty.stderr)
    taken = called("--tally", "/bin/true", "--out", folder / "smoke")
    check(f"a folder that is there: {taken}", taken.returncode == 2 and "there already" in taken.stderr)
    for name, text in (("config.json", "{"), ("estimates.jsonl", "{\n")):
        broken = made(folder / f"broken {name}", [[WITHIN, WITHIN]])
        (broken / "01" / name).write_text(text)
        done = called("--judge", "--out", broken)
        check(f"{name}: {done}", done.returncode == 2 and name in done.stderr and "Traceback" not in done.stderr)
    for arguments in (["--runs", "0"], ["--judge"], ["--nosuch"]):
        check(str(arguments), called(*arguments).returncode == 64)


def real(folder):
    selection = ["--workload", "copy_drop", "--strategy", "atomic", "--threads", "1", "--duration", "5ms", "--repeat", "1"]
    done = called("--tally", TALLY, "--out", folder / "real", "--runs", "1", "--", *selection)
    check(f"the real program: {done}", done.returncode == 0 and "run  1: " in done.stdout and "of 1 pairs" in done.stdout)
    again = called("--tally", TALLY, "--out", folder / "real", "--judge")
    check(f"the same, judged again: {again}", again.returncode == 0 and again.stdout == done.stdout)
    failed = called("--tally", TALLY, "--out", folder / "failed", "--runs", "1", "--", "--workload", "copy_dro")
    check(f"no such workload: {failed}", failed.returncode == 2 and "copy_drop" in failed.stderr)


with tempfile.TemporaryDirectory() as scratch:
    for test in (pairs_that_are_alike, what_is_planted, refused, real):
        test(pathlib.Path(scratch))
print("\n".join(complaints) or "ok")
sys.exit(bool(complaints))
