#!/usr/bin/env python3
"""`tally doctor` on this machine: every check has a state, what is wrong has a remedy, both outputs say the same, and a record has
the same facts.

doctor.py TALLY SOURCE_DIR [TEST...]
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests

tally, source = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve()
NAMES = ["pmu", "governor", "turbo", "smt", "isolated CPUs", "aslr", "huge pages", "clock source", "hypervisor", "container", "cpus",
         "cpu quota", "memory limit", "steal", "throttling", "load", "runnable threads", "clock", "hand-off", "histogram", "build type",
         "sanitizers", "assertions", "allocator", "plots", "disk", "binary"]
CHECK = re.compile(r"(?P<name>\S.*?) {2,}(?P<state>ok|warn|not visible) {2,}(?P<value>\S.*)")


def doctor(*arguments, cwd, expect=0, **environment):
    done = subprocess.run([tally, "doctor", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **environment})
    assert done.returncode == expect and not done.stderr, f"exit {done.returncode}, not {expect}: {done.stdout}{done.stderr}"
    return done.stdout


def checks(**more):
    return {c["name"]: c for c in json.loads(doctor("--json", **more))["checks"]}


def every_line_has_a_state_and_the_last_one_is_the_verdict(cwd):
    *lines, empty, verdict = doctor(cwd=cwd).splitlines()
    told = [CHECK.fullmatch(line) for line in lines if not line.startswith("    ")]
    assert all(told), [line for line in lines if not line.startswith("    ") and not CHECK.fullmatch(line)]
    assert [m["name"] for m in told] == NAMES, told
    assert not empty and re.fullmatch(r"(Numbers from here may lie|Nothing .*): .*\.|Nothing .*\.", verdict), verdict
    # What is wrong or out of sight is told with a reason, and what is wrong with a remedy.
    for at, line in enumerate(lines):
        found = CHECK.fullmatch(line)
        if found and found["state"] != "ok":
            assert lines[at + 1].startswith("    "), line
        if found and found["state"] == "warn":
            assert lines[at + 2].startswith("    Remedy: "), line


def json_has_the_checks_and_what_was_read(cwd):
    said = json.loads(doctor("--json", cwd=cwd))
    assert [c["name"] for c in said["checks"]] == NAMES
    states = [c["state"] for c in said["checks"]]
    assert set(states) <= {"ok", "warn", "not visible"}
    assert said["warnings"] == states.count("warn") and said["not_visible"] == states.count("not visible")
    for c in said["checks"]:
        assert c["value"] and ("reason" in c) == (c["state"] != "ok"), c
        assert c["state"] != "warn" or c["remedy"], c
    assert said["verdict"].endswith(".") and said["histogram_ns"] > 0 and said["machine"]["timer"]["cost_ns"] > 0
    if said["machine"]["usable_cpus"] > 1:
        pair = said["handoffs"][0]
        assert "absent" in pair or pair["low_ns"] <= pair["median_ns"] <= pair["high_ns"] and pair["repetitions"] > 1, pair
    text = json.dumps({k: v for k, v in said.items() if k != "checks"})
    for secret in (os.uname().nodename, str(cwd)):
        assert len(secret) < 4 or secret not in text, secret


def strict_ends_with_1_where_something_warns(cwd):
    # That one does is seen to: no python3 has matplotlib.
    nowhere = {"TALLY_PYTHON": "/nonexistent/python3"}
    assert checks(cwd=cwd, **nowhere)["plots"]["state"] == "warn"
    assert "(" in doctor("--strict", cwd=cwd, expect=1, **nowhere)
    done = subprocess.run([tally, "doctor", "--strict", "--json"], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == (1 if json.loads(done.stdout)["warnings"] else 0)


def the_room_is_that_of_the_place_that_is_named(cwd):
    assert checks(cwd=cwd)["disk"]["value"].endswith(" for results")
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/"
    free = os.statvfs(place)
    said = json.loads(doctor("--json", "--out", f"{place}/not/yet", cwd=cwd))
    value = next(c for c in said["checks"] if c["name"] == "disk")["value"]
    assert abs(float(value.split()[0]) - free.f_bavail * free.f_frsize / 2**30) < 1, (value, free)


def a_record_has_the_same_facts_before_and_after(cwd):
    done = subprocess.run([tally, "run", "--strategy", "atomic", "--workload", "copy_drop", "--threads", "1", "--duration", "5ms",
                           "--processes", "1", "--repeat", "1", "--out", "r", "--quiet"], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    validator = jsonschema.Draft202012Validator(json.loads((source / "results/schema.json").read_text()))
    said = json.loads(doctor("--json", cwd=cwd))
    for record in map(json.loads, (cwd / "r/rows.jsonl").read_text().splitlines()):
        validator.validate(record)
        assert record["machine"].keys() == said["machine"].keys()
        for fixed in ("machine_id", "smt", "turbo", "aslr", "thp", "clocksource", "control_group", "perf_hardware", "isolated_cpus"):
            assert record["machine"][fixed] == said["machine"][fixed], fixed
        for when in ("before", "after"):
            there = record["environment"][when]
            assert there.keys() - {"handoff"} == said["before"].keys(), there
            for moving in ("load1", "runnable", "steal_ticks", "governor", "frequency_mhz", "throttled_us"):
                broken = json.loads(json.dumps(record))
                del broken["environment"][when][moving]
                broken["environment"][when][moving] = []
                assert not validator.is_valid(broken), f"the schema takes any {moving}"


if __name__ == "__main__":
    run_tests(globals(), sys.argv[3:], "tally-doctor-")
