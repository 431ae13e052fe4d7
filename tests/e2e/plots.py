#!/usr/bin/env python3
"""The plots: of a small run each kind is drawn, twice the same bytes; of records that nobody measured, the figures are right, names
have room, bad lines are named; the package is imported without a side effect.

  plots.py TALLY PLOT_SCRIPT [TEST...]
"""
import copy
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from run_tests import python_that_draws, run_tests

TALLY, SCRIPT = (str(pathlib.Path(a).resolve()) for a in sys.argv[1:3])
SOURCE = pathlib.Path(SCRIPT).parents[1]
sys.path.insert(0, str(SOURCE / "scripts"))
import tally_plots
from tally_plots import estimates, load, metrics, plots

interpreter = python_that_draws()


def draw(*arguments):
    return subprocess.run([interpreter, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


def texts(picture):
    """What is written in an SVG."""
    return picture.read_text()


SHORT = ["--duration", "20ms", "--processes", "1", "--repeat", "1", "--quiet"]
RUNS = {
    "a": ["--workload", "copy_drop", "--strategy", "plain,atomic", "--threads", "1,2"],
    "b": ["--workload", "sharing_ladder", "--strategy", "atomic", "--threads", "1", "--set", "share=0,50,100"],
    "c": ["--workload", "handoff", "--strategy", "atomic", "--threads", "2", "--set", "foreign=0,1"],
    "d": ["--workload", "tree_churn", "--strategy", "atomic,mark_sweep", "--threads", "1", "--heap", "3x,6x", "--mode",
          "throughput,latency,memory"],
    "e": ["--workload", "trace", "--strategy", "atomic", "--threads", "1"],
}
# Only where the library is installed: rows under another allocator are rows of their own.
ALLOCATORS = ["--workload", "tree_churn", "--strategy", "atomic,deferred", "--threads", "1,2", "--allocator", "system,mimalloc"]
EXPECTED = ["cost", "throughput-copy_drop", "sharing-ladder-1", "handoff-2", "heap-tree_churn-1", "latency-tree_churn-1",
            "memory-tree_churn-1", "paths"]


SIMULATED = ["transfers", "fields-4", "scaling", "takers-4"]


def simulated(top):
    """Simulated rows have plots of their own, and take measured ones only where they are told to."""
    ran = subprocess.run([TALLY, "sim", "--workload", "copy_drop", "--strategy", "plain,atomic", "--cores", "1,4", "--ops", "50",
                          "--set", "sharing=shared", "--quiet", "--out", str(top / "sim")], capture_output=True, text=True)
    if ran.returncode == 64 and "no simulator" in ran.stderr:
        print("simulated rows: not in this build")
        return
    if ran.returncode != 0:
        raise AssertionError(f"tally sim: exit {ran.returncode}, {ran.stderr}")
    drawn = {}
    for again in range(2):
        subprocess.run([interpreter, SCRIPT, str(top / "sim"), "--overlay", str(top / "a")], check=True)
        drawn[again] = {p.name: p.read_bytes() for p in sorted((top / "sim" / "plots").iterdir())}
    names = [f"{n}-copy-drop-sharing-shared-epyc-7773x-2s-mesi-infinite.{kind}" for n in SIMULATED for kind in ("png", "svg")]
    if sorted(drawn[0]) != sorted(names):
        raise AssertionError(f"of simulated rows: drawn {sorted(drawn[0])}, expected {sorted(names)}")
    if drawn[0] != drawn[1]:
        raise AssertionError("of simulated rows: drawn twice, not the same bytes")


def under_allocators(top):
    ran = subprocess.run([TALLY, "run", *ALLOCATORS, *SHORT, "--out", str(top / "f")], capture_output=True, text=True)
    if ran.returncode == 64 and "is not installed" in ran.stderr:
        print("rows under mimalloc: not installed")
        return
    if ran.returncode != 0:
        raise AssertionError(f"tally run --allocator: exit {ran.returncode}, {ran.stderr}")
    subprocess.run([interpreter, SCRIPT, str(top / "f")], check=True)
    possible = ["atomic", "atomic+mimalloc", "deferred", "deferred+mimalloc"]
    for name in ("cost", "throughput-tree_churn"):
        picture = (top / "f" / "plots" / f"{name}.svg").read_text()
        labels = [label for label in possible if f">{label}</text>" in picture]
        if labels != ["atomic", "atomic+mimalloc", "deferred"]:
            raise AssertionError(f"{name}: drawn are {labels}")


def a_small_run_is_drawn_twice_the_same(cwd):
    for name, flags in RUNS.items():
        subprocess.run([TALLY, "run", *flags, *SHORT, "--out", str(cwd / name)], check=True)
    shutil.copytree(cwd / "a", cwd / "again")
    drawn = {}
    for first in ("a", "again"):
        done = draw(cwd / first, *(cwd / name for name in "bcde"))
        assert done.returncode == 0 and done.stderr == "", done.stderr
        drawn[first] = {p.name: p.read_bytes() for p in sorted((cwd / first / "plots").iterdir())}
    missing = [f"{name}.{kind}" for name in EXPECTED for kind in ("png", "svg") if f"{name}.{kind}" not in drawn["a"]]
    assert not missing, f"not drawn: {missing}; drawn: {sorted(drawn['a'])}"
    differ = [name for name, content in drawn["a"].items() if drawn["again"].get(name) != content]
    assert not differ, f"drawn twice, not the same bytes: {differ}"
    under_allocators(cwd)
    simulated(cwd)


def bad_usage_is_a_line(cwd):
    made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "plain": 20.0}, "copy_drop"))
    for flags, words in ((["--only", "nonsense"], "--only nonsense"), (["--baseline", "nobody"], "--baseline nobody"),
                         (["--width", "1in"], "--width")):
        refused = draw(cwd / "r", *flags)
        assert refused.returncode != 0 and words in refused.stderr, (flags, refused)
    refused = draw(cwd / "nowhere")
    assert refused.returncode == 1 and "rows.jsonl" in refused.stderr and refused.stderr.count("\n") == 1, refused
    made_up.write(cwd / "other", [{"schema": 2}])
    refused = draw(cwd / "other")
    assert refused.returncode == 1 and "line 1 has schema 2" in refused.stderr, refused


def a_python_without_matplotlib_hands_over_when_it_runs_the_script_only(cwd):
    # -S hides this interpreter's packages: the script goes to one that has them.
    elsewhere = subprocess.run([interpreter, "-S", SCRIPT, "--list"], capture_output=True, text=True)
    assert interpreter != "/usr/bin/python3" or elsewhere.returncode == 0 and "throughput" in elsewhere.stdout, elsewhere
    imported = subprocess.run([interpreter, "-S", "-c", f"import sys; sys.path.insert(0, {str(SOURCE / 'scripts')!r}); import plot; "
                               "import tally_plots; print('still here', sys.flags.no_site)"], capture_output=True, text=True)
    assert imported.stdout == "still here 1\n" and imported.stderr == "", imported
    made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "plain": 20.0}, "copy_drop"))
    module = subprocess.run([interpreter, "-S", "-m", "tally_plots", cwd / "r"], capture_output=True, text=True, cwd=SOURCE / "scripts")
    assert module.returncode == 1 and "apt-get install" in module.stderr and module.stderr.count("\n") == 1, module


def importing_touches_no_matplotlib_and_no_file(cwd):
    program = f"""
import builtins, os, sys
sys.path.insert(0, {str(SOURCE / 'scripts')!r})
class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("matplotlib", "numpy", "pandas"):
            raise AssertionError("imported: " + name)
sys.meta_path.insert(0, Forbidden())
path, here, environment = list(sys.path), os.listdir("."), dict(os.environ)
import tally_plots
from tally_plots import command, estimates, load, metrics, plots, sim, style, table
names = [p.NAME for p in plots.found()]
assert (path, here, environment) == (list(sys.path), os.listdir("."), dict(os.environ))
assert tally_plots.main(["--list"]) == 0
"""
    done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout.count("\n") == len(plots.found()), done.stdout


def drawing_leaves_the_callers_settings_alone(cwd):
    made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "plain": 20.0}, "copy_drop"))
    program = f"""
import sys
sys.path.insert(0, {str(SOURCE / 'scripts')!r})
import matplotlib, tally_plots
before = dict(matplotlib.rcParams)
assert tally_plots.main(["r"]) == 0
assert dict(matplotlib.rcParams) == before and "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr


def a_plot_is_found_by_being_there(cwd):
    files = sorted(p.stem for p in (SOURCE / "scripts/tally_plots/plots").glob("[!_]*.py"))
    found = plots.found()
    assert sorted(p.__name__.split(".")[-1] for p in found) == files
    assert len({p.NAME for p in found}) == len({p.ORDER for p in found}) == len(found)
    assert all(plots.summary(p).endswith(".") and callable(p.draw) for p in found)
    # In a copy of the package a file more is a plot more.
    shutil.copytree(SOURCE / "scripts", cwd / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (cwd / "scripts/tally_plots/plots/dots.py").write_text(
        '"""Dots."""\nfrom .. import style\nNAME, ORDER = "dots", 15\n'
        "def draw(results, options):\n    fig, axes = style.figure(options)\n    yield 'dots', fig\n")
    made_up.write(cwd / "r", made_up.row("atomic", "copy_drop"))
    listed = subprocess.run([interpreter, cwd / "scripts/plot.py", "--list"], capture_output=True, text=True).stdout.split("\n")
    assert [line.split()[0] for line in listed[:3]] == ["throughput", "dots", "cost"], listed
    subprocess.run([interpreter, cwd / "scripts/plot.py", cwd / "r", "--only", "dots"], check=True, capture_output=True)
    assert (cwd / "r/plots/dots.png").exists()


def made_up_records_keep_to_the_schema(cwd):
    if importlib.util.find_spec("jsonschema") is None:
        return print("jsonschema: not installed")
    import jsonschema
    schema = jsonschema.Draft202012Validator(json.loads((SOURCE / "results/schema.json").read_text()))
    seen = {}
    for record in [*made_up.crowd(), *made_up.crowd_simulated(), made_up.skipped("plain", "handoff"),
                   made_up.window("plain", "chain", status="error")]:
        seen.setdefault((record["status"], record.get("config", {}).get("mode"), record["row"].split("|")[0].count("@")), record)
    for record in seen.values():
        wrong = [f"{'.'.join(map(str, e.path))}: {e.message[:200]}" for e in schema.iter_errors(record)]
        assert not wrong, wrong


def many_long_names_are_drawn_without_a_warning(cwd):
    made_up.write(cwd / "r", made_up.crowd())
    made_up.write(cwd / "s", made_up.crowd_simulated())
    for arguments in (["r"], ["s", "--overlay", "r"], ["r", "--baseline", "atomic", "--width", "3.33in"], ["s", "--width", "3.33in"]):
        done = subprocess.run([interpreter, "-W", "error", SCRIPT, *arguments], capture_output=True, text=True, cwd=cwd)
        assert done.returncode == 0 and done.stderr == "", (arguments, done.stderr)
    kinds = {p.name.split("-")[0].split(".")[0] for d in ("r", "s") for p in (cwd / d / "plots").iterdir()}
    assert kinds == {"throughput", "cost", "paths", "sharing", "handoff", "latency", "memory", "heap", "transfers", "fields", "scaling",
                     "takers"}, kinds
    for picture in [*(cwd / "r/plots").glob("*.svg"), *(cwd / "s/plots").glob("*.svg")]:
        assert " an operation" not in texts(picture) and " a second" not in texts(picture), picture


def ticks_of_a_cost_plot_keep_apart(cwd):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from tally_plots import style
    from tally_plots.plots import cost
    results = load.Results([made_up.write(cwd / "r", made_up.crowd())])
    for width in (6.8, 3.33):
        class options:
            baseline = None
        options.width = width
        with style.look():
            for _, fig in cost.draw(results, options):
                canvas = FigureCanvasAgg(fig)
                canvas.draw()
                for ax in (a for a in fig.axes if a.get_visible()):
                    for side, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
                        low, high = axis.get_view_interval()
                        boxes = sorted([t.label1.get_window_extent(canvas.get_renderer()) for t in axis.get_major_ticks()
                                        if t.label1.get_text() and low <= t.get_loc() <= high], key=lambda b: getattr(b, side + "0"))
                        for a, b in zip(boxes, boxes[1:]):
                            apart = getattr(b, side + "0") - getattr(a, side + "1")
                            assert apart >= (0 if side == "x" else -2), (width, ax.get_title(loc="left"), side)


def some_estimates():
    """Rows with all that can happen to them: lost windows, an error, a second measurement, no baseline."""
    records = made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop", wander=0.4)
    records += made_up.scene({"atomic": 50.0, "biased": 61.0, "gil": 70.0}, "handoff", 2, wander=0.2, processes=6, blocks=4)
    records += made_up.row("plain", "chain", processes=7, blocks=1)
    lost = [r for r in records if r["row"].startswith("gil|") and r["process"] == 1 or r["row"].startswith("biased|") and r["order"] == 0
            and (r["process"], r["block"]) == (2, 1)]
    return [r for r in records if r not in lost] + [made_up.window("gil", "handoff", 2, 1, 0, status="error")]


CONFIG = {"schema": 1, "smoke": False, "request": {"seed": 18000000000000000001}}


def figures_of(results, metric="ns_per_op"):
    found = {}
    for row in results.ok:
        if row["row"] in found:
            continue
        e = estimates.of(row, metric)
        base = next((r for r in results.ok if r["scene"] == row["scene"] and r["role"] == "baseline"), None)
        m = estimates.multiple(row, base, metric) if base else None
        found[row["row"]] = [x for of in (e, m) if of for x in (of.median, of.low, of.high, of.interval, of.processes, of.windows)]
        found[row["row"]].append(estimates.noise(row, metric))
    return found


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
        line = estimates.written(row["_run"])[row["row"], "ns_per_op"]["ratio"]
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
