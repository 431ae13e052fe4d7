#!/usr/bin/env python3
"""Rows of mode promptness, end to end: what is recorded of objects that are freed at once, late and never. Counts decide, no time does.

promptness.py TALLY SOURCE_DIR [TEST...]
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests
from tally_program import Schema, runner

tally, schema = runner(sys.argv[1]), Schema(sys.argv[2])
SHORT = ["--duration", "20ms", "--processes", "1", "--repeat", "1", "--seed", "3", "--out", "r"]


def run(folder, *arguments):
    """What is printed, and the records by strategy and role, each valid."""
    out, _ = tally("run", "--mode", "promptness", *arguments, *SHORT, cwd=folder)
    rows = schema.records(folder / "r")
    for row in rows:
        if row["status"] != "skipped":
            assert row["status"] in ("ok", "exhausted"), (row["row"], row.get("reason"))
            adds_up(row)
    return out, rows


def adds_up(row):
    told, metrics = row["promptness"], {name: m["value"] for name, m in row["metrics"].items()}
    assert sum(b[2] for b in told["buckets"]) == told["total"] and told["total"] + told["censored"] == told["objects"] > 0, told
    assert metrics["promptness_objects"] == told["objects"] and metrics["promptness_censored"] == told["censored"], metrics
    assert metrics["promptness_censored_share"] == told["censored"] / told["objects"], metrics
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)):
        assert (f"promptness_{name}" in metrics) == (share * told["objects"] <= told["total"]), (name, told, metrics)
    held = [s["bytes"] for s in told["held_back"]["samples"]]
    assert held and metrics["promptness_held_bytes_peak"] >= max(held), metrics
    assert not {"ns_per_op", "ops_per_second", "latency_p50"} & set(metrics), metrics


def what_is_freed_at_once_and_what_is_never_freed(cwd):
    out, rows = run(cwd, "--strategy", "atomic,none", "--workload", "tree_churn", "--set", "long_depth=8", "--threads", "1")
    by_strategy = {}
    for row in rows:
        by_strategy.setdefault(row["config"]["strategy"]["name"], []).append(row["promptness"])
    assert len(by_strategy["atomic"]) == 2 and all(p["censored"] == 0 for p in by_strategy["atomic"]), by_strategy
    assert [p["total"] for p in by_strategy["none"]] == [0], by_strategy["none"]
    assert "none: no median: half of what died, or more, was not freed" in out and "atomic" in out, out


def every_state_of_an_owner(cwd):
    _, rows = run(cwd, "--strategy", "atomic,biased,biased:merge=detached,deferred,mark_sweep", "--workload", "handoff", "--set", "foreign=1",
                  "--set", "owner=running,blocked,gone", "--set", "batch=500", "--threads", "2")
    assert len(rows) == 3 * 6, [r["row"] for r in rows]


def garbage_that_holds_itself_waits_for_a_collector_or_for_ever(cwd):
    _, rows = run(cwd, "--strategy", "gil,gil:cycles=generational,gil:cycles=trial,biased:heap=block,cycles=stop", "--workload", "cycles",
                  "--set", "cyclic=1", "--set", "size=4", "--threads", "1", "--baseline", "gil")
    freed = {row["row"].split("|")[0]: row["promptness"]["total"] for row in rows}
    assert len(freed) == 4 and freed.pop("gil") == 0, freed
    assert freed["gil:cycles=generational"] > 0, freed


def a_servers_requests_die_with_their_parts(cwd):
    _, rows = run(cwd, "--strategy", "atomic", "--workload", "server", "--threads", "2")
    assert all(r["promptness"]["objects"] % 7 == 0 and r["promptness"]["censored"] == 0 for r in rows), rows


def what_has_no_stamps_is_skipped_with_the_reason(cwd):
    _, rows = run(cwd, "--strategy", "atomic,biased:slot=epoch", "--workload", "handoff,copy_drop", "--threads", "2")
    reasons = {r["reason"] for r in rows if r["status"] == "skipped"}
    assert any("does not say when an object's last reference is dropped" in r for r in reasons), reasons
    assert "only other variants are built on the stamped policy" in reasons, reasons


run_tests(dict(globals()), sys.argv[3:], "tally-promptness-")
