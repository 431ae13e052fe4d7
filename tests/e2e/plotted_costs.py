#!/usr/bin/env python3
"""What is said of costs against the floor and of numbers beside their defaults: planted floors and planted losses are found, and what
nobody measured or nobody can tell is not said.

  plotted_costs.py TALLY PLOT_SCRIPT [TEST...]
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import draw, texts
from run_tests import run_tests
from tally_plots import load, overheads, tuning
from tally_plots.report import overhead

HALF = 0.02  # of an interval, as made_up.estimated() writes them


def said_by(directory, plot):
    """What is written in the pictures of one plot, by file; nothing if there is none."""
    done = draw(directory, "--only", plot)
    return {p.stem: " ".join(re.sub(r"<[^>]*>", " ", texts(p)).split()) for p in (directory / "plots").glob("*.svg")} if not done.returncode else {}


def limited(**more):
    """Counts at 100 ns, and a collector that takes 80 and 60: half of the one and a quarter of the other are its collections."""
    records = made_up.scene({"atomic": 100.0}, "tree_churn", wander=0, **more)
    for heap, ns, share in ((2, 80.0, 0.5), (4, 60.0, 0.25)):
        records += made_up.row("mark_sweep", "tree_churn", ns=ns, wander=0, heap=heap, pause_share=share, **more)
    return records


def rows_of(results):
    return {load.labelled(r): r for r in reversed(results.select())}


def close(a, b):
    return abs(a / b - 1) < 1e-9


def the_floor_is_the_least_cost_without_collections(cwd):
    results = load.Results([made_up.estimated(cwd / "r", limited(), half=HALF)])
    rows, scene = rows_of(results), overheads.Scene(results.select())
    wall = {name: scene.over(row, overheads.WALL) for name, row in rows.items()}
    # 40 of 80 ns are left at 2x, 45 of 60 at 4x: the dearer row is the floor, and itself twice of it.
    assert load.labelled(scene.floors[results.runs[0], overheads.WALL].row) == "mark_sweep@2x"
    for name, times in (("atomic", 2.5), ("mark_sweep@2x", 2.0), ("mark_sweep@4x", 1.5)):
        assert close(wall[name].median, times) and wall[name].interval and close(wall[name].confidence, 0.85), (name, wall[name].median)
    reach = (1 + HALF) / (1 - HALF)
    assert close(wall["atomic"].low, 1.25 / reach / (1 - 0.5 * (1 - HALF))) and close(wall["atomic"].high, 1.25 * reach / (1 - 0.5 * (1 + HALF)))
    # Over itself a row's windows cancel: what is uncertain is the share.
    assert close(wall["mark_sweep@2x"].low, 1 / (1 - 0.5 * (1 - HALF)))
    # 1.1 processors are in use (made_up.window), one of which a collection takes at least: 88 (1 - 0.5 / 1.1) is 48 ns.
    assert close(scene.over(rows["atomic"], overheads.CPU).median, 110 / 48)
    assert "mark_sweep@2x without its collections, 50 % of it" in scene.about() and "45 % of it" in scene.about(), scene.about()


def without_collections_the_cheapest_row_is_the_floor(cwd):
    records = made_up.scene({"atomic": 100.0, "none": 20.0, "manual": 25.0}, "tree_churn", wander=0)
    results = load.Results([made_up.estimated(cwd / "r", records, half=HALF)])
    rows, scene = rows_of(results), overheads.Scene(results.select())
    own, other = scene.over(rows["none"], overheads.WALL), scene.over(rows["atomic"], overheads.WALL)
    assert (own.median, own.low, own.high) == (1.0, 1.0, 1.0) and close(other.median, 5.0) and close(other.confidence, 0.9)
    assert scene.about() == "floor of wall time: none; floor of CPU time: none", scene.about()


def rows_in_doubt_are_no_floor_where_there_are_others(cwd):
    records = made_up.scene({"atomic": 100.0}, "tree_churn") + made_up.row("plain", "tree_churn", ns=10.0, doubtful=True)
    results = load.Results([made_up.write(cwd / "r", records)])
    scene = overheads.Scene(results.select())
    assert scene.about().startswith("floor of wall time: atomic;"), scene.about()
    assert scene.over(rows_of(results)["plain"], overheads.WALL).hollow


def a_directory_has_floors_of_its_own(cwd):
    for name, ns in (("x", 100.0), ("y", 300.0)):
        made_up.write(cwd / name, made_up.scene({"atomic": ns, "plain": ns / 2}, "chain", wander=0))
    results = load.Results([cwd / "x", cwd / "y"])
    scene, rows = overheads.Scene(results.select()), rows_of(results)
    assert all(close(scene.over(rows[f"atomic [{name}]"], overheads.WALL).median, 2.0) for name in "xy")
    assert "plain [x], plain [y]" in scene.about(), scene.about()


def a_scene_with_heap_limits_is_drawn_and_every_scene_is_in_the_table(cwd):
    records = limited() + made_up.scene({"atomic": 100.0, "plain": 40.0}, "chain") + made_up.scene({"atomic": 100.0}, "graph")
    (name, told), = said_by(made_up.write(cwd / "r", records), "overhead").items()
    assert name == "overhead-tree_churn-1", name
    for words in ("times the floor", "CPU time, with collector threads", "lines across: without a limit", "floor of wall time: mark_sweep@2x"):
        assert words in told, (words, told)
    text = " ".join(overhead.overhead_tables(load.Results([cwd / "r"]), lambda label: None))
    assert "Every scene: 5 rows" in text and "chain, 1" in text and "graph" not in text, text


def a_default_that_loses_is_told_with_the_value_that_beats_it(cwd):
    numbers = {"deferred": {"kilobytes": (2048, 0.8), "entries": (2048, 0.7), "growth": (8, 1.3)}, "mark_sweep": {"least_mib": (8, 0.995)}}
    results = load.Results([made_up.estimated(cwd / "r", made_up.tuned(numbers, wander=0), half=HALF)])
    (place, trials), = tuning.trials(results).items()
    assert place == ("tree_churn survivors=0.1", 2, "throughput") and len(trials) == 4
    assert {load.labelled(t.row): (round(t.ratio.median, 6), t.number, t.loses) for t in trials} == {
        "deferred:kilobytes=2048": (0.8, "kilobytes", True), "deferred:entries=2048": (0.7, "entries", True),
        "deferred:growth=8": (1.3, "growth", False), "mark_sweep:least_mib=8": (0.995, "least_mib", False)}
    lost, alike = tuning.sentences(results)
    assert lost.startswith("deferred is compared unfairly at its default: deferred:entries=2048 takes 0.7 [0.673, 0.729] times "), lost
    assert "in tree_churn survivors=0.1, 2\N{NO-BREAK SPACE}threads, where the noise is 1 %." in lost, lost
    assert alike == "No value that was tried of mark_sweep beats the default by more than the noise.", alike
    told = said_by(cwd / "r", "tuning")["tuning"]
    assert "0.7 best" in told and told.count(" best ") == 1 and "best: the default loses to it" in told, told


def what_is_within_the_noise_or_without_an_interval_loses_to_nothing(cwd):
    # 0.8 of the default's time, where the baseline differs from itself by 30 %.
    directory = made_up.estimated(cwd / "r", made_up.tuned({"deferred": {"kilobytes": (2048, 0.8)}}, wander=0), half=HALF)
    lines = (directory / "estimates.jsonl").read_text()
    (directory / "estimates.jsonl").write_text(lines.replace('"noise": 0.01', '"noise": 0.3'))
    assert tuning.sentences(load.Results([directory])) == ["No value that was tried of deferred beats the default by more than the noise."]
    smoke = made_up.write(cwd / "smoke", made_up.tuned({"deferred": {"kilobytes": (2048, 0.5)}}, processes=2))
    assert tuning.sentences(load.Results([smoke])) == [
        "Values that were tried beside defaults: 1, of which nothing can be said, since there are no intervals."]
    assert " best" not in said_by(smoke, "tuning")["tuning"]
    doubtful = made_up.estimated(cwd / "d", made_up.tuned({"deferred": {"kilobytes": (2048, 0.5)}}, wander=0, doubtful=True), half=HALF)
    assert not any(t.loses for of in tuning.trials(load.Results([doubtful])).values() for t in of)


def only_a_row_with_the_same_options_heap_and_allocator_is_a_default(cwd):
    records = made_up.tuned({"deferred": {"kilobytes": (2048, 0.8)}})
    for more in ({"allocator": "mimalloc"}, {"heap": 2}):
        records += made_up.row("deferred:kilobytes=2048", "tree_churn survivors=0.1", 2, tunables={"kilobytes": 2048}, **more)
    records += made_up.row("deferred:entries=16,kilobytes=16", "tree_churn survivors=0.1", 2, tunables={"entries": 16, "kilobytes": 16})
    other = made_up.row("gil:cycles=trial,candidates=9", "tree_churn survivors=0.1", 2, tunables={"candidates": 9})
    for r in other:
        r["config"]["strategy"]["options"] = {"cycles": "trial"}
    records += other + made_up.row("gil", "tree_churn survivors=0.1", 2)
    trials = [t for of in tuning.trials(load.Results([made_up.write(cwd / "r", records)])).values() for t in of]
    assert [(load.labelled(t.row), load.labelled(t.default)) for t in trials] == [("deferred:kilobytes=2048", "deferred")], trials
    assert said_by(made_up.write(cwd / "s", made_up.scene({"atomic": 9.0, "biased": 8.0}, "chain")), "tuning") == {}


run_tests(dict(globals()), sys.argv[3:], "tally-costs-")
