#!/usr/bin/env python3
"""What the plot of work between operations says, and the decision maps of several amounts of it.

  plotted_work.py TALLY PLOT_SCRIPT [TEST...]
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import draw, pictures, texts
from run_tests import run_tests
from tally_plots import load
from tally_plots.plots import think
from tally_plots.report import choice as choices, found

OWN = {"none": 2.0, "atomic": 102.0, "biased": 5.0}  # ns of an operation


def panels_of(directory, records):
    return list(think.made(load.Results([made_up.write(directory, records)])))


def said_by(directory):
    done = draw(directory, "--only", "think")
    assert done.returncode == 0 and done.stderr == "", done
    return {p.stem: " ".join(re.sub(r"<[^>]*>", " ", texts(p)).split()) for p in (directory / "plots").glob("*.svg")}


def a_strategy_breaks_even_where_it_is_within_five_per_cent_and_stays_there(cwd):
    panel, = panels_of(cwd / "r", made_up.thinking(OWN, "copy_drop", 2, wander=0))
    assert panel.reference == "none" and set(panel.curves) == {"atomic", "biased"}
    ratios = {ns: round(e.median, 9) for ns, e in panel.curves["atomic"].items()}
    assert ratios == {ns: round((ns + 102) / (ns + 2), 9) for ns in made_up.WORKS}, ratios
    assert (panel.break_even("atomic"), panel.break_even("biased")) == (10000, 100)
    shares = {ns: round(think.share(e).median, 9) for ns, e in panel.curves["atomic"].items()}
    assert shares == {ns: round(100 / (ns + 102), 9) for ns in made_up.WORKS}, shares
    # One amount at which it is near does not matter if it is farther at a greater one.
    panel.curves["biased"][10000] = panel.curves["atomic"][0]
    assert panel.break_even("biased") is None
    told = said_by(cwd / "r")
    for words in ("atomic: from 10 000 ns on", "biased: from 100 ns on", "costs no more than none:", "times none's time"):
        assert words in told["think-2"], (words, told)
    for words in ("atomic: 98 %, 0.99 %", "share of the time, %"):
        assert words in told["think-share-2"], (words, told)


def noise_that_is_wider_is_what_counts(cwd):
    records = [r for r in made_up.thinking({"none": 2.0, "atomic": 12.0}, "copy_drop", 2, wander=0)]
    for r in records:
        if r["role"] == "aa":
            r["metrics"]["ns_per_op"]["value"] *= 1.2
    panel, = panels_of(cwd / "r", records)
    assert panel.break_even("atomic") == 100, panel.bounds  # 9.8 % more; 1000 ns would be within five


def without_a_floor_the_baseline_is_what_they_are_over(cwd):
    records = made_up.thinking({"atomic": 100.0, "biased": 5.0}, "copy_drop", 2, wander=0)
    panel, = panels_of(cwd / "r", records)
    assert (panel.reference, list(panel.curves), panel.break_even("biased")) == ("atomic", ["biased"], 10000)
    told = said_by(cwd / "r")
    assert list(told) == ["think-2"] and "times atomic's time" in told["think-2"], told
    assert panels_of(cwd / "one", made_up.thinking(OWN, "copy_drop", 2, works=(100,))) == [], "one amount of work is no axis"


def the_model_stands_in_panels_of_its_own(cwd):
    modelled = [made_up.simulated(s, "copy_drop", 2, think=ns, oracle="never_frees" if s == "none" else "exact") for s in OWN for ns in (0, 1000)]
    for r in modelled:
        ns = OWN[r["config"]["strategy"]["label"]] + r["config"].get("think_ns", 0)
        r["metrics"]["ops_per_second"]["value"] = 2e9 / ns
    made_up.write(cwd / "s", modelled)
    made_up.write(cwd / "m", made_up.thinking(OWN, "copy_drop", 2, wander=0))
    panels = list(think.made(load.Results([cwd / "m", cwd / "s"])))
    assert [(p.title, p.simulated) for p in panels] == [("copy_drop", False), ("copy_drop, modelled", True)], [p.title for p in panels]
    e = panels[1].curves["atomic"][1000]
    assert abs(e.median - 1102 / 1002) < 1e-12 and e.low == e.high == e.median
    assert panels[1].break_even("biased") == 1000 and panels[1].break_even("atomic") is None
    assert "atomic: not by 1 000 ns (1.1 times)" in said_by(cwd / "s")["think-2"]


def every_figure_is_in_a_table(cwd):
    made_up.write(cwd / "r", made_up.thinking(OWN, "copy_drop", 2))
    from tally_plots.report import figures
    with figures.drawing(load.Results([cwd / "r"]), lambda label: None) as wait:
        drawn = wait()["think"]
    assert [d.file for d in drawn] == ["think-2", "think-share-2"]
    _, rows, _, _ = figures.table_of(drawn[0])
    assert len(rows) == 2 * len(made_up.WORKS) + 2, rows
    assert [row[-1] for row in rows if row[0] == "biased" and not row[2]] == ["costs no more than none: from 100 ns on"], rows


def the_map_has_one_for_each_amount_of_work(cwd):
    ladder = {"atomic": (15.0, 80.0), "biased": (2.0, 160.0), "deferred": (8.0, 8.2)}
    lives = {"atomic": (150.0, 160.0), "biased": (100.0, 700.0), "deferred": (170.0, 180.0)}
    alone = made_up.chosen_among(ladder, lives)
    records = alone + made_up.chosen_among(ladder, lives, think=1000)
    results = load.Results([made_up.estimated(cwd / "r", records)])
    maps = choices.all_of(results)
    assert [c.think for c in maps] == [0, 1000]
    cost = maps[0].cost("atomic", 0, 0, 10).value, maps[1].cost("atomic", 0, 0, 10).value
    assert abs(cost[1] - cost[0] - 11000) < 0.05 * 11000, cost
    close = [sum(len(p.close) for p in c.points(10)) for c in maps]
    assert close[1] > close[0], "what an operation's own cost decides is lost in the work"
    page = found.map_section(results).piece
    for words in ("With no work between operations", "With 1\u2009000 ns of work after each operation", 'id="map-10"', 'id="map-10-work-1000"'):
        assert words in page, words
    page = found.map_section(load.Results([made_up.estimated(cwd / "alone", alone)])).piece
    assert 'id="map-10"' in page and "work" not in page.lower(), "without other amounts nothing is said of them"


def narrow_pages_hold_it(cwd):
    made_up.write(cwd / "r", made_up.thinking(OWN, "copy_drop", 2))
    for width in (3.33, 6.8):
        for _, _, fig in pictures(cwd / "r", width=width, only=["think"]):
            assert fig.get_figwidth() == width and all(ax.get_position().width > 0.2 for ax in fig.axes)


run_tests(dict(globals()), sys.argv[3:], "tally-plotted-work-")
