#!/usr/bin/env python3
"""What the plots and the table say: figures as the program wrote them, several directories, lines that can't be used, names and
types of columns.

  plotted_figures.py TALLY PLOT_SCRIPT [TEST...]
"""
import copy
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import SOURCE, TALLY, draw, interpreter, texts
from run_tests import run_tests
import tally_plots
from tally_plots import estimates, load, metrics, style
from tally_plots.plots import heldup, memory


def some_estimates():
    """Rows with all that can happen to them: lost windows, an error, a second measurement, no baseline."""
    records = made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop", wander=0.4)
    records += made_up.scene({"atomic": 50.0, "biased": 61.0, "gil": 70.0}, "handoff", 2, wander=0.2, processes=6, blocks=4)
    records += made_up.row("plain", "chain", processes=7, blocks=1)
    lost = [r for r in records if r["row"].startswith("gil|") and r["process"] == 1 or r["row"].startswith("biased|") and r["order"] == 0
            and (r["process"], r["block"]) == (2, 1)]
    return [r for r in records if r not in lost] + [made_up.window("gil", "handoff", 2, 1, 0, status="error")]


CONFIG = {"schema": 1, "smoke": False, "request": {"seed": 18000000000000000001}}


def estimates_are_drawn_as_they_were_written(cwd):
    made_up.write(cwd / "a", some_estimates(), CONFIG)
    computed = load.Results([cwd / "a"])
    gil = next(r for r in computed.ok if r["row"].startswith("gil|"))
    e = estimates.of(gil, "ns_per_op")
    assert e.computed and not e.interval and e.processes == 5
    # What is written is what is drawn: another figure in the file is another one in the picture.
    made_up.write(cwd / "b", some_estimates(), CONFIG)
    keys = computed.runs[0].windows
    base = next(k for k in keys if keys[k][0]["role"] == "baseline")
    lines = [{"schema": 1, "scene": keys[k][0]["scene"], "row": k, "metric": "ns_per_op", "processes": 5, "windows": 15, "value": 12345.0,
              "low": 12000.0, "high": 13000.0, "confidence": 0.95, "ratio": {"to": base, "value": 1.25, "low": 1.2, "high": 1.3},
              "noise": 0.01} for k in keys]
    (cwd / "b/estimates.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = load.Results([cwd / "b"])
    assert estimates.read(read.runs[0]) == []
    gil = next(r for r in read.ok if r["row"].startswith("gil|"))
    e, m = estimates.of(gil, "ns_per_op"), estimates.multiple(gil, keys[base][0] | {"_run": read.runs[0]}, "ns_per_op")
    assert (e.median, e.low, e.high, e.interval, e.computed) == (12345.0, 12000.0, 13000.0, True, False)
    assert [round(x, 4) for x in (m.median, m.low, m.high)] == [round(1 / x, 4) for x in (1.25, 1.3, 1.2)] and not m.computed
    assert estimates.of(gil, "cpu_ns_per_op").computed
    for name, says in (("a", True), ("b", False)):
        done = draw(cwd / name, "--only", "cost")
        assert done.returncode == 0 and done.stderr == "", done.stderr
        picture = texts(cwd / name / "plots/cost.svg")
        words = " ".join(re.sub(r"<[^>]*>", " ", picture).split())  # lines of a folded sentence
        assert ("no interval was written for some" in words) == says, words
        assert ("12\u2009300" in picture) == (not says), picture[:300]


def values_and_ratios_are_of_processes_first(cwd):
    assert estimates.quantile([10, 20], 0.3) == 13 and estimates.median([4, 1, 2, 3]) == 2.5
    assert estimates.centre([[1, 1, 100], [3, 3, 3]]) == 2
    drifting = estimates.ratio_of({(0, 0): 2, (0, 1): 8, (1, 0): 4, (1, 1): 16}, {(0, 0): 1, (0, 1): 4, (1, 0): 2, (1, 1): 8})
    assert abs(drifting["ratio"] - 2) < 1e-12 and all(abs(x - 2) < 1e-12 for x in drifting["spread"])
    assert estimates.ratio_of({(0, 0): 2.0}, {(1, 0): 1.0}) is None


def the_summary_and_the_estimates_say_the_same(cwd):
    done = subprocess.run([TALLY, "run", "--workload", "copy_drop", "--strategy", "plain,atomic", "--threads", "1", "--processes", "5",
                           "--repeat", "3", "--duration", "20ms", "--out", str(cwd / "r")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = load.Results([cwd / "r"])
    told = 0
    for row in {r["row"]: r for r in results.ok if r["role"] != "aa"}.values():
        e = estimates.of(row, "ns_per_op")
        assert e.interval and not e.computed
        assert f"{e.median:.4g} ns/op" in done.stdout, (e.median, done.stdout)
        # The baseline stands against itself, measured again.
        against = row["row"] + "|aa" if row["role"] == "baseline" else row["row"]
        line = estimates.written(row["_run"])[against, "ns_per_op"]["ratio"]
        words = f"{line['value']:.2f}x [{line['low']:.2f}, {line['high']:.2f}]"
        assert words in done.stdout, (words, done.stdout)
        # The same values computed here: nothing but the interval is the program's alone.
        computed = estimates.computed_figures(row["_run"], row["row"], "ns_per_op")
        assert abs(computed["value"] - e.median) < 1e-9 * e.median
        told += 1
    assert told == 2


def without_enough_processes_there_is_no_interval(cwd):
    results = load.Results([made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "plain": 20.0}, "copy_drop", processes=2))])
    e = estimates.of(results.ok[0], "ns_per_op")
    values = [r["metrics"]["ns_per_op"]["value"] for r in results.ok if r["row"] == results.ok[0]["row"]]
    assert not e.interval and (e.low, e.high) == (min(values), max(values))
    assert "smoke, not citable" in estimates.note([e])


def directories_are_not_pooled(cwd):
    for name, ns in (("x", 100.0), ("y", 200.0)):
        made_up.write(cwd / name, made_up.scene({"atomic": ns, "plain": ns / 2}, "copy_drop"))
    results = load.Results([cwd / "x", cwd / "y", cwd / "x"])
    assert len(results.runs) == 2 and sorted({load.labelled(r) for r in results.ok}) == [
        "atomic [x]", "atomic [y]", "plain [x]", "plain [y]"]
    medians = {load.labelled(r): estimates.of(r, "ns_per_op").median for r in results.ok}
    assert abs(medians["atomic [y]"] / medians["atomic [x]"] - 2) < 0.01, medians
    done = draw(cwd / "x", cwd / "y", "--baseline", "atomic", "--only", "cost")
    assert done.returncode == 0 and "plain [y]" in texts(cwd / "x/plots/cost.svg"), done.stderr


def lines_that_cannot_be_used_are_named_and_the_others_drawn(cwd):
    good = made_up.scene({"atomic": 38.0, "plain": 20.0}, "copy_drop")
    def without(path):
        record = copy.deepcopy(good[0])
        at = record
        *first, last = path.split(".")
        for name in first:
            at = at[name]
        del at[last]
        return json.dumps(record).encode()
    bad = [(without("metrics"), "has no metrics"), (without("status"), "has no status"),
           (json.dumps({**made_up.skipped("plain", "handoff"), "row": [1]}).encode(), "its row is not a text"),
           (json.dumps({**good[0], "metrics": {"ns_per_op": {}}}).encode(), "no value that is a number"),
           (b'{"schema": 1, "row": "\xff"}', "is not UTF-8"),
           (b'{"schema": 1, "ro', "is not JSON"), (b"[1]", "is not a JSON object"), (without("config"), "has no config.strategy.name"),
           (without("config.threads"), "has no config.threads"), (without("quality"), "has no quality.verdict"), (b"{}", "has no schema"),
           (b"[" * 100000, "is not JSON"), (json.dumps({**good[0], "metrics": {"ns_per_op": 3}}).encode(), "no value that is a number"),
           (json.dumps({**good[0], "metrics": {"ns_per_op": {"value": float("nan")}}}).encode(), "is not JSON"),
           (json.dumps({**good[0], "status": 7}).encode(), "its status is 7"), (json.dumps({**good[0], "config": []}).encode(), "config")]
    lines = [json.dumps(r).encode() for r in good]
    made_up.write(cwd / "r", [])
    # A separator of lines that is none in JSON stays inside its record.
    odd = json.dumps({**good[0], "notes": {"x": "a\u2028b"}}, ensure_ascii=False).encode()
    (cwd / "r/rows.jsonl").write_bytes(b"\n".join([odd] + [line for line, _ in bad] + lines[1:]) + b"\n")
    (cwd / "r/config.json").write_text("{")
    (cwd / "r/estimates.jsonl").write_text('{"schema": 1}\n{"schema": 3}\nx\n')
    done = draw(cwd / "r", "--only", "cost")
    said = done.stderr.splitlines()
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    for number, (_, words) in enumerate(bad, 2):
        assert any(f"line {number} " in s and words in s for s in said), (number, words, said)
    assert len(said) == len(bad) + 4 and (cwd / "r/plots/cost.png").exists(), said
    assert len(load.Results([cwd / "r"]).ok) == len([r for r in good if r["role"] != "aa"])


def a_file_has_the_rows_of_one_run(cwd):
    rows = made_up.scene({"atomic": 38.0, "plain": 20.0}, "copy_drop", processes=2, blocks=1)
    for record in rows:
        record["binary"]["executable"] = "1" * 16
    strange = copy.deepcopy(rows[:2])
    strange[0]["binary"]["executable"], strange[1]["machine"]["machine_id"] = "0" * 16, "0" * 32
    for record in strange:
        record["block"] = 1
    results = load.Results([made_up.write(cwd / "r", rows + strange + [rows[0]])])
    said = " ".join(results.bad)
    assert len(results.bad) == 3 and "another binary's" in said and "another machine's" in said and "is there already" in said, results.bad
    assert len(results.runs[0].records) == len(rows)


def what_has_not_settled_is_not_compared(cwd):
    rows = [made_up.simulated(s, "copy_drop", n) for s in ("atomic", "mark_sweep") for n in (2, 4)]
    rows[-1]["simulation"]["unsettled"] = "after 8000 operations under timed: memory still grows"
    results = load.Results([made_up.write(cwd / "r", rows)])
    assert sorted((load.labelled(r), r["config"]["threads"]) for r in results.ok) == [("atomic", 2), ("atomic", 4), ("mark_sweep", 2)]
    for plot in ("transfers", "scaling"):
        (told,) = drawn_by(made_up.write(cwd / plot, rows), plot).values()
        assert "not drawn: mark_sweep at 4 cores (not settled)" in told and "4 simulated rows in all" in told, (plot, told)


def the_latency_curve_goes_through_the_percentiles(cwd):
    done = subprocess.run([TALLY, "run", "--workload", "server", "--strategy", "atomic,biased", "--threads", "1", "--mode", "latency",
                           "--processes", "3", "--repeat", "2", "--duration", "20ms", "--out", str(cwd / "r")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = load.Results([cwd / "r"])
    for row in {r["row"]: r for r in results.ok}.values():
        curve = estimates.latency_curve(row)
        assert all(a <= b for (_, a), (_, b) in zip(curve, curve[1:])), curve
        for name, share in (("latency_p90", 0.9), ("latency_p99", 0.99), ("latency_p999", 0.999)):
            value = next(ns for at, ns in curve if abs(at - share) < 1e-9)
            assert abs(value / estimates.of(row, name).median - 1) < 0.01, (name, value, estimates.of(row, name).median)


def loops_stand_side_by_side_over_the_same_axes(cwd):
    from tally_plots.plots import latency
    closed = made_up.scene({"atomic": 100.0, "mark_sweep": 80.0}, "server", 2, mode="latency")
    opened = made_up.scene({"atomic": 300.0, "mark_sweep": 9000.0}, "server", 2, mode="latency", rate=20000)
    (name, told), = drawn_by(made_up.write(cwd / "r", closed + opened), "latency").items()
    assert name == "latency-server-2", name
    for words in ("Latency, closed and open loop", "closed loop", "open loop, 20000/s", "99 %", "thin lines from actual ones"):
        assert words in told, (words, told)
    options = types.SimpleNamespace(width=None, baseline=None, overlaid=None, origin="", bare=False)
    with style.look():
        (_, fig), = latency.draw(load.Results([cwd / "r"]), options)
        left, right = (ax for ax in fig.axes if ax.get_visible())
        assert left.get_ylim() == right.get_ylim() and left.get_xlim() == right.get_xlim() and left.get_yscale() == right.get_yscale()
        highest = [max(max(line.get_ydata()) for line in ax.get_lines()) for ax in (left, right)]
        assert highest[1] > 50 * highest[0], highest
        # The nines have as much room each.
        assert {1.0, 2.0, 3.0, 4.0} <= {round(tick, 9) for tick in right.get_xticks()}, right.get_xticks()
    (_, told), = drawn_by(made_up.write(cwd / "s", opened), "latency").items()
    assert "Latency, open loop, 20000/s" in told and "closed" not in told, told
    faster = made_up.scene({"atomic": 400.0, "mark_sweep": 9500.0}, "server", 2, mode="latency", rate=30000)
    both = drawn_by(made_up.write(cwd / "t", closed + opened + faster), "latency")
    assert set(both) == {"latency-server-2", "latency-server-2-open-loop--30000-s"} and all("closed loop" in told for told in both.values()), set(both)


def drawn_by(directory, plot):
    done = draw(directory, "--only", plot)
    return {p.stem: " ".join(re.sub(r"<[^>]*>", " ", texts(p)).split()) for p in (directory / "plots").glob("*.svg")} if not done.returncode else {}


def pictures_are_drawn_of_what_was_recorded_and_of_nothing_else(cwd):
    records = made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop", wander=0)
    for plot in ("counters", "handoffs", "quality", "memory", "latency", "promptness"):
        assert drawn_by(made_up.write(cwd / plot, records), plot) == {}, plot
    absent = made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop", counters=[("ownership.rfos_per_op", None)])
    assert drawn_by(made_up.write(cwd / "absent", absent), "counters") == {}
    # The second measurement of the baseline takes 1.01 times as long (made_up.scene), in every window.
    floor = drawn_by(made_up.write(cwd / "floor", records), "floor")["floor"]
    assert "\u00b11 %" in floor and "copy_drop" in floor and "baseline: atomic" in floor, floor


def memory_is_what_was_taken_and_a_backlog_is_drawn_where_somebody_stalls(cwd):
    samples = [{"at_ns": at * 10**6, "objects": 1, "bytes": 2**20, "held": (3 + at) * 2**20,
                "causes": {"weak": 2**18, "retired": at * 2**20, "headroom": 2**22}} for at in range(4)]
    assert [memory.taken(s) / 2**20 for s in samples] == [3, 4, 5, 6]
    assert memory.taken({"bytes": 5}) == 5  # written before there was the figure
    assert [heldup.backlog(s) / 2**20 for s in samples] == [0.25, 1.25, 2.25, 3.25]  # not the headroom
    records = [r for stall in ("none", "borrow") for s in ("atomic", "atomic:slot=epoch")
               for r in made_up.row(s, "publish" + f" stall={stall}" * (stall != "none"), 2, mode="memory", parameters={"stall": stall})]
    for r in records:
        r["memory"]["samples"] = samples
    made = made_up.write(cwd / "r", records)
    told = drawn_by(made, "memory")
    assert len(told) == 2 and all("MiB taken and not given back" in t for t in told.values()), told
    told = drawn_by(made_up.write(cwd / "s", records), "heldup")
    assert list(told) == ["heldup-publish-stall-borrow-2"] and "MiB that wait" in told["heldup-publish-stall-borrow-2"], told


def what_was_not_freed_ends_the_line_and_is_named(cwd):
    records = made_up.scene({"atomic": 38.0, "biased": 270.0}, "handoff owner=gone", 2, mode="promptness", parameters={"owner": "gone"})
    for r in records:
        if r["config"]["strategy"]["name"] == "biased":  # as many objects again died and were not freed
            total = r["promptness"]["total"]
            r["promptness"].update(objects=2 * total, censored=total)
            r["metrics"]["promptness_censored_share"]["value"] = 0.5
            for name in ("p90", "p99", "p999"):
                del r["metrics"][f"promptness_{name}"]
    results = load.Results([made_up.write(cwd / "r", records)])
    ends = {load.labelled(r): estimates.latency_curve(r, "promptness")[-1][0] for r in results.ok}
    assert 0.48 < ends["biased"] <= 0.5 and ends["atomic"] > 0.9999, ends
    written, = drawn_by(cwd / "r", "promptness").values()
    assert "owner=gone" in written and re.search(r"not freed when the window closed, owner=gone: .*biased 50 %", written), written


def counters_and_handoffs_are_told_by_strategy(cwd):
    counted = [r for s, n in (("atomic", 1.25), ("biased", 0.5)) for r in made_up.row(s, "copy_drop", 2, counters=[("ownership.rfos_per_op", n)])]
    counted += made_up.row("gil", "copy_drop", 2, counters=[("ownership.rfos_per_op", None)])
    (name, told), = drawn_by(made_up.write(cwd / "r", counted), "counters").items()
    assert name == "counters-ownership.rfos_per_op", name
    for words in ("ownership: rfos per operation", "atomic", "1.25", "biased", "0.5", "gil (no PMU in this VM)"):
        assert words in told, (words, told)
    seen = [r for s, ns in (("atomic", 700.0), ("biased", 20.0)) for r in made_up.row(s, "copy_drop", 2, ns=ns, wander=0, mode="observed")]
    told = drawn_by(made_up.write(cwd / "s", seen), "handoffs")["handoffs"]
    assert "line hand-offs per operation" in told and "0.7" in told and "0.02" in told, told


def windows_in_doubt_are_shared_out_among_their_reasons(cwd):
    from tally_plots.plots import quality
    two = ["2 other threads were runnable before the row", "the lanes ran together for as little as 53 % of the window"]
    rows = [made_up.window("atomic", "copy_drop", 2, p, doubtful=p < 2, reasons=two[:1 + p] if p < 2 else two[:1]) for p in range(4)]
    shares = quality.shares_of(rows)
    assert shares == {"N other threads were runnable before the row": 37.5, "the lanes ran together for as little as N % of the window": 12.5}
    told = drawn_by(made_up.write(cwd / "r", rows), "quality")["quality"]
    assert "2 of 4 windows are in doubt;" in told and "N other threads" in told, told
    more = [made_up.window("atomic", "server", 3, 0), made_up.window("gil", "server", 2, 0, verdict="serial")]
    told = drawn_by(made_up.write(cwd / "s", rows + more), "quality")["quality"]
    assert "4 of 6 windows are in doubt (2 only since they are serial or have more threads than processors)" in told, told


def metrics_are_as_the_run_says(cwd):
    made_up.write(cwd / "a", made_up.row("atomic", "copy_drop"))
    told = [{"name": "ns_per_op", "unit": "ns", "better": "less", "meaning": "as it says"}, {"name": "own_thing", "unit": "KiB"}, 7]
    made_up.write(cwd / "b", made_up.row("atomic", "copy_drop"), {"metrics": told})
    made_up.write(cwd / "c", made_up.row("atomic", "copy_drop"))
    (cwd / "c/estimates.jsonl").write_text(json.dumps({"schema": 1, "metrics": told}) + "\n")
    assert metrics.of(load.Results([cwd / "a"]), "ns_per_op") == metrics.METRICS["ns_per_op"]
    for name in "bc":
        results = load.Results([cwd / name])
        assert metrics.of(results, "ns_per_op").meaning == "as it says"
        assert metrics.of(results, "ns_per_op").title == metrics.METRICS["ns_per_op"].title
        assert metrics.of(results, "own_thing").title == "own thing, KiB"


def a_frame_has_a_line_per_record_and_types_that_stay(cwd):
    made_up.write(cwd / "r", [*made_up.row("mark_sweep", "chain length=9", 2, processes=1, blocks=2, heap=1.5, shared=0.5),
                              made_up.window("plain", "chain", status="error"), made_up.skipped("biased:queue=global", "handoff")], CONFIG)
    made_up.write(cwd / "empty", [made_up.skipped("plain", "handoff")])
    if importlib.util.find_spec("pandas") is None:
        try:
            tally_plots.frame(cwd / "r")
        except ImportError as error:
            assert "python3-pandas" in str(error)
            return print("pandas: not installed")
        raise AssertionError("no pandas, and no word of it")
    import pandas
    df = tally_plots.frame(cwd / "r")
    assert len(df) == 4 and df.attrs == CONFIG
    assert list(df.status) == ["ok", "ok", "error", "skipped"] and list(df.strategy_label[2:]) == ["plain", "biased:queue=global"]
    assert list(df.strategy) == ["mark_sweep", "mark_sweep", "plain", "biased"] and df.workload[0] == "chain"
    assert list(df.seed[:3]) == [2**63] * 3 and df.seed.isna()[3], list(df.seed)
    assert df.heap_multiple[0] == 1.5 and df.heap_limit_bytes[0] == 3 * 2**19 and pandas.isna(df.heap_limit_bytes[2])
    assert df.ns_per_op.notna().tolist() == [True, True, False, False] and df.shared[0] == 0.5
    assert df.threads[0] == 2 and df.threads.isna()[3] and not df.doubtful[0] and df.verdict[0] == "contended"
    kinds = {name: str(kind) for name, kind in df.dtypes.items()}
    assert kinds["seed"] == "UInt64" and kinds["threads"] == kinds["process"] == kinds["block"] == kinds["order"] == "Int64"
    assert kinds["row"] == kinds["role"] == kinds["allocator"] == "string" and kinds["doubtful"] == "boolean"
    assert kinds["ns_per_op"] == kinds["heap_multiple"] == "float64"
    few = tally_plots.frame(cwd / "empty")
    assert all(str(few.dtypes[name]) == kinds[name] for name in few.columns) and few.attrs == {}
    without = subprocess.run([interpreter, "-c", f"""
import sys
sys.path.insert(0, {str(SOURCE / 'scripts')!r})
sys.modules["pandas"] = None
import tally_plots
assert tally_plots.main(["r"]) in (0, 1)
try:
    tally_plots.frame("r")
except ImportError as error:
    print(error)
"""], capture_output=True, text=True, cwd=cwd)
    assert "apt-get install python3-pandas" in without.stdout, without


run_tests(dict(globals()), sys.argv[3:], "tally-plots-")
