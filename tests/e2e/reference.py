#!/usr/bin/env python3
"""The published set of results: what is packed and unpacked is read as before, what could not be cited is refused, and a page's tables
are what the set says.

  reference.py TALLY PLOT_SCRIPT [TEST...]
"""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import SOURCE, TALLY, interpreter
from run_tests import run_tests
from tally_plots import estimates, load

CONFIG = {"schema": 1, "suite": "default", "started": "2026-01-02T03:04:05Z", "request": {"seed": 7, "baseline": "atomic"}}


def reference(packed, *arguments, expect=0):
    done = subprocess.run([interpreter, SOURCE / "scripts/reference", "--set", packed, *arguments], capture_output=True, text=True)
    assert done.returncode == expect and "Traceback" not in done.stderr, done
    return done


def a_run(directory, config=CONFIG, **more):
    return made_up.estimated(directory, made_up.suite(**more), config)


def what_is_unpacked_is_read_as_what_was_packed(cwd):
    directory = a_run(cwd / "r", blocks=2)
    done = reference(cwd / "set", "pack", directory)
    size = sum(p.stat().st_size for p in (cwd / "set").iterdir())
    assert f"{size} bytes" in done.stdout and size < 5 * 2**20, done.stdout
    assert sorted(p.name for p in (cwd / "set").iterdir()) == ["config.json", "estimates.jsonl.xz", "rows.jsonl.xz"]
    reference(cwd / "set", "unpack", cwd / "again")
    before, after = (load.Results([d]) for d in (directory, cwd / "again"))
    assert after.bad == [] and estimates.read(after.runs[0]) == [] and len(before.ok) == len(after.ok)
    assert before.runs[0].moments and set(after.runs[0].moments[0]) == {"before", "after"}
    for old, new in zip(before.ok, after.ok):
        assert old["row"] == new["row"] and load.doubtful(old) == load.doubtful(new)
        for metric in old["metrics"]:
            a, b = estimates.of(old, metric), estimates.of(new, metric)
            assert all(abs(x - y) <= 1e-5 * abs(x) for x, y in ((a.median, b.median), (a.low, b.low), (a.high, b.high))), (old["row"], metric)
            assert (a.interval, a.windows, a.processes) == (b.interval, b.windows, b.processes)
    first = [r for r in after.ok if (r["process"], r["block"]) == (0, 0) and r["config"]["mode"] == "memory"]
    assert first and all(r["memory"]["samples"] for r in first)
    # Packed twice the same bytes.
    reference(cwd / "twice", "pack", directory)
    assert all(p.read_bytes() == (cwd / "twice" / p.name).read_bytes() for p in (cwd / "set").iterdir())


def the_programs_read_it(cwd):
    reference(cwd / "set", "pack", a_run(cwd / "r", blocks=1))
    reference(cwd / "set", "unpack", cwd / "again")
    told = {}
    for name in ("r", "again"):
        subprocess.run([TALLY, "report", cwd / name], check=True, capture_output=True, env={**os.environ, "TALLY_PYTHON": interpreter})
        told[name] = (cwd / name / "report.html").read_text().count(" wins")
    assert told["r"] == told["again"] > 10, told


def what_could_not_be_cited_is_refused(cwd):
    def refused(name, words, records=None, config=CONFIG, processes=5):
        directory = cwd / name
        made_up.estimated(directory, records or made_up.scene({"atomic": 9.0, "plain": 4.0}, "copy_drop", processes=processes), config)
        done = reference(cwd / "set", "pack", directory, expect=1)
        assert words in done.stderr and done.stderr.count("\n") == 1 and not (cwd / "set").exists(), done
    refused("suite", "not of the suite default", config={**CONFIG, "suite": "quick"})
    scene = made_up.scene({"atomic": 9.0, "plain": 4.0}, "copy_drop")
    refused("failed", "windows that failed: 1, the first of gil|chain", scene + [made_up.window("gil", "chain", status="error")])
    changed = json.loads(json.dumps(scene))
    changed[3]["binary"]["dirty"] = True
    refused("changed", "changed revision", changed)
    debug = json.loads(json.dumps(scene))
    debug[3]["binary"]["build_type"] = "Debug"
    refused("debug", "not built for measuring", debug)
    twice = scene + scene[:1]
    refused("twice", "is there already", twice)
    smoke = made_up.write(cwd / "smoke", scene, CONFIG)
    (smoke / "estimates.jsonl").write_text(json.dumps({"schema": 1, "metric": "ns_per_op", "low": None}) + "\n")
    assert "at least five processes" in reference(cwd / "set", "pack", smoke, expect=1).stderr
    assert "no set of results" in reference(cwd / "set", "unpack", cwd / "x", expect=1).stderr


def tables_are_written_between_their_marks_and_checked(cwd):
    page = cwd / "choosing.md"
    text = "Before.\n<!-- reference: begin -->\nOld.\n<!-- reference: end -->\nAfter.\n"
    page.write_text(text)
    assert "has no set of results yet" in reference(cwd / "set", "tables", "--page", page).stdout and page.read_text() == text
    records = made_up.scene({"atomic": 40.0, "biased": 10.0, "biased:merge=detached": 1.0}, "copy_drop", wander=0)
    records += made_up.scene({"atomic": 200.0}, "tree_churn", wander=0) + made_up.row("mark_sweep", "tree_churn", ns=80.0, wander=0, heap=2)
    records += made_up.row("mark_sweep", "tree_churn", ns=70.0, wander=0, heap=6) + made_up.row("biased", "call_args", ns=8.0, doubtful=True, wander=0)
    reference(cwd / "set", "pack", made_up.estimated(cwd / "r", records, CONFIG, half=0.02))
    assert "not what" in reference(cwd / "set", "tables", "--page", page, "--check", expect=1).stderr and page.read_text() == text
    reference(cwd / "set", "tables", "--page", page)
    written = page.read_text()
    assert written.startswith("Before.\n<!-- reference: begin -->\n") and written.endswith("<!-- reference: end -->\nAfter.\n")
    lines = written.splitlines()
    assert "| One thread | copy_drop | call_args | tree_churn |" in lines and "Two threads" not in written, written
    assert "| atomic | 40 [39.2, 40.8] |  | 200 [196, 204] |" in lines and "| biased | 10 [9.8, 10.2] | 8 [7.84, 8.16]* |  |" in lines, written
    assert "| mark_sweep, 2x payload |  |  | 80 [78.4, 81.6] |" in lines and "6x" not in written and "detached" not in written, written
    assert "at most 1 %" in written and "2026-01-02" in written
    reference(cwd / "set", "tables", "--page", page, "--check")
    page.write_text("no marks\n")
    assert "needs a line" in reference(cwd / "set", "tables", "--page", page, expect=1).stderr


def the_page_of_a_set_is_beside_it(cwd):
    reference(cwd / "set", "pack", a_run(cwd / "r"))
    reference(cwd / "set", "page", "--tally", TALLY)
    text = (cwd / "set/report.html").read_text()
    assert "tally report set<" in text and str(cwd) not in text, "a path of whoever made it"
    assert "no set of results" in reference(cwd / "none", "page", "--tally", TALLY, expect=1).stderr
    assert "No such file" in reference(cwd / "set", "page", "--tally", cwd / "tally", expect=1).stderr


def the_trees_own_set_has_its_page(cwd):
    own = SOURCE / "results/reference"
    revision = json.loads((own / "config.json").read_text())["binary"]["git"]
    assert f"tally {revision}" in (own / "report.html").read_text(encoding="utf-8")


def the_trees_own_page_is_what_its_set_says(cwd):
    reference(SOURCE / "results/reference", "tables", "--check")
    text = (SOURCE / "docs/choosing.md").read_text()
    assert text.count("<!-- reference: begin -->\n") == text.count("<!-- reference: end -->\n") == 1


run_tests(dict(globals()), sys.argv[3:], "tally-reference-")
