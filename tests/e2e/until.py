#!/usr/bin/env python3
"""Runs that find their number of processes as they go on: --until, --budget, gone on with and made again. No width and no time decides:
what is asked is that the results are what the run says of them.

until.py TALLY SOURCE_DIR [TEST...]
"""
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests
from tally_program import lines, runner

tally = str(pathlib.Path(sys.argv[1]).resolve())
run = runner(tally)
SMALL = ["run", "--strategy", "plain,atomic", "--workload", "copy_drop", "--threads", "1", "--duration", "2ms", "--repeat", "1"]
ROWS = 3  # plain, atomic, and atomic's second measurement
LEAST = 10  # processes, of a run that does not say
NEVER = "0.01%"  # no interval is as narrow


def ended(folder):
    """What config.json says of the end; its number of processes is that of the rows, each window of which is there once."""
    config = json.loads((folder / "config.json").read_text())
    rows = lines(folder / "rows.jsonl")
    windows = [(r["row"], r["process"], r["block"]) for r in rows]
    assert len(windows) == len(set(windows)), "a window was measured twice"
    end = config["ended"]
    if end["why"] != "interrupted":
        assert len(windows) == ROWS * end["processes"], (len(windows), end)
        assert config["processes"] == end["processes"] and config["smoke"] == (end["processes"] < 5), config
    return end


def widths(folder):
    ratios = [line["ratio"] for line in lines(folder / "estimates.jsonl") if line["metric"] == "ns_per_op" and line["ratio"]["to"] != line["row"]]
    return [(ratio["high"] / ratio["low"]) ** 0.5 - 1 for ratio in ratios]


def until_ends_where_all_is_narrow_or_at_the_most(cwd):
    out, err = run(*SMALL, "--until", "50%", "--out", "r", cwd=cwd)
    end, found = ended(cwd / "r"), widths(cwd / "r")
    assert LEAST <= end["processes"] <= 30 and len(found) == len(end["widths"]) == ROWS - 1, end
    assert (end["why"] == "until") == (max(found) <= 0.5), (end, found)
    assert end["why"] == "until" or end["processes"] == 30, end
    assert f"Ended after {end['processes']} processes" in out and f"{LEAST} to 30 processes, until each ratio is within 50%" in out, out
    before = (cwd / "r/rows.jsonl").read_bytes()
    again, _ = run("run", "--resume", "--out", "r", cwd=cwd)
    assert (cwd / "r/rows.jsonl").read_bytes() == before, "a run that has ended was gone on with"
    assert ended(cwd / "r")["why"] == end["why"] and f"Ended after {end['processes']} processes" in again, again


def until_that_never_comes_ends_at_the_most_and_says_what_is_too_wide(cwd):
    out, err = run(*SMALL, "--until", NEVER, "--out", "r", cwd=cwd)
    end = ended(cwd / "r")
    assert end["why"] == "most" and end["processes"] == 30, end
    assert "Ended after 30 processes, the most: 2 of 2 ratios wider than 0.01%, the widest" in out, out
    assert f"{LEAST} processes: 2 of 2 ratios wider than 0.01%" in err and "30 processes:" not in err, err


def a_budget_has_as_many_processes_as_fit(cwd):
    out, err = run(*SMALL, "--budget", "3s", "--out", "r", cwd=cwd)
    end = ended(cwd / "r")
    assert end["why"] == "budget" and end["processes"] >= 1, end
    # Another one would not have fitted: the mean time of those that were measured.
    assert end["seconds"] * (end["processes"] + 1) / end["processes"] > 3 or end["processes"] == 1, end
    assert f"Ended after {end['processes']} process" in out, out
    few, err = run(*SMALL, "--budget", "1ms", "--out", "few", cwd=cwd)
    assert ended(cwd / "few")["processes"] == 1 and "Smoke run of 1 process:" in few, few


def processes_are_the_most_of_a_budget_and_the_least_of_until(cwd):
    run(*SMALL, "--budget", "60m", "--processes", "2", "--out", "few", cwd=cwd)
    assert ended(cwd / "few") | {"seconds": 0} == {"why": "most", "processes": 2, "seconds": 0}
    run(*SMALL, "--until", "100%", "--processes", "12", "--out", "many", cwd=cwd)
    assert ended(cwd / "many")["processes"] >= 12
    plan, _ = run(*SMALL, "--until", "2%", "--budget", "60m", "--plan", cwd=cwd)
    assert "processes, until each ratio is within 2% or 60 min 0 s are over," in plan and f" for {LEAST}, " in plan, plan


def what_an_interrupt_left_is_gone_on_with_by_the_same_rule(cwd):
    going = subprocess.Popen([tally, *SMALL, "--until", NEVER, "--out", "r"], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    rows = cwd / "r/rows.jsonl"
    while going.poll() is None and not (rows.exists() and rows.read_text().count("\n") > 2 * ROWS):
        time.sleep(0.01)
    going.send_signal(signal.SIGINT)
    out, _ = going.communicate(timeout=60)
    if going.returncode == 130:
        assert ended(cwd / "r")["why"] == "interrupted" and "Stopped with about" in out, out
        refused, err = run("run", "--resume", "--out", "r", "--until", "5%", cwd=cwd, expect=64)
        assert "--until 5% (it was 0.01%)" in err, err
        run("run", "--resume", "--out", "r", cwd=cwd)
    assert ended(cwd / "r")["why"] == "most" and ended(cwd / "r")["processes"] == 30
    run("run", "--from", "r", "--until", "100%", "--processes", "5", "--out", "again", cwd=cwd)
    assert ended(cwd / "again")["processes"] >= 5


def what_can_not_be_is_refused(cwd):
    for arguments, said in ((["--until", "2"], "per cent"), (["--budget", "5"], "a number with"),
                            (["--until", "2%", "--threads", "2", "--strategy", "atomic", "--mode", "observed"], "no row is compared with a baseline")):
        _, err = run("run", "--workload", "copy_drop", *arguments, cwd=cwd, expect=64)
        assert said in err, err


run_tests(globals(), sys.argv[3:], "tally-until-")
