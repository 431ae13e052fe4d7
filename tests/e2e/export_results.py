#!/usr/bin/env python3
"""`tally export`: what other tools are given is what was measured, and in their formats.

  export_results.py TALLY SOURCE_DIR [TEST...]
  export_results.py TALLY SOURCE_DIR --update      writes tests/golden/export.* anew
"""
import collections
import csv
import difflib
import importlib.util
import io
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from run_tests import run_tests

tally = str(pathlib.Path(sys.argv[1]).resolve())
FORMATS = ("csv", "parquet", "latex", "gbench", "pyperf")
GOLDEN = pathlib.Path(sys.argv[2]).resolve() / "tests/golden"
UPDATE = "--update" in sys.argv


def run(*arguments, cwd, expect=0, **environment):
    done = subprocess.run([tally, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "TALLY_PYTHON": sys.executable, **environment})
    assert done.returncode == expect, f"exit {done.returncode}, not {expect}: {done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def made(cwd, name="r", processes=5):
    """All kinds of rows, with what formats must quote in names."""
    records = made_up.scene({"atomic": 38.0, "biased:merge=detached,heap=block": 27.0}, 'trace file=50%_of "a",b', 2, processes=processes,
                            parameters={"file": '50%_of "a",b\nc'})
    records += made_up.scene({"atomic": 38.0, "plain": 0.00009}, "copy_drop", processes=processes, counters=[("cycles.ipc", None)])
    records += made_up.scene({"atomic": 3000.0}, "server", mode="latency", processes=processes)
    records += made_up.scene({"atomic": 40.0}, "tree_churn", mode="memory", processes=processes)
    records += made_up.row("mark_sweep", "tree_churn", heap=1.5, processes=processes)
    records += made_up.failed("gil", "copy_drop") + [made_up.skipped("plain", "server")]
    made_up.write(cwd / name, records, {"schema": 1, "started": "2026-01-02T03:04:05Z"})
    return records


def a_table_has_every_record_and_every_axis(cwd):
    records = made(cwd)
    out, err = run("export", "r", "--csv", cwd=cwd)
    assert err == ""
    table = list(csv.DictReader(io.StringIO(out)))
    assert len(table) == len(records)
    for line, record in zip(table, records):
        assert line["row"] == record["row"] and line["status"] == record["status"]
        if record["status"] != "ok":
            continue
        config = record["config"]
        assert (line["strategy"], line["strategy_label"]) == (config["strategy"]["name"], config["strategy"]["label"])
        assert (line["threads"], line["mode"], line["seed"]) == (str(config["threads"]), config["mode"], str(record["seed"]))
        assert line["parameter.file"] == config["workload"]["parameters"].get("file", ""), line
        for name, metric in record["metrics"].items():
            assert line[name] == "" if metric["value"] is None else float(line[name]) == metric["value"], name
    run("export", "r", "--csv", "--out", "t.csv", cwd=cwd)
    assert (cwd / "t.csv").read_text() == out and not (cwd / "t.csv.new").exists()
    if importlib.util.find_spec("pandas"):
        import pandas
        frame = pandas.read_csv(cwd / "t.csv")
        assert len(frame) == len(records) and frame.ns_per_op.dtype == float and frame["parameter.file"][0] == '50%_of "a",b\nc'
        by_row = frame[frame.status == "ok"].groupby("row").ns_per_op.median()
        of = [r["metrics"]["ns_per_op"]["value"] for r in records if r["row"] == "plain|copy_drop|1|throughput"]
        assert by_row["plain|copy_drop|1|throughput"] == statistics.median(of)


def parquet_is_the_same_table_or_says_what_is_missing(cwd):
    made(cwd)
    if importlib.util.find_spec("pyarrow") and importlib.util.find_spec("pandas"):
        import pandas
        run("export", "r", "--parquet", "--out", "t.parquet", cwd=cwd)
        assert list(pandas.read_parquet(cwd / "t.parquet").row) == [r["row"] for r in csv.DictReader(io.StringIO(run("export", "r", "--csv", cwd=cwd)[0]))]
        return
    out, err = run("export", "r", "--parquet", "--out", "t.parquet", cwd=cwd, expect=3)
    assert out == "" and err.count("\n") == 1 and re.search(r"has no (pandas|pyarrow): install pandas and pyarrow", err), err
    assert not (cwd / "t.parquet").exists()


def a_paper_s_table_has_values_with_intervals_and_is_escaped(cwd):
    run("run", "--strategy", "atomic,plain", "--workload", "copy_drop", "--set", "sharing=private", "--threads", "1", "--processes", "5",
        "--repeat", "1", "--duration", "5ms", "--quiet", "--out", "real", cwd=cwd)
    out, err = run("export", "real", "--latex", cwd=cwd)
    assert err == ""
    written = {e["row"]: e for e in map(json.loads, (cwd / "real/estimates.jsonl").read_text().splitlines()) if e["metric"] == "ns_per_op"}
    plain = re.search(r"^plain & ns per operation & ([\d.]+) \[([\d.]+), ([\d.]+)\] & ([\d.]+) \[([\d.]+), ([\d.]+)\] \\\\$", out, re.M)
    assert plain, out
    e = written["plain|copy_drop|1|throughput"]
    expected = [e["value"], e["low"], e["high"], 1 / e["ratio"]["value"], 1 / e["ratio"]["high"], 1 / e["ratio"]["low"]]
    assert all(math.isclose(float(a), b, rel_tol=1e-3) for a, b in zip(plain.groups(), expected)), (plain.groups(), expected)
    assert r"copy\_drop" in out and "95 \\% intervals" in out and out.count("&") % 3 == 0
    made(cwd, "few", processes=2)
    out, _ = run("export", "few", "--latex", cwd=cwd)
    body = "".join(line for line in out.splitlines(True) if not line.startswith("%"))
    assert r"50\%\_of ''a''" in body and "[" not in body, body
    assert "too few processes for an interval" in out and r"$9" in body and r"\times 10^{-5}$" in body, body
    for macro in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert macro in body
    assert body.count("{") == body.count("}") and all(line.endswith(r"\\") for line in body.splitlines() if "&" in line)
    assert not re.search(r"(?<!\\)[%#_$](?![^$]*\$)", re.sub(r"\$[^$]*\$", "", body)), body


def google_benchmark_s_tools_find_what_they_read(cwd):
    records = made(cwd)
    found = json.loads(run("export", "r", "--gbench", cwd=cwd)[0])
    context = found["context"]
    assert context["json_schema_version"] == 1 and context["date"] == "2026-01-02T03:04:05Z" and context["num_cpus"] == 2
    assert {"executable", "mhz_per_cpu", "cpu_scaling_enabled", "caches", "load_avg", "library_build_type"} <= set(context) and "host_name" not in context
    by_name = collections.defaultdict(list)
    for b in found["benchmarks"]:
        assert b["time_unit"] == "ns" and isinstance(b["real_time"], float) and isinstance(b["cpu_time"], float), b
        by_name[b["run_name"]].append(b)
    rows = {(r["row"]) for r in records if r["status"] == "ok" and r["role"] != "aa"}
    assert len(by_name) == len(rows), (by_name.keys(), rows)
    for family, (name, all_of_it) in enumerate(by_name.items()):
        repeated = [b for b in all_of_it if b["run_type"] == "iteration"]
        aggregates = {b["aggregate_name"]: b for b in all_of_it if b["run_type"] == "aggregate"}
        assert [b["repetition_index"] for b in repeated] == list(range(15)) and all(b["repetitions"] == 15 for b in all_of_it)
        assert all(b["name"] == name and b["iterations"] > 0 and b["family_index"] == family for b in repeated)
        assert set(aggregates) == {"mean", "median", "stddev", "cv"}
        times = [b["real_time"] for b in repeated]
        assert aggregates["median"]["name"] == f"{name}_median" and aggregates["median"]["real_time"] == statistics.median(times)
        assert math.isclose(aggregates["cv"]["real_time"], statistics.stdev(times) / statistics.fmean(times))
    plain = [r["metrics"] for r in records if r["row"] == "plain|copy_drop|1|throughput"]
    exported = [b for b in by_name["copy_drop/plain/threads:1"] if b["run_type"] == "iteration"]
    assert [b["real_time"] for b in exported] == [m["ns_per_op"]["value"] for m in plain]
    assert [b["cpu_time"] for b in exported] == [m["cpu_ns_per_op"]["value"] for m in plain]
    assert exported[0]["rss_bytes"] == 2.0**24 and "cycles.ipc" not in exported[0]
    assert "server/atomic/threads:1/latency" in by_name and "tree_churn/mark_sweep@1.5x/threads:1" in by_name


def pyperf_s_commands_find_what_they_read(cwd):
    records = made(cwd)
    text, _ = run("export", "r", "--pyperf", cwd=cwd)
    found = json.loads(text)
    assert found["version"] == "1.0" and found["metadata"]["unit"] == "second"
    by_name = {b["metadata"]["name"]: b for b in found["benchmarks"]}
    assert len(by_name) == len(found["benchmarks"])
    plain = by_name["copy_drop/plain/threads:1"]["runs"]
    assert len(plain) == 5 and all(len(r["values"]) == 3 and r["metadata"]["loops"] == 1000 for r in plain)
    expected = [r["metrics"]["ns_per_op"]["value"] * 1e-9 for r in records if r["row"] == "plain|copy_drop|1|throughput"]
    assert [v for r in plain for v in r["values"]] == expected
    for of in (found, *found["benchmarks"], *(r for b in found["benchmarks"] for r in b["runs"])):
        assert all(isinstance(v, (int, float, str)) and v != "" for v in of["metadata"].values()), of["metadata"]
    if importlib.util.find_spec("pyperf"):
        (cwd / "t.json").write_text(text)
        done = subprocess.run([sys.executable, "-m", "pyperf", "stats", "t.json"], cwd=cwd, capture_output=True, text=True)
        assert done.returncode == 0 and "Total number of values: 15" in done.stdout, done


def every_format_is_word_for_word_what_it_was(cwd):
    # All windows of a row are alike: what is computed of them has the same digits under every version of Python.
    records = made_up.scene({"atomic": 38.0, "plain": 9.5}, "copy_drop", blocks=1, wander=0) + [made_up.skipped("plain", "server")]
    records += made_up.row("atomic", "server", 2, blocks=1, mode="latency", ns=64.0, wander=0)
    made_up.estimated(cwd / "r", records, {"schema": 1, "started": "2026-01-02T03:04:05Z"}, half=0.125)
    for name in FORMATS:
        if name == "parquet":
            continue  # bytes of a library that may change them
        out, file = run("export", "r", f"--{name}", cwd=cwd)[0], GOLDEN / f"export.{name}"
        if UPDATE:
            file.write_text(out)
        expected = file.read_text()
        assert out == expected, "".join(difflib.unified_diff(expected.splitlines(True), out.splitlines(True), file.name, "now"))


def machines_and_builds_of_a_merge_are_told_apart(cwd):
    for name, machine in (("a", "a" * 32), ("b", "b" * 32)):
        records = made_up.scene({"atomic": 38.0, "plain": 9.0}, "copy_drop")
        for r in records:
            r["machine"]["machine_id"] = machine
        made_up.write(cwd / name, records, {"schema": 1, "started": name})
    run("merge", "a", "b", "--out", "m", "--quiet", cwd=cwd)
    names = {b["run_name"] for b in json.loads(run("export", "m", "--gbench", cwd=cwd)[0])["benchmarks"]}
    assert len(names) == 4 and all(re.match(r"copy_drop/\w+ \[0@(aaaa|bbbb)-\w{4}\]/threads:1$", n) for n in names), names
    assert len(json.loads(run("export", "m", "--pyperf", cwd=cwd)[0])["benchmarks"]) == 4
    assert len({line["origin"] for line in csv.DictReader(io.StringIO(run("export", "m", "--csv", cwd=cwd)[0]))}) == 2
    assert run("export", "m", "--latex", cwd=cwd)[0].count(r"\midrule") == 2


def what_can_not_be_exported_says_why(cwd):
    made(cwd)
    assert "export: name one of --csv, --parquet, --latex, --gbench, --pyperf" in run("export", "r", cwd=cwd, expect=64)[1]
    run("export", "r", "--csv", "--latex", cwd=cwd, expect=64)
    assert "no rows.jsonl there" in run("export", "nowhere", "--csv", cwd=cwd, expect=64)[1]
    _, err = run("export", "r", "--csv", "--out", "no/such/file", cwd=cwd, expect=3)
    assert err.count("\n") == 1 and "No such file or directory" in err, err
    assert "no_python_here" in run("export", "r", "--csv", cwd=cwd, expect=3, TALLY_PYTHON="no_python_here")[1]
    path = cwd / "r/rows.jsonl"
    path.write_text("damaged\n" + path.read_text())
    out, err = run("export", "r", "--csv", cwd=cwd, expect=3)
    assert "line 1 is not JSON: left out" in err and out.count("\n") > 100


run_tests(dict(globals()), ["every_format_is_word_for_word_what_it_was"] if UPDATE else sys.argv[3:], "tally-export-")
