#!/usr/bin/env python3
"""`tally merge` as it is called: nothing lost, nothing twice, machines and builds apart, damage named, no half directory.

  merge_runs.py TALLY SOURCE_DIR [TEST...]
"""
import copy
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from run_tests import run_tests
from tally_program import Schema, runner
from tally_program import lines as lines_of

tally = str(pathlib.Path(sys.argv[1]).resolve())
source = pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(source / "scripts"))
from tally_plots import estimates as figures
from tally_plots import load

schema = Schema(source)
run = runner(tally)
ROWS = {"atomic": 38.0, "biased": 27.0}


def made(cwd, name, processes=5, machine="a" * 32, build="1", times=1.0, started="2026-01-01T00:00:00Z", records=None):
    """A run whose windows are no other run's: its name is in what was seen of the machine."""
    records = copy.deepcopy(records or made_up.scene({s: ns * times for s, ns in ROWS.items()}, "copy_drop", processes=processes))
    for r in records:
        if "config" in r:
            r["binary"].update(git=build * 12, executable=build * 16)
        if "machine" in r:
            r["machine"]["machine_id"] = machine
            r["environment"]["before"]["load1"] = made_up.part(name)
    config = {"schema": 1, "suite": "selection", "started": started, "smoke": processes < 5, "request": {"seed": 1, "out": name},
              "rows": list(dict.fromkeys(r["row"] for r in records)), "machine": machine, "binary": {"git": build, "executable": build}}
    return made_up.write(cwd / name, records, config)


def lines(directory):
    return lines_of(pathlib.Path(directory) / "rows.jsonl")


def checked(directory):
    """The records, which the schema allows, and the estimates by origin, row and metric."""
    found = {(e["origin"], e["row"], e["metric"]): e for e in schema.estimates(directory)}
    return schema.records(directory), found


def as_written(record):
    """Without what the merge says of it."""
    record = copy.deepcopy(record)
    record["process"] = record.pop("merged")["process"]
    return record


def sorted_texts(records):
    return sorted(json.dumps(r, sort_keys=True) for r in records)


def content(directory):
    return {p.name: p.read_bytes() for p in pathlib.Path(directory).iterdir() if p.is_file()}


def runs_of_one_machine_and_build_are_further_processes(cwd):
    made(cwd, "a")
    made(cwd, "b", processes=3, started="2026-01-02T00:00:00Z")
    out, err = run("merge", "a", "b", "--out", "m", cwd=cwd)
    assert err == "" and "72 windows of 2 runs and one machine and build." in out and "biased wins" in out, (out, err)
    rows, found = checked(cwd / "m")
    assert sorted_texts(map(as_written, rows)) == sorted_texts(lines(cwd / "a") + lines(cwd / "b")), "something was lost or changed"
    assert {r["process"] for r in rows} == set(range(8))
    assert len({(r["row"], r["process"], r["block"]) for r in rows}) == 72
    (origin,) = {r["merged"]["origin"] for r in rows}
    estimate = found[origin, "biased|copy_drop|1|throughput", "ns_per_op"]
    assert estimate["processes"] == 8 and estimate["windows"] == 24 and estimate["low"] < estimate["value"] < estimate["high"]
    config = json.loads((cwd / "m/config.json").read_text())
    kept = [r["config"] for r in config["merged"]["runs"]]
    assert kept == [json.loads((cwd / d / "config.json").read_text()) for d in "ab"]
    assert config["rows"] == kept[0]["rows"] and config["processes"] == 8
    # What reads a run reads this: one row is one row.
    assert [r.part for r in load.Results([cwd / "m"]).runs] == [None]
    assert "3 figures" not in run("compare", "a", "m", cwd=cwd)[0] and "2 figures" in run("compare", "a", "m", cwd=cwd)[0]


def two_short_runs_are_one_that_has_intervals(cwd):
    made(cwd, "a", processes=2)
    made(cwd, "b", processes=3)
    run("merge", "a", "b", "--out", "m", "--quiet", cwd=cwd)
    assert all(e["low"] is not None for e in checked(cwd / "m")[1].values())
    run("merge", "a", "--out", "few", "--quiet", cwd=cwd)
    assert all(e["low"] is None for e in checked(cwd / "few")[1].values()), "two processes gave an interval"


def it_does_not_matter_how_often_and_in_what_order(cwd):
    made(cwd, "a")
    made(cwd, "b", started="2026-01-02T00:00:00Z")
    made(cwd, "c", build="2")
    run("merge", "a", "b", "c", "--out", "m", cwd=cwd)
    kept = content(cwd / "m")
    for n, named in enumerate((["c", "b", "a"], ["m"], ["m", "a"], ["a", "a", "b", "c", "c"])):
        run("merge", *named, "--out", f"m{n}", "--quiet", cwd=cwd)
        assert content(cwd / f"m{n}") == kept, named
    (cwd / "m/plots/mine.svg").write_text("kept")
    out, _ = run("merge", "a", "b", "--out", "m", cwd=cwd)
    assert content(cwd / "m") == kept and (cwd / "m/plots/mine.svg").exists() and "90 were there already" in out, out
    run("merge", "a", "--out", "n", "--quiet", cwd=cwd)
    run("merge", "b", "--out", "n", "--quiet", cwd=cwd)
    run("merge", "c", "--out", "n", "--quiet", cwd=cwd)
    assert content(cwd / "n") == kept, "one after the other is not all at once"


def a_run_that_went_on_adds_what_is_new(cwd):
    made(cwd, "a")
    whole = (cwd / "a/rows.jsonl").read_text().splitlines(True)
    (cwd / "a/rows.jsonl").write_text("".join(whole[:10]))
    run("merge", "a", "--out", "m", "--quiet", cwd=cwd)
    assert len(lines(cwd / "m")) == 10
    (cwd / "a/rows.jsonl").write_text("".join(whole))
    run("merge", "a", "--out", "m", "--quiet", cwd=cwd)
    assert sorted_texts(map(as_written, lines(cwd / "m"))) == sorted_texts(lines(cwd / "a"))


def machines_and_builds_stay_apart_and_are_labelled(cwd):
    made(cwd, "a")
    made(cwd, "other_machine", machine="b" * 32, times=2)
    made(cwd, "other_build", build="2", times=3)
    out, err = run("merge", "a", "other_machine", "other_build", "--out", "m", cwd=cwd)
    assert err == "" and "135 windows of 3 runs and 3 machines or builds." in out, (out, err)
    rows, found = checked(cwd / "m")
    origins = sorted({r["merged"]["origin"] for r in rows})
    assert [o.split("-")[0] for o in origins] == ["1111111@aaaa", "1111111@bbbb", "2222222@aaaa"], origins
    row = "biased|copy_drop|1|throughput"
    values = [found[o, row, "ns_per_op"]["value"] for o in origins]
    assert all(abs(v / (27 * times) - 1) < 0.05 for v, times in zip(values, (1, 2, 3))), values
    assert all(found[o, row, "ns_per_op"]["processes"] == 5 for o in origins)
    # The summary has a part for each, with its own ratios.
    parts = re.split(r"^(\d{7}@\w{4}-\w{4}): ", out, flags=re.M)
    assert parts[1::2] == origins and all("biased wins" in part for part in parts[2::2]), out
    # And so has each plot: a strategy of three origins is three.
    results = load.Results([cwd / "m"])
    assert {load.labelled(r) for r in results.ok} == {f"{s} [{o}]" for s in ROWS for o in origins}
    for r in results.ok:
        e = figures.of(r, "ns_per_op")
        assert (e.processes, e.windows, e.computed) == (5, 15, False) and e.median == found[r["merged"]["origin"], r["row"], "ns_per_op"]["value"]
    # What compares takes those of one machine, and says where it can't know which.
    _, err = run("compare", "a", "m", cwd=cwd, expect=2)
    assert "more than one pair of them is of one machine" in err, err
    run("merge", "a", "other_machine", "--out", "m2", "--quiet", cwd=cwd)
    out, _ = run("compare", "a", "m2", cwd=cwd)
    assert "Old: a (git 111111111111, none, machine aaaaaaaa" in out and "machine bbbbbbbb" not in out, out
    # What judges rows of one machine refuses.
    _, err = run("findings", "--results", "m", cwd=cwd, expect=3)
    assert "rows of several machines or builds" in err and origins[0] in err, err


def rows_that_were_measured_otherwise_stay_apart(cwd):
    made(cwd, "a")
    records = made_up.scene(ROWS, "copy_drop")
    for r in records:
        r["config"]["window_ns"] = 5 * 10**8
    made(cwd, "longer", records=records)
    out, _ = run("merge", "a", "longer", "--out", "m", cwd=cwd)
    assert "2 machines or builds" in out, out
    _, err = run("compare", "a", "longer", cwd=cwd, expect=2)
    assert "config.window_ns: 100000000 in a, 500000000 in longer" in err, err


def brief_windows_are_of_the_run_that_has_long_ones(cwd):
    """Cyclic strategies are measured in windows that are three times as long as the others': one run, one origin."""
    run("run", "--strategy", "atomic,deferred", "--workload", "copy_drop", "--threads", "1", "--processes", "1", "--out", "r", cwd=cwd)
    windows = {(r["config"]["window_ns"], r["config"].get("briefs", 1)) for r in lines_of(cwd / "r" / "rows.jsonl")}
    assert len(windows) == 2 and len({ns * n for ns, n in windows}) == 1, windows
    out, _ = run("merge", "r", "--out", "m", cwd=cwd)
    assert "of 1 run and one machine and build" in out, out


def failures_and_skipped_rows_are_kept_once(cwd):
    records = made_up.row("atomic", "chain") + made_up.failed("gil", "chain", processes=2) + [made_up.skipped("plain", "chain")]
    made(cwd, "a", records=records)
    made(cwd, "b", records=records)
    run("merge", "a", "b", "a", "--out", "m", "--quiet", cwd=cwd)
    rows, _ = checked(cwd / "m")
    counts = {s: sum(r["status"] == s for r in rows) for s in ("ok", "error", "skipped")}
    assert counts == {"ok": 30, "error": 4, "skipped": 1}, counts


def damage_is_named_and_the_rest_is_kept(cwd):
    made(cwd, "a")
    b = made(cwd, "b")
    text = (b / "rows.jsonl").read_text().splitlines(True)
    text[4] = "{}\n"
    text[7] = text[7].replace('"row"', '"raw"')
    (b / "rows.jsonl").write_text("".join(text)[:-40])
    (b / "estimates.jsonl").write_text('{"row":"x"\n')
    c = made(cwd, "c", build="2")
    (c / "config.json").write_text("{")
    before = {d: content(cwd / d) for d in "abc"}
    out, err = run("merge", "a", "b", "c", "nowhere", "--out", "m", cwd=cwd, expect=3)
    for named in ("b/rows.jsonl: line 5 ", "b/rows.jsonl: line 8 ", f"b/rows.jsonl: line {len(text)} is not a record: it was cut off",
                  "b/estimates.jsonl: line 1 ", "c/config.json", "nowhere: there is no run"):
        assert named in err, (named, err)
    assert err.count("\n") == 6 and "6 places of damage" in out, (err, out)
    assert len(checked(cwd / "m")[0]) == 3 * 45 - 3
    assert before == {d: content(cwd / d) for d in "abc"}, "a directory that was merged was touched"
    run("merge", "nowhere", "--out", "n", cwd=cwd, expect=3)
    assert not (cwd / "n").exists()


def a_full_disk_leaves_nothing_or_what_was_there(cwd):
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    made(cwd, "a")
    made(cwd, "b", started="2026-01-02T00:00:00Z")
    _, err = run("merge", "a", "b", "--out", "m", cwd=cwd, expect=3, preexec_fn=limited)
    assert "File too large" in err and sorted(p.name for p in cwd.iterdir()) == ["a", "b"], (err, list(cwd.iterdir()))
    run("merge", "a", "--out", "m", "--quiet", cwd=cwd)
    kept = content(cwd / "m")
    run("merge", "b", "--out", "m", cwd=cwd, expect=3, preexec_fn=limited)
    assert content(cwd / "m") == kept and sorted(p.name for p in cwd.iterdir()) == ["a", "b", "m"]


def killed_at_any_time_there_is_no_half_directory(cwd):
    for n in range(4):
        made(cwd, f"r{n}", processes=40, started=f"2026-01-0{n + 1}T00:00:00Z")
    run("merge", "r0", "r1", "--out", "old", "--quiet", cwd=cwd)
    old = content(cwd / "old")
    began = time.time()
    run("merge", "old", "r2", "r3", "--out", "new", "--quiet", cwd=cwd)
    took, new = time.time() - began, content(cwd / "new")
    seen = set()
    for n in range(12):
        going = subprocess.Popen([tally, "merge", "r2", "r3", "--out", "old", "--quiet"], cwd=cwd)
        time.sleep(took * (0.4 + n / 15))
        going.kill()
        going.wait()
        now = content(cwd / "old")
        assert now in (old, new), "half a directory"
        seen.add(now == new)
        if now == new:
            break
    run("merge", "r2", "r3", "--out", "old", "--quiet", cwd=cwd)
    assert content(cwd / "old") == new, seen


def what_is_no_merge_is_not_written_over(cwd):
    made(cwd, "a")
    made(cwd, "b")
    kept = content(cwd / "b")
    assert "--out b: there is a run that is no merge" in run("merge", "a", "--out", "b", cwd=cwd, expect=64)[1]
    assert content(cwd / "b") == kept
    (cwd / "mine").mkdir()
    (cwd / "mine/thesis.tex").write_text("")
    assert "name another directory" in run("merge", "a", "--out", "mine", cwd=cwd, expect=64)[1]
    run("merge", "a", cwd=cwd, expect=64)
    run("merge", "a", "--out", "m", "--quiet", cwd=cwd)
    for flag in ("--from", "--resume"):
        more = ["m"] if flag == "--from" else ["--out", "m"]
        assert "results of several runs, merged" in run("run", flag, *more, cwd=cwd, expect=64)[1]


def simulations_are_merged(cwd):
    for name, cores in (("one", "1"), ("two", "1,2")):
        run("sim", "--strategy", "atomic", "--workload", "copy_drop", "--cores", cores, "--ops", "50", "--quiet", "--out", name, cwd=cwd)
    run("merge", "one", "two", "--out", "m", "--quiet", cwd=cwd)
    rows = lines(cwd / "m")
    assert len([r for r in rows if r["status"] == "ok"]) == 2, "a simulated row is there twice: it is the same one"


assert os.path.exists(tally)
run_tests(dict(globals()), sys.argv[3:], "tally-merge-")
