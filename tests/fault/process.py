#!/usr/bin/env python3
"""Runs whose disk is full, whose memory ends, or who get a signal, at points that are counted and not timed.

process.py TALLY SOURCE_DIR PRELOAD [TEST...]      PRELOAD: the library of tests/fault/preload.cpp
"""
import collections
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import python_that_draws, run_tests

tally, source, preload = (str(pathlib.Path(a).resolve()) for a in sys.argv[1:4])

SMALL = ["run", "--strategy", "atomic", "--workload", "copy_drop", "--threads", "1", "--duration", "5ms", "--processes", "1",
         "--repeat", "2", "--seed", "7", "--pin", "none", "--out", "r", "--quiet"]
PATIENCE = "8"  # seconds: far more than a worker's first window takes on a loaded machine, its start and probes included
WINDOWS = 4  # atomic and its second measurement, two blocks
draws = random.Random(int(os.environ.get("TALLY_FAULT_SEED", 20)))
POINTS = int(os.environ.get("TALLY_FAULT_POINTS", 9))  # of the thousands of allocations, drawn


def faulty(fault=None, worker=False, count=None):
    more = {"LD_PRELOAD": preload}
    if fault:
        more["TALLY_FAULT"] = fault
    if worker:
        more["TALLY_FAULT_IN"] = "worker"
    if count:
        more["TALLY_FAULT_COUNT"] = str(count)
    return {**os.environ, **more}


def run(*arguments, cwd, **more):
    return subprocess.run([tally, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, **more)


def points(cwd, arguments, worker=False):
    """How many writes and allocations a run has that nothing happens to."""
    done = run(*arguments, cwd=cwd, env=faulty(worker=worker, count=cwd / "count"))
    assert done.returncode == 0, done.stderr
    shutil.rmtree(cwd / "r", ignore_errors=True)
    return [int(n) for n in (cwd / "count").read_text().split()]


def whole_lines(directory):
    """All records but a last line without its end."""
    file = pathlib.Path(directory) / "rows.jsonl"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]


def one_line(text, *words):
    assert text.count("\n") == 1 and text.startswith("tally: "), text
    assert any(w in text for w in words), text


def completed(cwd, before):
    """Goes on, or begins again where there was nothing to go on with; every window is there once, and what was there stays."""
    again = ["run", "--resume", "--out", "r", "--quiet"] if (cwd / "r/config.json").exists() else SMALL
    done = run(*again, cwd=cwd)
    assert done.returncode == 0, (done.returncode, done.stderr)
    rows = whole_lines(cwd / "r")
    keys = [(r["row"], r["process"], r["block"]) for r in rows]
    assert rows[:len(before)] == before, "what was written has changed"
    assert len(keys) == len(set(keys)) == WINDOWS and all(r["status"] == "ok" for r in rows), keys
    shutil.rmtree(cwd / "r")


def a_disk_that_is_full_at_any_write_keeps_what_was_written(cwd):
    writes, _ = points(cwd, SMALL)
    assert writes > 2 * WINDOWS, writes
    for n in range(1, writes + 1):
        done = run(*SMALL, cwd=cwd, env=faulty(f"write:{n}"))
        assert done.returncode in (3, 64), (n, done.returncode, done.stderr)  # 64: --out can't be written
        one_line(done.stderr, "No space left on device")
        assert ("--out r" in done.stderr) == (done.returncode == 64 or "goes on" in done.stderr), done.stderr
        completed(cwd, whole_lines(cwd / "r"))
    print(f"        {writes} writes", flush=True)


def files_that_may_not_grow_beyond_any_size(cwd):
    assert run(*SMALL, cwd=cwd).returncode == 0
    size = (cwd / "r/rows.jsonl").stat().st_size
    shutil.rmtree(cwd / "r")
    least = size - size // 20  # figures have more digits in one run than in another
    for most in [0, 1, size // WINDOWS, *sorted(draws.randrange(least) for _ in range(3)), least]:
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        done = run(*SMALL, cwd=cwd, preexec_fn=limited)
        assert done.returncode == 3, (most, done.returncode, done.stderr)
        one_line(done.stderr, "File too large")
        completed(cwd, whole_lines(cwd / "r"))


def a_simulation_on_a_full_disk_keeps_its_lines(cwd):
    simulate = ["sim", "--strategy", "atomic", "--workload", "copy_drop", "--cores", "1,2,3", "--schedule", "timed", "--ops", "50",
                "--out", "r", "--quiet"]
    if run(*simulate, "--plan", cwd=cwd).returncode == 64:
        return print("        (this build has no simulator)", flush=True)
    writes, _ = points(cwd, simulate)
    assert run(*simulate, cwd=cwd).returncode == 0
    rows = whole_lines(cwd / "r")
    shutil.rmtree(cwd / "r")
    for n in range(1, writes + 1):
        done = run(*simulate, cwd=cwd, env=faulty(f"write:{n}"))
        assert done.returncode in (3, 64), (n, done.returncode, done.stderr)
        one_line(done.stderr, "No space left on device")
        kept = whole_lines(cwd / "r")
        assert kept == rows[:len(kept)] and len(kept) < len(rows), n
        shutil.rmtree(cwd / "r", ignore_errors=True)


def an_interrupted_simulation_goes_on_to_the_same_rows(cwd):
    simulate = ["sim", "--strategy", "atomic,plain", "--workload", "copy_drop", "--cores", "1,2,3", "--schedule", "timed,rr:1", "--ops", "50",
                "--jobs", "2", "--out", "r", "--quiet"]
    if run(*simulate, "--plan", cwd=cwd).returncode == 64:
        return print("        (this build has no simulator)", flush=True)
    writes, _ = points(cwd, simulate)
    assert run(*simulate, cwd=cwd).returncode == 0
    rows = (cwd / "r/rows.jsonl").read_text()
    shutil.rmtree(cwd / "r")
    stopped = 0
    for n in range(1, writes + 1):
        s = (signal.SIGINT, signal.SIGTERM)[n % 2]
        done = run(*simulate, cwd=cwd, env=faulty(f"kill:{n}:{int(s)}"))
        there = (cwd / "r/rows.jsonl").read_text() if (cwd / "r/rows.jsonl").exists() else ""
        assert done.returncode == (0 if there == rows else 130), (n, s, done.returncode, done.stderr)
        assert done.stderr == "" and rows.startswith(there), (n, done.stderr, there)
        stopped += done.returncode == 130 and there != ""
        done = run("sim", "--resume", "--out", "r", "--quiet", cwd=cwd)
        assert done.returncode == 0, (n, done.stderr)
        assert (cwd / "r/rows.jsonl").read_text() == rows, n
        shutil.rmtree(cwd / "r")
    assert stopped > 0, "none was stopped half-way"


def pictures_on_a_full_disk_are_whole_or_not_there(cwd):
    both = [a.replace("atomic", "plain,atomic") for a in SMALL]
    assert run(*both, cwd=cwd).returncode == 0
    draw = [python_that_draws(), f"{source}/scripts/plot.py", "r", "--only", "cost"]
    assert subprocess.run(draw, cwd=cwd, capture_output=True, timeout=60).returncode == 0
    pictures = {p.name: p.read_bytes() for p in (cwd / "r/plots").iterdir()}
    smaller, larger = sorted(map(len, pictures.values()))
    for most, left in ((smaller // 2, 0), ((smaller + larger) // 2, None)):  # matplotlib's own small files may be written
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        for there in (True, False):
            if not there:
                shutil.rmtree(cwd / "r/plots")
            done = subprocess.run(draw, cwd=cwd, capture_output=True, text=True, timeout=60, preexec_fn=limited)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
            assert done.stderr.startswith("plot.py: r/plots/cost") and "File too large" in done.stderr, done.stderr
            found = {p.name: p.read_bytes() for p in (cwd / "r/plots").iterdir()}
            assert all(pictures[name] == text for name, text in found.items()), list(found)
            assert len(found) == len(pictures) if there else left in (None, len(found)), list(found)
        (cwd / "r/plots").mkdir(exist_ok=True)
        for name, text in pictures.items():
            (cwd / "r/plots" / name).write_bytes(text)


def what_was_printed_has_arrived_or_it_is_said(cwd):
    for arguments in (["list"], ["describe", "atomic"], ["--help"], ["--version"], [*SMALL[:-1], "--plan"], SMALL[:-1]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([tally, *arguments], cwd=cwd, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 3, (arguments, done.returncode, done.stderr)
        assert done.stderr.strip().splitlines()[-1].startswith("tally: ") and done.stderr.count("tally: ") == 1, done.stderr
    assert len(whole_lines(cwd / "r")) == WINDOWS, "the measuring is no worse for it"
    shutil.rmtree(cwd / "r")
    with open("/dev/full", "w") as full:  # progress that nobody can read is no reason to stop
        done = subprocess.run([tally, *SMALL[:-1]], cwd=cwd, stdout=subprocess.PIPE, stderr=full, timeout=60)
        assert done.returncode == 0, done.returncode
        assert subprocess.run([tally, "rnu"], cwd=cwd, stderr=full, timeout=60).returncode == 64


def children_of(pid):
    try:
        return [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def gone(pid):
    """Ended, if not yet waited for by whoever inherited it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def a_signal_before_any_write_costs_the_window_in_flight_at_most(cwd):
    writes, _ = points(cwd, SMALL)
    for n in range(1, writes + 1):
        s = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)[n % 3]
        done = run(*SMALL, cwd=cwd, env=faulty(f"kill:{n}:{int(s)}"))
        # The last window may be complete when the signal comes.
        late = len(whole_lines(cwd / "r")) == WINDOWS
        assert done.returncode in ((-9,) if s == signal.SIGKILL else (0, 130) if late else (130,)), (n, s, done.returncode, done.stderr)
        assert done.stderr == "", done.stderr
        completed(cwd, whole_lines(cwd / "r"))


def estimates_are_of_all_rows_that_are_there_or_there_are_none(cwd):
    writes, _ = points(cwd, SMALL)
    grown = 0
    for n in range(1, writes + 1):
        assert run(*SMALL, cwd=cwd, env=faulty(f"kill:{writes // 2}:{int(signal.SIGINT)}")).returncode == 130
        before, file = len(whole_lines(cwd / "r")), cwd / "r/estimates.jsonl"
        assert 0 < before < WINDOWS and file.exists(), before
        done = run("run", "--resume", "--out", "r", "--quiet", cwd=cwd, env=faulty(f"kill:{n}:{int(signal.SIGKILL)}"))
        windows = collections.Counter(r["row"] for r in whole_lines(cwd / "r"))
        for line in map(json.loads, file.read_text().splitlines() if file.exists() else []):
            assert line["windows"] == windows[line["row"]], (n, line["windows"], windows)
        grown += done.returncode == -9 and sum(windows.values()) > before
        completed(cwd, whole_lines(cwd / "r"))
        if done.returncode == 0:
            break  # it has no such write
    assert grown > 0, "none was killed between its first row and its estimates"


def a_signal_to_the_whole_group_is_an_interrupt_and_no_error(cwd):
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        process = subprocess.Popen([tally, *SMALL, "--duration", "100ms"], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, start_new_session=True)
        while not whole_lines(cwd / "r"):
            time.sleep(0.01)
        time.sleep(draws.random() * 0.2)
        workers = children_of(process.pid)
        os.killpg(process.pid, s)
        _, said = process.communicate(timeout=60)
        before = whole_lines(cwd / "r")
        assert process.returncode == (-9 if s == signal.SIGKILL else 130) or len(before) == WINDOWS, (s, process.returncode, said)
        assert all(r["status"] == "ok" for r in before), before
        deadline = time.time() + 30
        while not all(gone(w) for w in workers) and time.time() < deadline:
            time.sleep(0.01)
        assert all(gone(w) for w in workers), "a worker outlived its run"
        done = run("run", "--resume", "--out", "r", "--quiet", cwd=cwd)
        assert done.returncode == 0, done.stderr
        rows = whole_lines(cwd / "r")
        assert rows[:len(before)] == before and len(rows) == WINDOWS
        shutil.rmtree(cwd / "r")


def time_in_which_all_are_stopped_is_nobodys_lateness(cwd):
    process = subprocess.Popen([tally, *SMALL, "--timeout", PATIENCE], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    while not whole_lines(cwd / "r"):
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(int(PATIENCE) + 3)
    os.killpg(process.pid, signal.SIGCONT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and len(whole_lines(cwd / "r")) == WINDOWS, said


def a_worker_that_dies_in_any_way_costs_its_window(cwd):
    # Every second window of a worker: its second change of a file.
    for s in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGBUS, signal.SIGFPE, signal.SIGSTOP):
        done = run(*SMALL, "--timeout", PATIENCE, cwd=cwd, env=faulty(f"kill:2:{int(s)}", worker=True))
        assert done.returncode == 3, (s, done.returncode, done.stderr)
        rows = whole_lines(cwd / "r")
        assert [r["status"] for r in rows] == ["ok", "error"] * (WINDOWS // 2), (s, rows)
        for r in rows[1::2]:
            assert (s.name if s != signal.SIGSTOP else "no result after") in r["reason"], r["reason"]
        shutil.rmtree(cwd / "r")


def spread(most, count):
    """The first ones, and others drawn between them and the last."""
    return sorted({*range(1, 9), *(draws.randrange(9, most) for _ in range(count)), most})


def memory_that_ends_anywhere_ends_the_run_in_a_sentence(cwd):
    _, allocations = points(cwd, SMALL)
    kept = 0
    for n in spread(allocations, POINTS):
        done = run(*SMALL, cwd=cwd, env=faulty(f"alloc:{n}"))
        if done.returncode == 127 or "loading shared libraries" in done.stderr:
            continue  # before there was a program
        assert done.returncode in (0, 3), (n, done.returncode, done.stderr)
        if done.returncode == 3:
            one_line(done.stderr, "out of memory", "Cannot allocate memory", "std::bad_alloc")
        kept += len(whole_lines(cwd / "r"))
        completed(cwd, whole_lines(cwd / "r"))
    assert kept > 0
    print(f"        {allocations} allocations", flush=True)


def memory_that_ends_in_a_worker_is_an_error_row(cwd):
    _, allocations = points(cwd, SMALL, worker=True)
    errors = 0
    for n in spread(allocations, POINTS):
        done = run(*SMALL, cwd=cwd, env=faulty(f"alloc:{n}", worker=True))
        rows = whole_lines(cwd / "r")
        failed = [r for r in rows if r["status"] == "error"]
        assert done.returncode == (3 if failed else 0) and len(rows) == WINDOWS, (n, done.returncode, done.stderr)
        for r in failed:
            said = r["reason"]
            assert any(w in said for w in ("out of memory", "Cannot allocate", "Resource temporarily")), (n, said)
            assert "terminate" not in said and "\n" not in said, (n, said)
        errors += len(failed)
        shutil.rmtree(cwd / "r")
    assert errors > 0
    print(f"        {allocations} allocations, {errors} error rows", flush=True)


run_tests(dict(globals()), sys.argv[4:], "tally-fault-")
