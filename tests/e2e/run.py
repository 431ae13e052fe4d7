#!/usr/bin/env python3
"""Real runs, end to end: small ones, killed ones, resumed ones, damaged ones; every record against the schema.

run.py TALLY SOURCE_DIR [TEST...]
"""
import collections
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests
from tally_program import Schema, runner

tally = str(pathlib.Path(sys.argv[1]).resolve())
source = pathlib.Path(sys.argv[2]).resolve()
schema = Schema(source)
run, records = runner(tally), schema.records

SMALL = ["run", "--strategy", "plain,atomic", "--workload", "copy_drop", "--threads", "1,2", "--duration", "10ms",
         "--processes", "2", "--repeat", "2", "--seed", "7"]
# 5 rows (plain on one thread, atomic and its second measurement on one and on two) x 2 processes x 2 blocks, and a skipped one
WINDOWS, SKIPPED = 20, 1


def estimates(directory):
    """By row and metric; they are of the rows that are there, and of nothing else."""
    lines = schema.estimates(directory)
    measured = {(r["row"], m) for r in records(directory) for m in r.get("metrics", {})}
    found = {(e["row"], e["metric"]): e for e in lines}
    assert len(found) == len(lines) and set(found) <= measured, set(found) - measured
    return found


def windows(rows):
    return [(r["row"], r["process"], r["block"]) for r in rows if r["status"] != "skipped"]


def complete(directory):
    rows = records(directory)
    counts = collections.Counter(windows(rows))
    assert len(counts) == WINDOWS, f"{len(counts)} windows"
    assert set(counts.values()) == {1}, "a window was measured twice"
    assert sum(r["status"] == "skipped" for r in rows) == SKIPPED
    assert all(r["status"] in ("ok", "skipped") for r in rows), [r for r in rows if r["status"] == "error"]
    return rows


def a_run_writes_every_window_once_and_points_latest_to_it(cwd):
    out, _ = run(*SMALL, cwd=cwd)
    latest = cwd / "results/latest"
    assert latest.is_symlink() and not os.path.isabs(os.readlink(latest))
    rows = complete(latest)
    config = json.loads((latest / "config.json").read_text())
    assert config["request"]["seed"] == 7 and config["smoke"] and (latest / "plots").is_dir()
    assert "not citable" in out, out
    assert any(w in out for w in ("times as fast as atomic", "nothing beats atomic", "no verdict: atomic is doubtful")), out
    assert "[" not in out.split("Results:")[1].split("Rows:")[0], "an interval was printed for a smoke run"
    fast = estimates(latest)["plain|copy_drop|1|throughput", "ns_per_op"]
    assert fast["windows"] == 4 and fast["processes"] == 2 and fast["low"] is None, fast
    assert fast["ratio"]["to"] == "atomic|copy_drop|1|throughput" and f"{fast['ratio']['value']:.2f}x" in out, (fast, out)
    text = (latest / "rows.jsonl").read_text()
    for secret in (os.uname().nodename, str(cwd), str(source)):
        assert len(secret) < 4 or secret not in text, f"{secret} is in the results"
    assert {r["role"] for r in rows if r["status"] == "ok"} == {"measured", "baseline", "aa"}


def shells_complete_every_flag_and_name(cwd):
    script, _ = run("completion", "bash", cwd=cwd)
    (cwd / "completion").write_text(script)

    def completed(*words):
        typed = " ".join(f"'{w}'" for w in words)
        done = subprocess.run(["bash", "-c", f"source ./completion; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _tally; "
                               'echo "${COMPREPLY[@]}"'], cwd=cwd, capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return set(done.stdout.split())

    for subcommand in ("run", "list", "sim", "trace", "doctor"):
        flags = set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", run(subcommand, "--help", cwd=cwd)[0], re.M))
        assert flags and flags <= completed("tally", subcommand, ""), (subcommand, flags)
    assert completed("tally", "run", "--str") == {"--strategy"}
    assert completed("tally", "micro", "--h") == {"--help"}  # the rest is the library's
    assert completed("tally", "run", "--strategy", "ato") == {"atomic"}
    assert completed("tally", "run", "--workload", "copy") == {"copy_drop"}
    assert completed("tally", "descr") == {"describe"} and "worker" not in completed("tally", "")
    zsh, _ = run("completion", "zsh", cwd=cwd)
    assert zsh.startswith("#compdef tally") and "--strategy" in zsh
    assert "bash" in run("completion", "fish", cwd=cwd, expect=64)[1]


def latency_and_memory_rows_hold_what_the_schema_says(cwd):
    run("run", "--strategy", "atomic", "--workload", "tree_churn", "--threads", "1", "--mode", "latency,memory", "--duration",
        "20ms", "--processes", "1", "--repeat", "1", "--out", "r", cwd=cwd)
    rows = records(cwd / "r")
    latency = next(r for r in rows if r["config"]["mode"] == "latency")
    assert sum(b[2] for b in latency["latency"]["buckets"]) == latency["latency"]["total"] > 0
    q = [latency["metrics"][f"latency_{p}"]["value"] for p in ("p50", "p90", "p99", "p999", "max")]
    assert q == sorted(q)
    memory = next(r for r in rows if r["config"]["mode"] == "memory")
    samples, figures = memory["memory"]["samples"], {name: m["value"] for name, m in memory["metrics"].items()}
    assert figures["live_bytes_peak"] == max(s["bytes"] for s in samples) > 0
    assert figures["held_bytes_peak"] == max(s["held"] for s in samples) > 0
    for cause in samples[0]["causes"]:
        assert figures[f"held_{cause}_peak"] == max(s["causes"][cause] for s in samples), cause


def a_row_names_the_recording_and_the_library_that_it_measured(cwd):
    file = source / "workloads/traces/json_cycle.rct.zst"
    held = json.loads(run("trace", "info", "--json", str(file), cwd=cwd)[0])
    listed = json.loads(run("list", "strategies", "--json", cwd=cwd)[0])
    library = [s for s in ("bdwgc",) if s in json.dumps(listed)]
    run("run", "--strategy", ",".join(["atomic", *library]), "--workload", f"trace:file={file},copy_drop", "--threads", "1",
        "--duration", "20ms", "--processes", "1", "--repeat", "1", "--out", "r", cwd=cwd)
    ok = [r for r in records(cwd / "r") if r["status"] == "ok"]
    replayed = [r for r in ok if r["config"]["workload"]["name"] == "trace"]
    assert replayed and all(r["notes"]["recording_fnv1a"] == held["content_hash"] for r in replayed)
    settings = [r["notes"]["strategy_settings"] for r in ok if r["config"]["strategy"]["name"] in library]
    assert len(settings) >= len(library) and all("libgc" in s for s in settings), settings


def killed_in_the_middle_it_goes_on_and_every_window_is_there_once(cwd):
    command = [tally, *SMALL, "--duration", "50ms", "--out", "r"]
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = cwd / "r/rows.jsonl"
    deadline = time.time() + 60
    while time.time() < deadline and not (rows.exists() and rows.read_text().count("\n") > 5):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = records(cwd / "r")
    assert 5 < len(before) < WINDOWS, len(before)
    out, _ = run("run", "--resume", "--out", "r", cwd=cwd)
    assert complete(cwd / "r")[:len(before)] == before
    assert "are there already" in out
    run("run", "--resume", "--out", "r", cwd=cwd)  # nothing left to do is fine
    complete(cwd / "r")


def an_interrupt_says_how_to_go_on(cwd):
    process = subprocess.Popen([tally, *SMALL, "--duration", "100ms"], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    rows = cwd / "results/latest/rows.jsonl"
    deadline = time.time() + 60
    while time.time() < deadline and not (rows.exists() and rows.read_text().count("\n") > 3):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, process.returncode
    assert "tally run --resume --out results/" in out, out
    run("run", "--resume", cwd=cwd)  # the latest
    complete(cwd / "results/latest")


def a_damaged_last_line_is_set_aside_and_measured_again(cwd):
    run(*SMALL, "--out", "r", cwd=cwd)
    rows = cwd / "r/rows.jsonl"
    whole = rows.read_bytes()
    rows.write_bytes(whole[:-50])
    _, err = run("run", "--resume", "--out", "r", cwd=cwd)
    assert "set aside in rows.damaged" in err, err
    complete(cwd / "r")
    assert (cwd / "r/rows.damaged").read_bytes().rstrip(b"\n") == whole[:-50].splitlines()[-1]


def a_row_does_not_depend_on_the_shell_s_stack_limit(cwd):
    tight = lambda: resource.setrlimit(resource.RLIMIT_STACK, (64 << 10, resource.getrlimit(resource.RLIMIT_STACK)[1]))
    run("run", "--strategy", "shared_ptr", "--workload", "chain", "--set", "length=100000", "--threads", "1", "--processes", "1", "--repeat",
        "1", "--duration", "20ms", "--out", "r", cwd=cwd, preexec_fn=tight)
    assert {r["status"] for r in records(cwd / "r")} <= {"ok", "exhausted"}


def a_run_that_goes_on_keeps_others_out_and_misses_its_file(cwd):
    going = subprocess.Popen([tally, "run", "--strategy", "atomic", "--workload", "copy_drop", "--threads", "1", "--processes", "1",
                              "--repeat", "200", "--duration", "50ms", "--out", "r", "--quiet"], cwd=cwd,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    rows = cwd / "r/rows.jsonl"
    while not (rows.exists() and rows.stat().st_size):
        assert going.poll() is None, going.stderr.read()
        time.sleep(0.01)
    _, err = run("run", "--resume", "--out", "r", cwd=cwd, expect=64)
    assert f"rows.jsonl: another tally is writing to it (process {going.pid})" in err, err
    rows.unlink()
    _, err = going.communicate(timeout=60)
    assert going.returncode == 3 and "it was removed while results were written" in err, (going.returncode, err)


def from_makes_the_same_run_again(cwd):
    run(*SMALL, "--out", "one", cwd=cwd)
    run("run", "--from", "one", "--out", "two", cwd=cwd)
    order = lambda d: [(r["row"], r["process"], r["block"], r["seed"], r["stack_offset"]) for r in complete(cwd / d) if r["status"] == "ok"]
    assert order("one") == order("two") and len({r[1:] for r in order("one")}) == 4 and len({r[4] for r in order("one")}) > 1
    configs = [json.loads((cwd / d / "config.json").read_text()) for d in ("one", "two")]
    assert configs[0]["request"] == configs[1]["request"]


def resume_refuses_other_flags_binaries_machines_and_schemas(cwd):
    run(*SMALL, "--out", "r", cwd=cwd)
    _, err = run("run", "--resume", "--out", "r", "--threads", "1", cwd=cwd, expect=64)
    assert "--threads 1 (it was 1,2)" in err, err
    _, err = run(*SMALL, "--out", "r", cwd=cwd, expect=64)
    assert "--out r: there is a run already" in err, err
    config = json.loads((cwd / "r/config.json").read_text())

    def changed(**fields):
        (cwd / "r/config.json").write_text(json.dumps({**config, **fields}))
        return run("run", "--resume", "--out", "r", cwd=cwd, expect=64)[1]

    assert "another binary" in changed(binary={**config["binary"], "executable": "0" * 16})
    assert "another machine" in changed(machine="0" * 32)
    assert "schema 9" in changed(schema=9)
    (cwd / "r/config.json").write_text(json.dumps(config))
    rows = cwd / "r/rows.jsonl"
    kept = rows.read_text()
    rows.write_text(kept.replace('"schema":1', '"schema":9', 1))
    assert "schema 9" in run("run", "--resume", "--out", "r", cwd=cwd, expect=64)[1]
    assert rows.read_text().count("\n") == kept.count("\n"), "a refused file was touched"


def a_worker_that_dies_costs_its_window_only(cwd):
    """Killed by hand, as a strategy that crashes would be."""
    process = subprocess.Popen([tally, *SMALL, "--duration", "300ms", "--out", "r"], cwd=cwd, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    rows = cwd / "r/rows.jsonl"
    while not (rows.exists() and rows.read_text().count("\n") > 2):
        time.sleep(0.01)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1, children
    os.kill(int(children[0]), signal.SIGSEGV)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 3, (process.returncode, out, err)
    found = records(cwd / "r")
    errors = [r for r in found if r["status"] == "error"]
    assert len(errors) == 1 and "SIGSEGV" in errors[0]["reason"], errors
    assert len(windows(found)) == len(set(windows(found))) == WINDOWS


def a_full_disk_keeps_what_was_written(cwd):
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    _, err = run(*SMALL, "--out", "r", cwd=cwd, expect=3, preexec_fn=limited)
    assert "rows.jsonl: File too large" in err and "tally run --resume --out r goes on" in err, err
    assert 0 < len(records(cwd / "r")) < WINDOWS
    run("run", "--resume", "--out", "r", cwd=cwd)
    complete(cwd / "r")


def another_allocator_is_recorded_or_refused_in_a_sentence(cwd):
    done = subprocess.run([tally, "run", "--strategy", "atomic", "--workload", "tree_churn", "--threads", "1",
                           "--duration", "10ms", "--processes", "1", "--repeat", "1", "--allocator", "mimalloc", "--out", "r"], cwd=cwd,
                          capture_output=True, text=True, timeout=60)
    if done.returncode == 64:
        assert done.stderr.count("\n") == 1 and "libmimalloc.so.2 is not installed" in done.stderr, done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert {r["config"]["allocator"] for r in records(cwd / "r")} == {"mimalloc"}


def allocators_are_rows_of_one_scene(cwd):
    small = ["--strategy", "none,atomic,deferred", "--workload", "tree_churn", "--threads", "1", "--duration", "20ms",
             "--processes", "2", "--repeat", "1", "--seed", "5"]
    done = subprocess.run([tally, "run", *small, "--allocator", "system,mimalloc", "--out", "r"], cwd=cwd, capture_output=True,
                          text=True, timeout=60)
    if done.returncode == 64:
        assert done.stderr.count("\n") == 1 and "libmimalloc.so.2 is not installed" in done.stderr, done.stderr
        _, err = run("run", *small, "--allocator", "system,mimalloc", "--plan", cwd=cwd, expect=64)
        assert "libmimalloc.so.2 is not installed" in err, err
        return
    assert done.returncode == 0, done.stderr
    rows = records(cwd / "r")
    measured = [r for r in rows if r["status"] in ("ok", "exhausted")]
    assert {r["scene"] for r in measured} == {"tree_churn|1|throughput"}
    labels = {(r["row"].split("|")[0], r["config"]["allocator"], r["role"]) for r in measured}
    assert labels == {("none", "system", "measured"), ("atomic", "system", "baseline"), ("atomic", "system", "aa"),
                      ("atomic+mimalloc", "mimalloc", "measured"), ("deferred", "system", "measured")}, labels
    skipped = {(r["row"].split("|")[0], r["skipped"]["allocator"]) for r in rows if r["status"] == "skipped"}
    assert skipped == {("none+mimalloc", "mimalloc"), ("deferred+mimalloc", "mimalloc")}, skipped
    assert "atomic+mimalloc" in done.stdout and "not malloc's" in done.stdout, done.stdout
    run("run", "--resume", "--out", "r", "--allocator", "system,mimalloc", cwd=cwd)
    assert records(cwd / "r") == rows, "a finished run was resumed, and something was measured"
    _, err = run("run", "--resume", "--out", "r", "--allocator", "system", cwd=cwd, expect=64)
    assert "--allocator system (it was system,mimalloc)" in err, err
    run("run", "--from", "r", "--out", "again", cwd=cwd)
    assert {r["row"] for r in records(cwd / "again")} == {r["row"] for r in rows}
    (cwd / "list.toml").write_text('allocator=["system","mimalloc"]\n')
    run("run", *small, "--config", "list.toml", "--out", "listed", cwd=cwd)
    assert {r["row"] for r in records(cwd / "listed")} == {r["row"] for r in rows}


def flags_can_come_from_a_file(cwd):
    (cwd / "flags.toml").write_text('strategy="atomic"\nworkload=copy_drop\nthreads=1,2  # both\nprocesses=1\nrepeat=1\n'
                                    'duration="10ms"\nset=["sharing=private,shared"]\n')
    run("run", "--config", "flags.toml", "--out", "r", cwd=cwd)
    measured = {(r["config"]["threads"], r["config"]["workload"]["parameters"]["sharing"], r["config"]["window_ns"])
                for r in records(cwd / "r")}
    assert measured == {(t, s, 10_000_000) for t in (1, 2) for s in ("private", "shared")}, measured
    (cwd / "sim.toml").write_text("strategy=atomic:slot=lockbit,heap=block,plain\ncores=1,2\nops=50\nworkload=copy_drop\n")
    run("sim", "--config", "sim.toml", "--out", "s", "--quiet", cwd=cwd)
    rows = {(r["config"]["strategy"]["label"], r["config"]["threads"]) for r in records(cwd / "s") if r["status"] == "ok"}
    assert {("atomic:heap=block", 1), ("atomic:heap=block", 2), ("plain", 1)} <= rows, rows


def counters_are_measured_or_absent_with_a_reason(cwd):
    (cwd / "mine.group").write_text("summary mine\non any\nevent clock = software:task-clock ; test\n"
                                    "metric ns_per_op ns = clock / ops ; running time\n")
    out, _ = run("run", "--strategy", "atomic", "--workload", "copy_drop,task_graph", "--threads", "2", "--duration", "20ms",
                 "--processes", "1", "--repeat", "1", "--counters", "software,cycles,./mine.group", "--out", "r", cwd=cwd)
    for row in records(cwd / "r"):
        counted = {n: m for n, m in row["metrics"].items() if "." in n}
        assert len(counted) == 4 + 5 + 1, counted
        assert row["config"]["counters"] == ["software", "cycles", "mine.group"]
        for name, metric in counted.items():
            if row["config"]["workload"]["name"] == "task_graph":
                assert metric["class"] == "absent" and "task library" in metric["reason"], metric
            elif metric["class"] == "absent":
                reason = metric["reason"]  # the kernel's, or that of a busy machine
                assert metric["value"] is None and (": " in reason or "off its processor" in reason), metric
            else:
                assert metric["class"] == "measured" and metric["value"] >= 0, metric
        if counted["mine.ns_per_op"]["class"] == "measured":
            assert counted["mine.ns_per_op"]["value"] > 0
    assert "Counters per operation" in out and "absent: " in out, out
    _, err = run("run", "--counters", "softwear", "--workload", "copy_drop", cwd=cwd, expect=64)
    assert "did you mean software?" in err, err


def observed_rows_count_hand_offs_and_tell_no_time(cwd):
    out, _ = run("run", "--observe", "--strategy", "atomic,plain", "--workload", "copy_drop,tree_churn", "--set", "sharing=shared",
                 "--threads", "1,2", "--duration", "20ms", "--processes", "1", "--repeat", "2", "--out", "r", cwd=cwd)
    rows = records(cwd / "r")
    observed = [r for r in rows if r.get("role") == "observed"]
    assert {r["row"] for r in observed} == {"atomic|copy_drop sharing=shared|2|observed"}, {r["row"] for r in observed}
    for row in observed:
        metrics = row["metrics"]
        assert row["config"]["mode"] == "observed" and metrics["rmws_per_op"]["value"] == 2, metrics
        assert not {"ns_per_op", "ops_per_second", "latency_p50"} & set(metrics)
        fields = row["handoffs"]["fields"]
        assert [f["name"] for f in fields] == ["count"], fields
        assert fields[0]["handoffs"] <= fields[0]["known"] <= fields[0]["rmws"]
    reasons = {r["reason"] for r in rows if r["status"] == "skipped" and r["skipped"]["mode"] == "observed"}
    assert "hand-offs need two threads" in reasons and "not thread-safe" in reasons, reasons
    assert any("no observed build" in r for r in reasons), reasons
    assert "Observed line hand-offs" in out and "winner" not in out, out


def piped_progress_is_plain_and_quiet_is_quiet(cwd):
    _, err = run(*SMALL, "--out", "r", cwd=cwd)
    assert "\r" not in err and "\033" not in err and "windows" in err, err
    assert run(*SMALL, "--out", "q", "--quiet", cwd=cwd) == ("", "")


def the_library_s_collector_is_incremental_in_the_rows_that_say_so(cwd):
    if " bdwgc " not in f" {' '.join(run('list', 'strategies', cwd=cwd)[0].split())} ":
        return
    run("run", "--strategy", "bdwgc,bdwgc:pause_ms=5", "--baseline", "bdwgc", "--workload", "tree_churn", "--threads", "1", "--duration",
        "20ms", "--processes", "1", "--repeat", "1", "--out", "r", cwd=cwd)
    rows = [json.loads(line) for line in (cwd / "r" / "rows.jsonl").read_text().splitlines()]
    assert {r["status"] for r in rows} == {"ok"}, rows
    for r in rows:
        said = "incremental on, pauses of 5 ms" in json.dumps(r)
        assert said == ("pause_ms" in r["row"]), r


def quick_is_planned_for_a_minute(cwd):
    out, _ = run("run", "--suite", "quick", "--plan", "--pin", "none", cwd=cwd)
    predicted = out.strip().splitlines()[-1].split("at least ")[1]
    assert predicted.endswith(" s") and "min" not in predicted and float(predicted.split()[0]) <= 60, predicted
    assert out.startswith("trace"), out.splitlines()[0]


run_tests(dict(globals()), sys.argv[3:], "tally-e2e-")
