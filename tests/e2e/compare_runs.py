#!/usr/bin/env python3
"""`tally compare` as it is called: its tables, its words, its exit codes, what it refuses.

  compare_runs.py TALLY SOURCE_DIR [TEST...]
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from run_tests import run_tests
from tally_program import runner

run = runner(sys.argv[1])
REAL = ["--strategy", "plain,atomic", "--workload", "copy_drop", "--threads", "1", "--duration", "5ms", "--repeat", "2", "--quiet"]


def old_and_new(cwd, times=1.0, processes=5, **more):
    """Two runs of two scenes; in the new one biased takes `times` as long in one of them."""
    for name, factor in (("old", 1.0), ("new", times)):
        records = made_up.scene({"atomic": 38.0, "biased": 27.0 * factor, "plain": 9.0}, "copy_drop", processes=processes, wander=0.01, **more)
        records += made_up.scene({"atomic": 50.0, "biased": 61.0}, "handoff", 2, processes=processes, wander=0.01)
        for r in records:
            r["binary"]["git"] = {"old": "1" * 12, "new": "2" * 12}[name]
            r["binary"]["executable"] = {"old": "1" * 16, "new": "2" * 16}[name]
        made_up.write(cwd / name, records, {"schema": 1, "rows": list(dict.fromkeys(r["row"] for r in records))})


def changed(cwd, change):
    """The new run with something else in each record."""
    path = cwd / "new/rows.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for r in records:
        change(r)
    made_up.write(cwd / "new", records)


def a_slower_row_is_called_slower_and_trips_the_gate(cwd):
    old_and_new(cwd, 1.2)
    out, err = run("compare", "old", "new", cwd=cwd)
    assert err == "" and "git 111111111111" in out and "git 222222222222" in out, (out, err)
    assert "5 figures, new over old, with 95 % intervals: 1 slower, 4 no difference." in out, out
    assert "Holm's correction over 5 figures" in out and "could have seen is" in out, out
    line = re.search(r"^  biased +2[67]\.\d+ ns -> +32\.\d+ ns +1\.2\d\dx +\[(1\.\d+), (1\.\d+)\] +slower$", out, re.M)
    assert line and float(line[1]) < 1.2 < float(line[2]), out
    assert "by the ranks of the processes' medians alone (Mann-Whitney), agrees with the difference." in out, out
    assert "Gate" not in out
    out, _ = run("compare", "old", "new", "--gate", "5", cwd=cwd, expect=1)
    assert "Gate of 5 %: a regression, biased|copy_drop|1|throughput (ns_per_op)." in out, out
    run("compare", "old", "new", "--gate", "30", cwd=cwd)
    run("compare", "new", "old", "--gate", "5", cwd=cwd)  # faster is no regression
    assert "1 faster" in run("compare", "new", "old", cwd=cwd)[0]


def other_metrics_are_compared_when_asked_for(cwd):
    old_and_new(cwd, 1.2)
    out, _ = run("compare", "--metric", "ops_per_second,rss_bytes", "old", "new", cwd=cwd)
    assert "15 figures" in out and re.search(r"^  biased ops_per_second .* 0\.8\d\dx .*slower$", out, re.M), out
    assert "did you mean ops_per_second?" in run("compare", "old", "new", "--metric", "ops_per_secnd", cwd=cwd, expect=64)[1]


def smoke_runs_have_neither_interval_nor_word(cwd):
    old_and_new(cwd, 3.0, processes=2)
    out, _ = run("compare", "old", "new", cwd=cwd)
    assert not re.search(r"slower|faster|no difference|\[", out), out
    assert "5 figures are from fewer than 5 processes on a side" in out and "3.0" in out, out
    _, err = run("compare", "old", "new", "--gate", "5", cwd=cwd, expect=2)
    assert "can't compare: --gate: no figure has a verdict" in err, err


def other_machines_and_builds_are_refused_by_the_fields_that_differ(cwd):
    def moved(r):
        r["machine"].update(machine_id="f" * 32, kernel="Linux 9.9")
        r["binary"].update(flags="-O0", sanitizer="thread")

    old_and_new(cwd)
    changed(cwd, moved)
    out, err = run("compare", "old", "new", cwd=cwd, expect=2)
    assert out == "" and err.startswith("tally: can't compare: old and new differ in more than the revision"), err
    assert re.findall(r"^  (\S+): (.*)$", err, re.M) == [
        ("binary.flags", " in old, -O0 in new"), ("binary.sanitizer", " in old, thread in new"),
        ("machine.machine_id", f"0 in old, {'f' * 32} in new"), ("machine.kernel", "none in old, Linux 9.9 in new")], err
    out, err = run("compare", "old", "new", "--force", cwd=cwd)
    assert err == "" and "Forced: the two sides differ" in out and "machine.kernel: none in old, Linux 9.9 in new" in out, out


def what_can_not_be_compared_says_why(cwd):
    old_and_new(cwd)
    assert "compare nowhere: there is no run (no rows.jsonl)" in run("compare", "nowhere", "old", cwd=cwd, expect=64)[1]
    assert "--gate" in run("compare", "old", "new", "--gate", "much", cwd=cwd, expect=64)[1]
    run("compare", "old", cwd=cwd, expect=64)
    made_up.write(cwd / "other", made_up.scene({"atomic": 3.0}, "chain"))
    assert "no row is in both old and other" in run("compare", "old", "other", cwd=cwd, expect=2)[1]


def rows_that_fail_now_are_named_and_no_gate_passes_them(cwd):
    old_and_new(cwd)
    path = cwd / "new/rows.jsonl"
    kept = [line for line in path.read_text().splitlines() if not json.loads(line)["row"].startswith("biased|copy_drop")]
    broken = made_up.failed("biased", "copy_drop", processes=5)
    for r in broken:
        r["binary"].update(git="2" * 12, executable="2" * 16)
    path.write_text("\n".join(kept + [json.dumps(r) for r in broken]) + "\n")
    out, _ = run("compare", "old", "new", cwd=cwd)
    assert "Only in the old run:\n  biased|copy_drop|1|throughput: failed: the oracle disagrees" in out, out
    assert "was measured before, and now failed" in run("compare", "old", "new", "--gate", "5", cwd=cwd, expect=2)[1]


def a_damaged_line_is_named_and_the_file_is_left_as_it_was(cwd):
    old_and_new(cwd)
    path = cwd / "new/rows.jsonl"
    lines = path.read_text().splitlines(True)
    lines[3] = '{"schema":1,\n'
    path.write_text("".join(lines)[:-30])
    before = path.read_bytes()
    out, err = run("compare", "old", "new", cwd=cwd)
    assert "new/rows.jsonl: line 4 is not a record; it is left out" in err and "it was cut off" in err, err
    assert "5 figures" in out and path.read_bytes() == before and not (cwd / "new/rows.damaged").exists()


def markdown_is_a_table_that_a_pull_request_shows(cwd):
    old_and_new(cwd, 1.2)
    out, _ = run("compare", "old", "new", "--markdown", "--gate", "5", cwd=cwd, expect=1)
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert len(rows) == 3 + 2 + 5, out  # the difference, and all
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 8 for line in rows), rows
    assert "slower" in rows[2] and "biased" in rows[2] and "<summary>All 5 figures</summary>" in out, out


def real_runs_are_compared(cwd):
    for name, processes in (("a", 5), ("b", 5)):
        run("run", *REAL, "--processes", processes, "--out", name, cwd=cwd)
    out, err = run("compare", "a", "b", cwd=cwd)
    assert err == "" and re.search(r"^  atomic .* -> .*x  +\[", out, re.M) and "5 processes" in out, (out, err)
    again, _ = run("compare", "a", "b", cwd=cwd)
    assert again == out, "the same rows gave other intervals"


run_tests(dict(globals()), sys.argv[3:], "tally-compare-")
