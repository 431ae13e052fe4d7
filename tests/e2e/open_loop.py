#!/usr/bin/env python3
"""Rows at a rate, end to end: what a record holds, what a run says of a rate that can't be reached, and that a run goes on with it.

open_loop.py TALLY SOURCE_DIR [TEST...]
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests
from tally_program import Schema, runner

run, records = runner(sys.argv[1]), Schema(sys.argv[2]).records
SMALL = ["run", "--strategy", "atomic", "--workload", "tree_churn", "--threads", "1", "--processes", "1", "--repeat", "1", "--mode", "latency"]


def value(row, name):
    return row["metrics"][name]["value"]


def a_row_at_a_rate_keeps_both_histograms_and_what_became_of_the_rate(cwd):
    out, _ = run(*SMALL, "--duration", "100ms", "--rate", "closed,200,50%", "--out", "r", cwd=cwd)
    rows = {r["row"]: r for r in records(cwd / "r")}
    assert {key.split("|")[3] for key in rows} == {"latency", "latency@200/s", "latency@50%"}, list(rows)
    assert "tree_churn, 1 thread, latency at 200/s" in out and "latency at 50% of the closed loop's rate" in out, out
    for key, row in rows.items():
        quantiles = [value(row, f"latency_{p}") for p in ("p50", "p90", "p99", "p999", "p9999", "max")]
        assert quantiles == sorted(quantiles), (key, quantiles)
        assert ("open_loop" in row) == ("@" in key) == ("rate" in row["config"]) == ("rate_asked" in row["metrics"]), key
        if "@" not in key:
            continue
        kept, taken = row["latency"], row["open_loop"]["service"]
        assert sum(b[2] for b in kept["buckets"]) == kept["total"] == sum(b[2] for b in taken["buckets"]) == taken["total"] > 0, key
        for p in ("p50", "p99", "max", "mean"):
            assert value(row, f"latency_{p}") >= 0.99 * value(row, f"service_{p}"), (key, p)
        assert value(row, "cpu_ns_per_op") > 0 and value(row, "rss_peak_bytes") > 0 and 0 <= value(row, "late_share") <= 1
    slow, half = (next(r for key, r in rows.items() if key.endswith(end)) for end in ("@200/s", "@50%"))
    assert slow["open_loop"]["per_second"] == value(slow, "rate_asked") == 200 and slow["open_loop"]["closed"] is None
    # 20 starts in a window: nothing here hangs on how fast the machine is.
    assert slow["latency"]["total"] <= 60 and value(slow, "rate_reached") < 1000, value(slow, "rate_reached")
    closed = half["open_loop"]["closed"]
    assert closed["per_second"] == value(half, "rate_closed") and abs(value(half, "rate_asked") / closed["per_second"] - 0.5) < 1e-9
    assert closed["window_ns"] == half["config"]["window_ns"]


def a_row_that_is_asked_for_memory_has_none_of_earlier_rows(cwd):
    """Others touch 256 MiB in the same process and leave them to the next row."""
    some = ["run", "--threads", "1", "--processes", "1", "--duration", "10ms"]
    run(*some, "--strategy", "none,atomic", "--workload", "copy_drop", "--mode", "throughput,memory,latency", "--rate", "closed,1k", "--repeat", "2",
        "--out", "r", cwd=cwd)
    rows = records(cwd / "r")
    assert any(r["row"].startswith("none|") and r["block"] == 0 for r in rows)
    asked = [r for r in rows if "rss_peak_bytes" in r["metrics"]]
    assert {r["row"].split("|")[3] for r in asked} == {"memory", "latency@1000/s"}, {r["row"] for r in asked}
    for row in asked:
        peak = value(row, "rss_peak_bytes")
        assert value(row, "rss_bytes") <= peak and (peak > 2**28) == row["row"].startswith("none|"), (row["row"], peak)


def a_rate_that_is_out_of_reach_is_said_to_be_saturated(cwd):
    out, _ = run(*SMALL, "--duration", "50ms", "--rate", "100M", "--out", "r", cwd=cwd)
    for row in records(cwd / "r"):
        assert row["open_loop"]["saturated"] and value(row, "backlog") > 0 and value(row, "rate_reached") < 99e6, row["row"]
        (said,) = [r for r in row["quality"]["reasons"] if r.startswith("saturated")]
        assert "1e+08 operations per second were asked for" in said and "its percentiles grow with the window" in said, said
    assert "saturated in 1 of 1 windows" in out, out


def a_rate_is_gone_on_with_and_made_again(cwd):
    run(*SMALL, "--duration", "10ms", "--rate", "500", "--arrivals", "poisson", "--out", "r", cwd=cwd)
    keys = [r["row"] for r in records(cwd / "r")]
    assert all(key.split("|")[3] == "latency@500/s,poisson" for key in keys), keys
    asked = json.loads((cwd / "r/config.json").read_text())["request"]
    assert asked["rate"] == ["500"] and asked["arrivals"] == "poisson", asked
    lines = (cwd / "r/rows.jsonl").read_text().splitlines()
    (cwd / "r/rows.jsonl").write_text(lines[0] + "\n")
    run("run", "--resume", "--out", "r", cwd=cwd)
    assert sorted(r["row"] for r in records(cwd / "r")) == sorted(keys)
    _, refused = run("run", "--resume", "--out", "r", "--rate", "600", cwd=cwd, expect=64)
    assert "--rate 600 (it was 500)" in refused, refused
    run("run", "--from", "r", "--rate", "400", "--out", "s", cwd=cwd)
    assert {r["row"].split("|")[3] for r in records(cwd / "s")} == {"latency@400/s,poisson"}


def a_rate_that_means_nothing_is_refused(cwd):
    for flags, words in ((("--rate", "fast"), "--rate fast: operations per second between 0.01 and 100M"),
                         (("--rate", "300%"), "--rate 300%: "), (("--rate", "0"), "--rate 0: "),
                         (("--rate", "100", "--mode", "throughput"), "--rate 100: no chosen row measures latency"),
                         (("--arrivals", "poisson"), "--arrivals poisson: only rows of a rate have arrivals"),
                         (("--rate", "100", "--arrivals", "often"), "--arrivals often: ")):
        _, said = run("run", "--plan", "--strategy", "atomic", "--workload", "copy_drop",
                      *(() if "--mode" in flags else ("--mode", "latency")), *flags, cwd=cwd, expect=64)
        assert words in said, (flags, said)
    out, _ = run("run", "--plan", "--strategy", "atomic", "--workload", "copy_drop", "--mode", "latency,throughput", "--rate", "2k", cwd=cwd)
    assert "latency at 2000/s" in out and "throughput\n" in out, out


def throughput_rows_know_nothing_of_it(cwd):
    run(*SMALL[:-1], "throughput,latency", "--rate", "300", "--duration", "10ms", "--out", "r", cwd=cwd)
    for row in records(cwd / "r"):
        if row["config"]["mode"] == "throughput":
            assert not {"latency", "open_loop"} & set(row) and "rate" not in row["config"], row["row"]
            assert not any(name.startswith(("latency_", "service_", "rate_")) for name in row["metrics"]), row["metrics"]


def two_lanes_and_stops_of_the_world(cwd):
    """Lanes that are idle most of the time, beside collections and a lock: it ends, and the oracle is content."""
    there = f" {' '.join(run('list', 'strategies', cwd=cwd)[0].split())} "
    strategies = [s for s in ("atomic", "biased", "deferred", "gil") if f" {s} " in there]
    run("run", "--strategy", ",".join(strategies), "--baseline", strategies[0], "--workload", "server", "--threads", "2", "--mode", "latency", "--rate",
        "2000", "--duration", "60ms", "--processes", "1", "--repeat", "1", "--out", "r", cwd=cwd)
    rows = records(cwd / "r")
    assert {r["status"] for r in rows} == {"ok"} and len(rows) == len(strategies) + 1, [r.get("reason") for r in rows]
    for row in (r for r in rows if r["config"]["strategy"]["name"] == "gil"):
        assert len({lane["window_ns"] for lane in row["lanes"]}) == 1, "who takes turns has one window"


run_tests(dict(globals()), sys.argv[3:], "tally-open-loop-")
