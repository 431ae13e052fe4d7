#!/usr/bin/env python3
"""What is said of costs against the floor: planted floors are found, and what nobody can tell is not said.

  plotted_costs.py TALLY PLOT_SCRIPT [TEST...]
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import draw, texts
from run_tests import run_tests
from tally_plots import load, overheads
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


run_tests(dict(globals()), sys.argv[3:], "tally-costs-")
