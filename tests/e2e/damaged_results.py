#!/usr/bin/env python3
"""Results that somebody cut, mixed or wrote garbage into, and disks that are full, in front of everything that reads results: what is in
doubt is named by file and line, and left out or computed anew; nothing that is only read is written.

  damaged_results.py TALLY SOURCE_DIR [TEST...]
"""
import json
import math
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from run_tests import python_that_draws, run_tests

tally = str(pathlib.Path(sys.argv[1]).resolve())
source = pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(source / "scripts"))
from tally_plots import estimates, load

drawing = {**os.environ, "TALLY_PYTHON": python_that_draws()}
CONFIG = {"schema": 1, "machine": "0", "binary": {"git": "0", "executable": "0"}, "request": {"seed": 7, "baseline": "atomic"}}
ROW = "biased|copy_drop|1|throughput"
READERS = (["plot", "r", "--only", "cost"], ["report", "r"], ["export", "r", "--csv"], ["export", "r", "--latex"], ["compare", "r", "good"],
           ["merge", "r", "--out", "m", "--quiet"], ["findings", "--results", "r"])
FULL = 2000  # bytes that a file may have; less than anything that is written here


def run(*arguments, cwd, expect=(0,), **more):
    done = subprocess.run([tally, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120, env=drawing, **more)
    assert done.returncode in expect, f"{arguments}: exit {done.returncode}, not {expect}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, (arguments, done.stderr)
    return done


def made(cwd, name="r"):
    return made_up.estimated(cwd / name, made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop", wander=0.01), CONFIG)


def content(directory):
    return {p.name: p.read_bytes() for p in pathlib.Path(directory).iterdir() if p.is_file()}


def lines_in(file):
    return file.read_text().splitlines(True)


def reports_on(done, cwd):
    """What a reader says of damage, be it on its page."""
    page = cwd / "r/report.html"
    return done.stderr + (page.read_text() if page.exists() else "")


def who_only_reads_writes_nothing_and_names_the_line_that_was_cut(cwd):
    made(cwd, "good")
    rows = made(cwd) / "rows.jsonl"
    last = len(lines_in(rows))
    rows.write_bytes(rows.read_bytes()[:-40])
    before = content(cwd / "r")
    for reader in READERS:
        done = run(*reader, cwd=cwd, expect=(0, 1, 3))
        assert re.search(rf"\br/rows\.jsonl: line {last}\b", reports_on(done, cwd)), (reader, done.stderr)
        (cwd / "r/report.html").unlink(missing_ok=True)
        assert content(cwd / "r") == before, f"{reader[0]} wrote into what it was to read"


def what_was_observed_is_only_read_by_a_simulation(cwd):
    seen = made_up.write(cwd / "seen", made_up.row("atomic", "copy_drop", 2, ns=700.0, mode="observed"), CONFIG)
    rows = seen / "rows.jsonl"
    last = len(lines_in(rows))
    rows.write_bytes(rows.read_bytes()[:-40])
    before = content(seen)
    done = run("sim", "--strategy", "atomic", "--workload", "copy_drop", "--cores", "2", "--ops", "50", "--overlay", "seen", "--out", "s", "--quiet",
               cwd=cwd, expect=(0, 64))
    if done.returncode == 64 and "no simulator" in done.stderr:
        return print("        (this build has no simulator)", flush=True)
    assert done.returncode == 0 and done.stderr == f"tally: seen/rows.jsonl: line {last}, the last one, is damaged; it is left out\n", done
    assert content(seen) == before


def a_window_that_is_there_twice_and_garbage_are_named_by_every_reader(cwd):
    made(cwd, "good")
    for wrong in ("twice", "garbage"):
        rows = made(cwd) / "rows.jsonl"
        text = lines_in(rows)
        text.insert(4, text[0] if wrong == "twice" else "\0\1{]\n")
        rows.write_text("".join(text))
        before = content(cwd / "r")
        for reader in READERS:
            done = run(*reader, cwd=cwd, expect=(0, 1, 3))
            assert re.search(r"\br/rows\.jsonl: line 5\b", reports_on(done, cwd)), (wrong, reader, done.stderr)
            assert "is there already" in reports_on(done, cwd) or wrong == "garbage", (reader, done.stderr)
            (cwd / "r/report.html").unlink(missing_ok=True)
            assert content(cwd / "r") == before, (wrong, reader)


def another_schema_is_refused_or_left_out_by_its_line(cwd):
    made(cwd, "good")
    rows = made(cwd) / "rows.jsonl"
    text = lines_in(rows)
    text[2] = text[2].replace('"schema": 1', '"schema": 9')
    rows.write_text("".join(text))
    before = content(cwd / "r")
    for reader in READERS:
        done = run(*reader, cwd=cwd, expect=(0, 1, 3, 64))
        assert re.search(r"\br/rows\.jsonl: line 3 has schema 9", done.stderr), (reader, done.stderr)
        assert content(cwd / "r") == before, reader


DAMAGED = {
    "cut": lambda text: "".join(text)[:-25],
    "garbage": lambda text: "".join([*text[:1], "\x7fELF\n", *text[2:]]),
    "schema": lambda text: "".join(text).replace('"schema": 1', '"schema": 9', 1),
    "twice": lambda text: "".join([*text, text[0]]),
    "otherwise": lambda text: "".join([*text, json.dumps({**json.loads(text[1]), "value": 1.0, "low": 0.9, "high": 1.1}) + "\n"]),
    "endless": lambda text: "".join([re.sub(r'"value": [^,]*', '"value": 1e999', text[0]), *text[1:]]),
}


def an_estimate_in_doubt_is_named_and_never_used(cwd):
    made(cwd, "good")
    whole = [line for line in lines_in(made(cwd) / "estimates.jsonl") if json.loads(line)["metric"] == "ns_per_op"]
    assert len(whole) == 3 and ROW in whole[2], whole  # atomic, its second measurement, biased
    named = {"cut": (3, 2), "garbage": (2, 1), "schema": (1, 0), "twice": (4, None), "otherwise": (4, 1), "endless": (1, 0)}
    for how, damage in DAMAGED.items():
        (cwd / "r/estimates.jsonl").write_text(damage(whole), encoding="utf-8")
        before = content(cwd / "r")
        line, lost = named[how]
        for reader in (["plot", "r", "--only", "cost"], ["report", "r"], ["export", "r", "--latex"]):
            done = run(*reader, cwd=cwd, expect=(0, 3))
            said = reports_on(done, cwd)
            assert said.count(f"r/estimates.jsonl: line {line} ") == 1, (how, reader, said[-2000:])
            (cwd / "r/report.html").unlink(missing_ok=True)
            assert content(cwd / "r") == before, (how, reader)
        (of,) = load.Results([cwd / "r"]).runs
        kept = estimates.written(of)
        expected = [json.loads(text) for n, text in enumerate(whole) if n != lost]
        assert list(kept.values()) == expected, (how, kept)
        # What is not believed is computed from the rows, and has no interval.
        if lost is not None:
            key = json.loads(whole[lost])["row"]
            row = of.windows[key][0] | {"_run": of}
            found = estimates.of(row, "ns_per_op")
            assert found.computed and not found.interval and abs(found.median / json.loads(whole[lost])["value"] - 1) < 0.02, (how, found.median)


def what_judges_rows_needs_no_estimate(cwd):
    made(cwd, "good")
    made(cwd)
    told = {reader[0]: run(*reader, cwd=cwd, expect=(0, 1)).stdout for reader in (["compare", "r", "good"], ["findings", "--results", "r"])}
    (cwd / "r/estimates.jsonl").write_text("garbage\n")
    for reader in (["compare", "r", "good"], ["findings", "--results", "r"]):
        assert run(*reader, cwd=cwd, expect=(0, 1)).stdout == told[reader[0]], reader
    run("merge", "r", "--out", "m", "--quiet", cwd=cwd, expect=(3,))
    merged = [json.loads(line) for line in lines_in(cwd / "m/estimates.jsonl")]
    assert {e["row"] for e in merged} >= {ROW} and all(e["low"] is not None for e in merged), "merge computes them anew"


def a_run_goes_on_over_damaged_estimates_and_replaces_them(cwd):
    small = ["--strategy", "atomic", "--workload", "copy_drop", "--threads", "1", "--duration", "5ms", "--processes", "1", "--repeat", "1",
             "--seed", "7", "--pin", "none", "--quiet", "--out", "r"]
    run("run", *small, cwd=cwd)
    whole = (cwd / "r/estimates.jsonl").read_bytes()
    (cwd / "r/estimates.jsonl").write_text("garbage\n")
    run("run", "--resume", "--out", "r", "--quiet", cwd=cwd)
    assert (cwd / "r/estimates.jsonl").read_bytes() == whole
    rows = cwd / "r/rows.jsonl"
    text = lines_in(rows)
    for damage, words in ((["\1\n"], r"line 2 is not a record; take it out"), ([text[0]], r"line 2: not of the run above it")):
        rows.write_text("".join([text[0], *damage, *text[1:]]))
        kept = rows.read_bytes()
        done = run("run", "--resume", "--out", "r", "--quiet", cwd=cwd, expect=(3,))
        assert re.search(r"\br/rows\.jsonl: " + words, done.stderr) and done.stderr.count("\n") == 1, done.stderr
        assert rows.read_bytes() == kept, "what was refused was changed"


def machines_stay_apart_on_the_page(cwd):
    for name, machine, times in (("a", "a" * 32, 1.0), ("b", "b" * 32, 2.0)):
        records = made_up.scene({"atomic": 38.0 * times, "biased": 27.0 * times}, "copy_drop", wander=0.01)
        for r in records:
            r["machine"]["machine_id"] = machine
        made_up.write(cwd / name, records, {**CONFIG, "started": name})
    run("merge", "a", "b", "--out", "m", "--quiet", cwd=cwd)
    run("report", "m", cwd=cwd)
    page = (cwd / "m/report.html").read_text()
    assert re.search(r"No verdicts: m/rows\.jsonl: rows of several machines or builds \(0@aaaa-\w{4}, 0@bbbb-\w{4}\)", page), page[:3000]
    values = {machine: float(value) for machine, value in re.findall(
        r"<th scope=\"row\">biased \[0@(a|b)\1{3}-\w{4}\]</th><td>[^<]*</td><td class=\"number\">([\d.]+)</td>", page)}
    assert sorted(values) == ["a", "b"] and abs(abs(math.log2(values["b"] / values["a"])) - 1) < 0.1, values  # a time, or a rate
    assert page.count("<caption>The machine [0@") == 2


def limited():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, FULL))


def on_a_full_disk_a_reader_leaves_what_was_there(cwd):
    made(cwd)
    run("report", "r", cwd=cwd)
    run("export", "r", "--csv", "--out", "r/t.csv", cwd=cwd)
    before = content(cwd / "r")
    for reader, code, named in ((["report", "r"], (1, 3), "report"), (["export", "r", "--csv", "--out", "r/t.csv"], (3,), "r/t.csv"),
                                (["merge", "r", "--out", "m"], (3,), "m")):
        done = run(*reader, cwd=cwd, expect=code, preexec_fn=limited)
        assert "File too large" in done.stderr and named in done.stderr and done.stderr.count("\n") == 1, (reader, done.stderr)
        assert content(cwd / "r") == before and not (cwd / "m").exists(), (reader, list((cwd / "r").iterdir()))


def what_was_printed_has_arrived_or_the_exit_code_says_so(cwd):
    made(cwd)
    made(cwd, "good")
    for reader in READERS:
        if "--quiet" in reader:
            continue
        with open("/dev/full", "w") as full:
            done = subprocess.run([tally, *reader], cwd=cwd, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, env=drawing)
        assert done.returncode in (1, 3) and "standard output: " in done.stderr, (reader, done.returncode, done.stderr)
        assert done.stderr.count("\n") == 1, (reader, done.stderr)


run_tests(dict(globals()), sys.argv[3:], "tally-damaged-")
