#!/usr/bin/env python3
"""What the plots of programs and of published findings say: speed-ups of the model beside interpreters', the ladder's steps, and
verdicts as the program prints them.

  plotted_programs.py TALLY PLOT_SCRIPT [TEST...]
"""
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import TALLY, draw, pictures, texts
from run_tests import run_tests
from tally_plots import estimates, load, programs
from tally_plots.plots import findings, ladder, speedup


def said_by(directory, plot, *arguments):
    """What is written in the pictures of one plot, by file; nothing if there is none."""
    done = draw(directory, *arguments, "--only", plot)
    return {p.stem: " ".join(re.sub(r"<[^>]*>", " ", texts(p)).split()) for p in (directory / "plots").glob("*.svg")} if not done.returncode else {}


def line(record, value, reach, to=None, ratio=1.0, reach_of_ratio=None, **more):
    """An estimate of a row, with an interval of so much in each direction; the same of its ratio if nothing else is said."""
    ends = lambda v, reach=reach: {"value": v, "low": v / reach, "high": v * reach}
    return {"schema": 1, "scene": record["scene"], "row": record["row"], "metric": "ns_per_op", "processes": 5, "windows": 15,
            "confidence": 0.95, "noise": None, **ends(value), "ratio": {"to": to, **ends(ratio, reach_of_ratio or reach)} if to else None, **more}


def about(estimate, *expected):
    return all(abs(a / b - 1) < 1e-9 for a, b in zip((estimate.median, estimate.low, estimate.high), expected))


def a_quotient_has_an_interval_where_both_rows_have_one(cwd):
    slow, fast = (made_up.row(s, "copy_drop", n, ns=ns, wander=0) for s, n, ns in (("atomic", 2, 60.0), ("biased", 1, 20.0)))
    base = made_up.row("gil", "copy_drop", 2, ns=30.0, wander=0)
    made_up.write(cwd / "r", slow + fast + base)
    for lines, expected in (
            ([], (3.0, 3.0, 3.0, False, 0.95)),
            ([line(slow[0], 60.0, 1.1), line(fast[0], 20.0, 1.2)], (3.0, 3.0 / 1.1 / 1.2, 3.0 * 1.1 * 1.2, True, 0.9)),
            # Of two ratios to one baseline the machine's drift, which both rows have, is in neither.
            ([line(slow[0], 60.0, 2.0, base[0]["row"], 0.5, ), line(fast[0], 20.0, 2.0, base[0]["row"], 1.5)], (3.0, 0.75, 12.0, True, 0.9)),
            # A baseline that scatters more than both rows do is left out.
            ([line(slow[0], 60.0, 1.1, base[0]["row"], 0.5, reach_of_ratio=2.0), line(fast[0], 20.0, 1.2, base[0]["row"], 1.5, reach_of_ratio=2.0)],
             (3.0, 3.0 / 1.1 / 1.2, 3.0 * 1.1 * 1.2, True, 0.9)),
            # One row is what the other has its ratio to: that interval is it.
            ([line(slow[0], 61.0, 9.0), line(fast[0], 20.0, 1.25, slow[0]["row"], 3.0)], (1 / 3.0, 1 / 3.75, 1 / 2.4, True, 0.95))):
        (cwd / "r/estimates.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        results = load.Results([cwd / "r"])
        rows = {r["config"]["strategy"]["name"]: r for r in results.ok}
        pair = ("atomic", "biased") if expected[0] > 1 else ("biased", "atomic")
        found = estimates.quotient(*(rows[name] for name in pair), "ns_per_op")
        assert about(found, *expected[:3]) and (found.interval, round(found.confidence, 9)) == expected[3:], (expected, vars(found))
    assert estimates.quotient(rows["atomic"], {**rows["biased"], "row": "none of it"}, "ns_per_op") is None
    assert "90 % interval, Student" in estimates.note([estimates.Estimate(1, 1, 1, True, 5, 15, False, False, 0.9)])
    assert "median over processes; bars: 95 % by order statistics" in estimates.note([estimates.Estimate(1, 1, 1, True, 7, 14, False, False, 0.95, "order statistics")])


def the_model_stands_beside_what_asks_the_same_of_interpreters(cwd):
    model = [r for n, ns in ((1, 100.0), (2, 125.0), (4, 400.0)) for r in made_up.program("biased", "attr_private", n, ns=ns, wander=0)]
    model += made_up.program("gil", "fib", 1) + made_up.program("biased", "attr_private", 2, immortal="no", ns=100.0)
    made_up.write(cwd / "model", model)
    made_up.write(cwd / "free", [r for n, wall in ((1, 50.0), (2, 25.0)) for item in ("private_attribute", "bound_method")
                                 for r in made_up.asked("3.13.5t", False, item, n, wall=wall, wander=0)])
    panels = {p.name: p for p in speedup.made(load.Results([cwd / "model", cwd / "free"]))}
    # fib has one number of threads only, and so have constants that are counted.
    assert list(panels) == ["attr_private (private_attribute)", "bound_method"], list(panels)
    found = {called: {n: round(e.median, 9) for n, e in curve.items()} for called, curve in panels["attr_private (private_attribute)"].curves.items()}
    assert found == {"biased": {2: 1.6, 4: 1.0}, "Python 3.13.5t": {2: 2.0}}, found
    told = said_by(cwd / "model", "speedup", cwd / "free")["speedup"]
    for words in ("attr_private (private_attribute)", "bound_method", "Python 3.13.5t", "ideal", "real interpreters"):
        assert words in told, (words, told)
    alone = said_by(cwd / "free", "speedup")["speedup"]
    assert "bound_method" in alone and "private_attribute" in alone and "attr_private" not in alone, alone


def an_interpreter_has_the_colour_of_what_counts_as_it_does(cwd):
    made_up.write(cwd / "r", made_up.programs())
    (_, _, fig), *_ = pictures(cwd / "r", only=["speedup"])
    from tally_plots import style
    rows = programs.of_interpreters(load.Results([cwd / "r"]))
    families = {programs.interpreter(r): programs.scheme(r) for r in rows}
    assert families == {"Python 3.13.0": "gil", "Python 3.13.5t": "biased", "Python 3.13.5t+gil": "gil"}, families
    looks = style.looks(["gil", "biased", "biased:stack=deferred", *families], families)
    assert len({tuple(look.values()) for look in looks.values()}) == 6
    assert {name: look["color"] for name, look in looks.items() if "Python" in name} == {
        name: style.COLOURS[family] for name, family in families.items()}
    assert len(fig.axes) >= 6 and len({ax.get_ylim() for ax in fig.axes if ax.get_visible()}) == 1


def every_program_of_the_table_is_one(cwd):
    described = subprocess.run([TALLY, "run", "--workload", "interpreter", "--strategy", "gil", "--threads", "1", "--set",
                                f"program={','.join(programs.ITEMS)}", "--plan"], capture_output=True, text=True)
    assert described.returncode == 0 and all(f"program={name}," in described.stdout for name in programs.ITEMS), described
    from tally_gil import items
    missing = [item for item in programs.ITEMS.values() if item not in items.ITEMS]
    assert not missing, missing


def each_rung_is_over_the_one_before(cwd):
    records = [r for strategy, immortal, ns in made_up.RUNGS for r in made_up.program(strategy, "fib", 1, immortal, ns=ns, wander=0)]
    found = [(*pair_of(p), round(dict(p.drawn)["fib"].median, 6)) for p in ladder.made(*of(cwd / "all", records))]
    names = [s + ("" if i == "yes" else " immortal=no") for s, i, _ in made_up.RUNGS]
    times = [ns for *_, ns in made_up.RUNGS]
    expected = [(names[n], names[n - 1], round(times[n] / times[n - 1], 6)) for n in range(1, 8)] + [("none", "gil", 0.55)]
    assert found == expected, found
    # A rung that was not measured is stepped over; one that only some programs have says which are left out.
    few = [r for r in records if r["config"]["strategy"]["label"] in ("gil", "biased")] + made_up.program("gil", "mixed", 1)
    panels = list(ladder.made(*of(cwd / "few", few)))
    assert [pair_of(p) for p in panels] == [("biased immortal=no", "gil"), ("biased", "biased immortal=no")], [p.title for p in panels]
    assert panels[0].absent == {"mixed": "not measured on both rungs in one run"} and panels[0].values == ["+40 %"], vars(panels[0])
    assert "rungs that were not measured: gil:counts=atomic, atomic, atomic:immortal=yes, biased:stack=deferred," in said_by(cwd / "few", "ladder")["ladder-1"]
    told = said_by(made_up.write(cwd / "r", records), "ladder")["ladder-1"]
    assert "not measured" not in told, told
    for words in ("gil:counts=atomic over gil", "counts are locked instructions", "+80 %", "-6 %", "time over the rung before, 1 thread"):
        assert words in told, (words, told)
    assert ladder.change(2.5) == "2.5x" and ladder.change(0.9) == "-10 %" and ladder.change(1.0) == "+0 %"
    assert said_by(made_up.write(cwd / "one", made_up.program("gil", "fib", 1)), "ladder") == {}


def the_suite_has_the_rungs_of_the_picture(cwd):
    planned = subprocess.run([TALLY, "run", "--suite", "ladder", "--plan"], capture_output=True, text=True)
    assert planned.returncode == 0, planned
    # One that this build lacks is in the list of what is skipped.
    words = set(re.split(r",? +", planned.stdout.replace("\n", " ")))
    missing = [rung.label for rung in ladder.RUNGS if rung.label not in words]
    assert not missing and "immortal=no," in planned.stdout, (missing, planned.stdout)


def pair_of(panel):
    """A rung, and the one that it stands over."""
    return tuple(panel.title.partition(": ")[0].split(" over "))


def of(directory, records):
    results = load.Results([made_up.write(directory, records)])
    return results, programs.of_model(results), "ns_per_op"


def findings_are_drawn_as_the_program_judges_them(cwd):
    made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "gil": 20.0}, "copy_drop"), made_up.FINDINGS)
    judge = made_up.judge(cwd, made_up.verdicts()[:4], code=1)  # one is refuted: the verdicts are there all the same
    told = said_by(cwd / "r", "findings", "--tally", judge)["findings"]
    for words in ("threads-under-a-lock", "1 [0.9, 1.1] reproduced", "atomic-counts-cost-an-interpreter-more: against-the-lock *",
                  "0.5 [0.45, 0.55] refuted", "not testable: one: needs 32 cores", "latency_p99 5 200 000 [4 680 000, 5 720 000] reproduced", "is no ratio", "the machine was busy", "refutes it"):
        assert words in re.sub(r"\s+", " ", told), (words, told)
    assert (cwd / "asked").read_text() == f"findings --results {cwd / 'r'} --json\n"
    made_up.write(cwd / "s", [made_up.simulated("atomic", "copy_drop", 2)], {"suite": "sim", "request": {"suite": "findings.a+b"}})
    assert said_by(cwd / "s", "findings", "--tally", judge) and (cwd / "asked").read_text().endswith(" --simulate\n")


def findings_that_cannot_be_judged_are_a_sentence(cwd):
    rows = made_up.scene({"atomic": 38.0, "gil": 20.0}, "copy_drop")
    made_up.write(cwd / "r", rows, made_up.FINDINGS)
    for judge, words in ((made_up.judge(cwd, made_up.verdicts(), code=64), "it ended with 64"), (cwd / "nowhere", "No such file"),
                         ("/bin/true", "gives no verdicts")):
        done = draw(cwd / "r", "--tally", judge)
        assert done.returncode == 0 and done.stderr.startswith(f"plot.py: findings of {cwd / 'r'}: ") and words in done.stderr, done
        assert done.stderr.count("\n") == 1 and (cwd / "r/plots/cost.png").exists() and not (cwd / "r/plots/findings.png").exists(), done
    judge = made_up.judge(cwd, [made_up.finding("a", made_up.check("b", "not testable here", reason="b was not measured"))])
    assert said_by(cwd / "r", "findings", "--tally", judge) == {}
    # Other results are not asked about.
    (cwd / "asked").unlink()
    assert said_by(made_up.write(cwd / "other", rows, {"suite": "quick"}), "findings", "--tally", judge) == {} and not (cwd / "asked").exists()


def the_axis_shows_what_was_measured_and_no_band_far_from_it(cwd):
    lines = [findings.Line(f, c, True) for f in made_up.verdicts()[:3] for c in f["checks"]]
    low, high = findings.limits(lines)  # 0.27 to 2.64 were measured, bands are from 0.01 to 2000
    assert 0.27 / 4 < low < 0.27 and 2.64 < high < 2.64 * 4, (low, high)
    low, high = findings.limits(lines[:1])  # a band and a bound that are near are on it whole
    assert low < 0.85 and high > 1.25, (low, high)


def the_tally_that_draws_is_the_one_that_judges(cwd):
    ran = subprocess.run([TALLY, "run", "--suite", "findings.header-grows+full-collection-is-linear", "--duration", "5ms", "--processes", "1", "--repeat", "1",
                          "--quiet", "--out", str(cwd / "r")], capture_output=True, text=True)
    assert ran.returncode == 0, ran
    judged = json.loads(subprocess.run([TALLY, "findings", "--results", cwd / "r", "--json"], capture_output=True, text=True).stdout)
    (grows,) = [f["checks"] for f in judged if f["finding"] == "header-grows"]
    assert (grows[0]["refuted_above"], grows[0]["refuted_below"]) == (2.0, 2.0), grows
    (linear,) = [f["checks"] for f in judged if f["finding"] == "full-collection-is-linear"]
    assert linear[0]["refuted_below"] == 2.0 and "refuted_above" not in linear[0], linear
    done = subprocess.run([TALLY, "plot", cwd / "r", "--only", "findings"], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0 and done.stderr == "", done
    told = re.sub(r"<[^>]*>", " ", texts(cwd / "r/plots/findings.svg"))
    assert "header-grows" in told and "2 [2, 2] reproduced" in told, told


run_tests(dict(globals()), sys.argv[3:], "tally-plots-")
