#!/usr/bin/env python3
"""The plots as pictures: of a small run each kind is drawn, twice the same bytes; long names have room; the package is imported
without a side effect.

  plots.py TALLY PLOT_SCRIPT [TEST...]
"""
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import SCRIPT, SOURCE, TALLY, draw, interpreter, texts
from run_tests import run_tests
from tally_plots import load, plots


SHORT = ["--duration", "20ms", "--processes", "1", "--repeat", "1", "--quiet"]
RUNS = {
    "a": ["--workload", "copy_drop", "--strategy", "plain,atomic", "--threads", "1,2"],
    "b": ["--workload", "sharing_ladder", "--strategy", "atomic", "--threads", "1", "--set", "share=0,50,100"],
    "c": ["--workload", "handoff", "--strategy", "atomic", "--threads", "2", "--set", "foreign=0,1"],
    "d": ["--workload", "tree_churn", "--strategy", "atomic,mark_sweep", "--threads", "1", "--heap", "3x,6x", "--mode",
          "throughput,latency,memory,promptness"],
    "g": ["--workload", "cycles", "--strategy", "plain,plain:cycles=generational", "--threads", "1", "--set", "window=10,1000", "--set",
          "collect_every=0", "--mode", "throughput,memory"],
    "e": ["--workload", "trace", "--strategy", "atomic", "--threads", "1"],
}
# Only where the library is installed: rows under another allocator are rows of their own.
ALLOCATORS = ["--workload", "tree_churn", "--strategy", "atomic,deferred", "--threads", "1,2", "--allocator", "system,mimalloc"]
EXPECTED = ["cost", "throughput-copy_drop", "sharing-ladder-1", "handoff-2", "heap-tree_churn-1", "overhead-tree_churn-1", "latency-tree_churn-1",
            "delays-tree_churn-1", "memory-tree_churn-1", "promptness-tree_churn-1", "memory-cycles-window-10-1", "pauses-cycles-1", "paths"]


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
        done = draw(cwd / first, *(cwd / name for name in "bcdeg"))
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


def without_a_directory_the_run_and_the_plots_mean_the_same_one(cwd):
    flags = ["run", "--workload", "copy_drop", "--strategy", "plain,atomic", "--threads", "1", *SHORT[:-1]]
    (cwd / "here").mkdir()
    subprocess.run([TALLY, *flags, "--quiet"], check=True, cwd=cwd / "here")
    newest = (cwd / "here/results/latest").resolve().name
    # The program in the build tree, the script in the source tree: both take the working directory's.
    for command in ([TALLY, "plot"], [interpreter, SCRIPT]):
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd / "here", env={**os.environ, "TALLY_PYTHON": interpreter})
        assert done.returncode == 0 and f" of results/latest ({newest}) in results/latest/plots" in done.stdout, done
    (cwd / "elsewhere").mkdir()
    done = subprocess.run([interpreter, SCRIPT], capture_output=True, text=True, cwd=cwd / "elsewhere")
    assert done.returncode == 1 and "results/latest: no rows.jsonl there" in done.stderr and "working directory" in done.stderr, done
    # What is told to be next is of the run's own directory, wherever that is.
    out = cwd / "named"
    done = subprocess.run([TALLY, *flags[:-4], "--processes", "5", "--repeat", "1", "--out", str(out)], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("Next:")]
    assert len(told) == 1 and ("--from" in told[0] or f"tally plot {out} " in told[0]) and str(out) in told[0], told


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
        '"""Dots."""\nfrom .. import page\nNAME, ORDER = "dots", 15\n'
        "def draw(results, options):\n    fig, axes = page.figure(options, 2)\n    yield 'dots', fig\n")
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
    made_up.write(cwd / "r", made_up.crowd(), made_up.FINDINGS)
    made_up.write(cwd / "s", made_up.crowd_simulated())
    judge = made_up.judge(cwd, made_up.verdicts())
    for arguments in (["r"], ["s", "--overlay", "r"], ["r", "--baseline", "atomic", "--width", "3.33in"], ["s", "--width", "3.33in"]):
        done = subprocess.run([interpreter, "-W", "error", SCRIPT, *arguments, "--tally", judge], capture_output=True, text=True, cwd=cwd)
        assert done.returncode == 0 and done.stderr == "", (arguments, done.stderr)
    kinds = {p.name.split("-")[0].split(".")[0] for d in ("r", "s") for p in (cwd / d / "plots").iterdir()}
    assert kinds == {"throughput", "cost", "paths", "sharing", "handoff", "latency", "memory", "heap", "transfers", "fields", "scaling",
                     "think", "heldup", "takers", "floor", "overhead", "tuning", "pauses", "promptness", "delays", "handoffs", "counters", "quality", "speedup", "ladder",
                     "findings"}, kinds
    for picture in [*(cwd / "r/plots").glob("*.svg"), *(cwd / "s/plots").glob("*.svg")]:
        assert " an operation" not in texts(picture) and " a second" not in texts(picture), picture


run_tests(dict(globals()), sys.argv[3:], "tally-plots-")
