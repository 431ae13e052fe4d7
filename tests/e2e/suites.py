#!/usr/bin/env python3
"""The suites as they are planned here, with one short window of each row: none fails, whatever its heap and its parameters.

  suites.py TALLY SOURCE_DIR [TEST...]
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests
from tally_program import lines, runner

run = runner(str(pathlib.Path(sys.argv[1]).resolve()))


def measured(cwd, suite):
    run("run", "--suite", suite, "--processes", "1", "--repeat", "1", "--duration", "5ms", "--out", suite, cwd=cwd, timeout=240)
    rows = lines(cwd / suite / "rows.jsonl")
    failed = {r["row"]: r.get("reason") for r in rows if r["status"] == "error"}
    assert rows and not failed, failed


def no_row_of_a_small_suite_fails(cwd):
    for suite in ("quick", "choice", "core", "ladder", "collectors"):
        measured(cwd, suite)


def no_row_of_the_default_suite_fails(cwd):
    measured(cwd, "default")


run_tests(globals(), sys.argv[3:], "tally-suites-")
