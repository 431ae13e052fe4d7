#!/usr/bin/env python3
"""scripts/gil_vs_ft.py --model: the model's findings beside interpreters, on made-up verdicts and rows. No time decides.

  gil_vs_ft_model.py TALLY PLOT_SCRIPT [TEST...]
"""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import SOURCE, TALLY
from run_tests import run_tests
from made_interpreters import FREE, GIL, LOCKED, made_view
from tally_gil import model

FINDINGS = [made_up.finding("private-programs-scale", made_up.check("lists", "reproduced", 1.9), made_up.check("attributes", "direction only", 1.05)),
            made_up.finding("shared-reads-collapse", made_up.check("attributes", "reproduced", 0.3), made_up.check("lists", "refuted", 1.9)),
            made_up.finding("deferred-calls-scale", made_up.check("function", "reproduced", 0.44), made_up.check("method", "reproduced", 1.9)),
            made_up.finding("header-grows", made_up.check("bytes", "reproduced", 2.0)),
            made_up.finding("hand-over-takes-an-interval", made_up.figure("interval", "reproduced", "latency_p99", 5e6),
                            made_up.check("against-none", "reproduced", 40.0)),
            made_up.finding("queue-hand-off-costs-more", made_up.check("cost", "not testable here", reason="needs 2 cores"))]
SEEN = made_view(speedups={(FREE, "private_list"): [1.95] * 7, (FREE, "private_attribute"): [1.9] * 7, (FREE, "shared_attribute"): [0.3] * 7,
                           (FREE, "shared_list_item"): [0.4] * 7, (FREE, "module_function"): [1.98] * 7, (FREE, "pymethod"): [1.8] * 7},
                 per_op={(FREE, "handoff", 2): [270.0] * 7, (GIL, "handoff", 2): [150.0] * 7},
                 metrics={(FREE, "header_size", "size_object"): [32], (GIL, "header_size", "size_object"): [16],
                          (LOCKED, "header_size", "size_object"): [32], (GIL, "wakeup_5ms", "late_ms"): [5.2] * 7,
                          (FREE, "wakeup_5ms", "late_ms"): [0.08] * 7})


def results_of(folder):
    made_up.write(folder / "r", made_up.scene({"atomic": 38.0, "gil": 20.0}, "copy_drop"), made_up.FINDINGS)
    return folder / "r", made_up.judge(folder, FINDINGS)


def directions_are_compared_and_nothing_else(cwd):
    folder, judge = results_of(cwd)
    rows = {(finding, claim, who): (said, seen, agree) for finding, claim, said, who, seen, agree
            in model.compared(SEEN, model.judged(folder, str(judge)))}
    told = {claim: agree for (_, claim, who), (_, _, agree) in rows.items() if who == FREE.name}
    expected = {"lists of a thread's own scale": model.YES, "instances of a thread's own scale": model.OPEN,
                "one shared attribute collapses": model.YES, "one item of a shared list collapses": model.NO,
                "calls of one function scale": model.NO, "calls of an instance's own method scale": model.YES,
                "longer than without the lock": model.YES, "the free-threaded header is larger": model.YES,
                # The model could not be asked, or has no such finding; the interpreter was not asked.
                "a queue's hand-off takes longer without the lock": model.NOT_ASKED, "mortal ones are": model.NOT_ASKED,
                "one value of a shared dictionary collapses": model.NOT_ASKED}
    assert {claim: told[claim] for claim in expected} == expected, told
    assert rows["R2", "lists of a thread's own scale", FREE.name][:2] == ("reproduced, 1.90 [1.71, 2.09]", "1.95 [1.95, 1.95]")
    assert rows["R15", "a queue's hand-off takes longer without the lock", FREE.name] == (model.NOT_ASKED, "1.80 [1.80, 1.80]", model.NOT_ASKED)
    waits = "who wants the lock waits for more than a millisecond"
    assert rows["R22", waits, GIL.name] == ("reproduced, latency_p99 5000000 [4500000, 5500000]", "5.20 [5.20, 5.20]", model.YES)
    assert rows["R22", waits, LOCKED.name][1:] == ("-", model.NOT_ASKED)
    assert {finding for finding, *_ in rows} == {"R2", "R5", "R7", "R9", "R11", "R14", "R15", "R16", "R22"}
    # The same program with its lock is no default build: its objects are the same.
    alone = made_view(FREE, LOCKED, metrics={(v, "header_size", "size_object"): [32] for v in (FREE, LOCKED)})
    assert all(row[-1] == model.NOT_ASKED for row in model.compared(alone, model.judged(folder, str(judge))) if row[0] == "R16")


def a_side_is_one_only_with_the_whole_interval(cwd):
    assert [model.side(*ends, 1) for ends in ((1.1, 2), (0.2, 0.9), (0.9, 1.1), (1, 2), (0.5, 1))] == [1, -1, 0, 0, 0]


def pairs_name_what_there_is(cwd):
    from tally_gil import claims, items
    assert all(pair.kind in claims.KINDS for pair in model.PAIRS)
    known = {p.stem for p in (SOURCE / "harness/run/findings").glob("*.finding")}
    assert sum(pair.check[0] in known for pair in model.PAIRS) >= 14, known
    for pair in model.PAIRS:
        if pair.check[0] in known:
            assert f"check.{pair.check[1]} =" in (SOURCE / f"harness/run/findings/{pair.check[0]}.finding").read_text(), pair


def called(*arguments):
    return subprocess.run([sys.executable, str(SOURCE / "scripts/gil_vs_ft.py"), *map(str, arguments)], capture_output=True, text=True)


def the_table_is_printed_and_changes_no_exit_code(cwd):
    folder, judge = results_of(cwd)
    done = called("--quick", "--only", "header_size", "--python", sys.executable, "--model", folder, "--tally", judge)
    assert done.returncode == 0 and "## Beside the model" in done.stdout and "reproduced, 2.00 [1.80, 2.20]" in done.stdout, done
    assert (cwd / "asked").read_text().split()[:3] == ["findings", "--results", str(folder)]
    for what, words in (((cwd / "nowhere",), "no rows.jsonl there"), ((folder, "--tally", "/bin/false"), "gives no verdicts"),
                        ((folder, "--tally", TALLY), "none of its rows is a finding's")):
        refused = called("--quick", "--python", sys.executable, "--model", *what)
        assert refused.returncode == 64 and not refused.stdout and words in refused.stderr and refused.stderr.count("\n") == 1, refused


run_tests(dict(globals()), sys.argv[3:], "tally-gil-")
