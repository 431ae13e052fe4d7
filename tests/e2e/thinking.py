#!/usr/bin/env python3
"""Runs and simulations with work between operations, end to end: what their records say, and that they can be made again.

  thinking.py TALLY SOURCE_DIR [TEST...]
"""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests
from tally_program import Schema, runner

run, schema = runner(sys.argv[1]), Schema(sys.argv[2])
SHORT = ["--strategy", "atomic", "--workload", "copy_drop", "--threads", "1", "--duration", "5ms", "--processes", "2", "--repeat", "1"]


def tally(*arguments, cwd, expect=0):
    return "".join(run(*arguments, cwd=cwd, expect=expect))


def records(directory):
    rows = schema.records(directory)
    assert {r["status"] for r in rows} <= {"ok", "skipped"}, rows
    return [r for r in rows if r["status"] == "ok"]


def a_row_says_what_work_it_was_and_how_well_that_is_known(cwd):
    out = tally("run", *SHORT, "--think", "0,1000", "--out", "r", cwd=cwd)
    rows = records(cwd / "r")
    assert {r["scene"] for r in rows} == {"copy_drop|1|throughput", "copy_drop think=1000ns|1|throughput"}
    assert "copy_drop, 1 thread: " in out and "copy_drop think=1000ns, 1 thread: " in out, out
    for row in rows:
        works = row["config"].get("think_ns", 0)
        assert works == (1000 if "think=" in row["row"] else 0) and ("think" in row) == (works > 0), row["row"]
        assert row["config"]["workload"]["label"] == row["scene"].split("|")[0]
        if works:
            work, step = row["think"], row["think"]["step_ns"]
            assert abs(work["steps"] * step["value"] - works) <= step["value"] / 2 * 1.001, work
            assert step["least"] <= step["value"] <= step["most"] and step["rounds"] > 1 and "cycles" not in work, work
    by_process = {r["process"]: {q["think"]["steps"] for q in rows if q["process"] == r["process"] and "think" in q} for r in rows}
    assert all(len(steps) == 1 for steps in by_process.values()), f"one calibration per process: {by_process}"


def every_mode_works_between_operations(cwd):
    tally("run", "--strategy", "atomic", "--workload", "copy_drop,handoff,trace", "--set", "copy_drop.sharing=shared", "--threads", "2", "--mode",
          "throughput,latency,memory,observed", "--duration", "5ms", "--processes", "1", "--repeat", "1", "--think", "500", "--out", "r", cwd=cwd)
    rows = records(cwd / "r")
    assert {r["config"]["mode"] for r in rows} == {"throughput", "latency", "memory", "observed"}
    assert all("think=500ns" in r["scene"] and r["think"]["steps"] > 0 for r in rows), rows


def a_run_can_be_made_again_and_gone_on_with(cwd):
    tally("run", *SHORT, "--think", "0,10..1000*10", "--out", "one", cwd=cwd)
    assert json.loads((cwd / "one/config.json").read_text())["request"]["think"] == "0,10,100,1000"
    tally("run", "--from", "one", "--out", "two", cwd=cwd)
    tally("run", "--resume", "--out", "two", cwd=cwd)
    keys = [[(r["row"], r["process"]) for r in records(cwd / d)] for d in ("one", "two")]
    assert keys[0] == keys[1] and len(keys[0]) == 16, keys
    assert "--think 5 (it was 0,10,100,1000)" in tally("run", "--resume", "--out", "two", "--think", "5", cwd=cwd, expect=64)


def a_simulation_works_for_as_many_cycles(cwd):
    if "this build has no simulator" in subprocess.run([sys.argv[1], "sim", "--plan"], capture_output=True, text=True).stderr:
        return print("no simulator in this build")
    tally("sim", "--strategy", "atomic,none", "--workload", "copy_drop", "--cores", "1", "--ops", "100", "--schedule", "timed", "--think",
          "0,100", "--out", "s", cwd=cwd)
    rows = {(r["config"]["strategy"]["name"], r["config"].get("think_ns", 0)): r for r in records(cwd / "s")}
    assert len(rows) == 4, rows.keys()
    for name in ("atomic", "none"):
        clock, work = rows[name, 100]["config"]["simulation"]["clock_ghz"], rows[name, 100]["think"]
        assert work == {"cycles": round(100 * clock)}, work
        taken = [rows[name, ns]["metrics"]["cycles_per_op"]["value"] for ns in (0, 100)]
        assert abs(taken[1] - taken[0] - work["cycles"]) < 1e-9, taken
    tally("sim", "--from", "s", "--out", "again", cwd=cwd)
    assert (cwd / "again/rows.jsonl").read_bytes() == (cwd / "s/rows.jsonl").read_bytes()


run_tests(dict(globals()), sys.argv[3:], "tally-thinking-")
