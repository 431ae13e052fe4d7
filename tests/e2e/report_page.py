#!/usr/bin/env python3
"""The page of `tally report` as a browser has it, light, dark, on a phone and on paper; and of very many rows.

  report_page.py TALLY PLOT_SCRIPT [TEST...]
"""
import os
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import browser
import made_up
from plot_program import TALLY, interpreter
from run_tests import run_tests

MOST_ROWS = 50_000
MOST_BYTES = 2**30   # of memory, of any process
MOST_PAGE = 16 * 2**20


def page(directory):
    subprocess.run([TALLY, "report", directory], check=True, capture_output=True, env={**os.environ, "TALLY_PYTHON": interpreter})
    return directory / "report.html"


def a_browser_shows_it_without_a_complaint(cwd):
    program = browser.found()
    if program is None:
        return print("no Chromium: not looked at")
    records = made_up.chosen_among({"atomic": (15.0, 80.0), "biased": (2.0, 160.0), "deferred": (8.0, 8.2)},
                                   {"atomic": (150.0, 160.0), "biased": (100.0, 700.0), "deferred": (170.0, 180.0)})
    records += made_up.scene(made_up.LONG, "server sessions=1000,requests=zipf", 2, mode="latency")
    file = page(made_up.estimated(cwd / "r", records))
    with browser.Browser(program) as shown:
        for name, how in (("light", {}), ("dark", {"dark": True}), ("narrow", {"width": 360, "height": 740}), ("still", {"width": 360, "scripts": False})):
            shown.open(file, **how)
            shown.picture(cwd / f"{name}.png")
            assert (cwd / f"{name}.png").read_bytes().startswith(b"\x89PNG"), name
            if how.get("scripts", True):
                wide, room = shown.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
                assert wide <= room, (name, wide, room)
        assert (cwd / "light.png").read_bytes() != (cwd / "dark.png").read_bytes()
        shown.open(file)
        shown.printed(cwd / "page.pdf")
        assert (cwd / "page.pdf").read_bytes().startswith(b"%PDF")
        the_filter_hides(shown)
        arrows_go_from_point_to_point(shown)
        assert shown.complaints == [], shown.complaints
        loads = [url for url in shown.loads if not url.startswith("file:")]
        assert loads == [], loads


def the_filter_hides(shown):
    seen = "[...document.querySelectorAll('.s-biased')].filter((part) => part.getClientRects().length > 0).length"
    before = shown.evaluate(seen)
    shown.evaluate("document.getElementById('show-biased').click()")
    assert before > 10 and shown.evaluate(seen) == 0, (before, shown.evaluate(seen))
    shown.evaluate("document.getElementById('show-biased').click()")
    assert shown.evaluate(seen) == before


def arrows_go_from_point_to_point(shown):
    said = "document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent"
    shown.evaluate("document.querySelector('#choice svg [tabindex=\"0\"]').focus()")
    first = shown.evaluate(said)
    shown.press("ArrowRight")
    second = shown.evaluate(said)
    assert first.startswith("0 % shared, 0 % handed off") and second.startswith("10 % shared, 0 % handed off"), (first, second)
    shown.press("Escape")
    assert shown.evaluate(said) == ""


def many_rows_keep_to_memory_and_size(cwd):
    # Time is told and decides nothing: what else the machine does is in it.
    directory = made_up.write(cwd / "r", made_up.suite(processes=10, blocks=7))
    rows = (directory / "rows.jsonl").read_bytes().count(b"\n")
    assert rows >= MOST_ROWS, rows
    for what in (["report", directory], ["plot", directory]):
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([TALLY, *what], check=True, capture_output=True, env={**os.environ, "TALLY_PYTHON": interpreter})
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{what[0]} of {rows} rows: {time.monotonic() - started:.0f} s, {used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime:.0f} s of processors, "
              f"{used.ru_maxrss / 1024:.0f} MiB at most so far")
        assert used.ru_maxrss * 1024 < MOST_BYTES, used.ru_maxrss
    size = (directory / "report.html").stat().st_size
    print(f"the page: {size / 2**20:.1f} MiB")
    assert size < MOST_PAGE, size


run_tests(dict(globals()), sys.argv[3:], "tally-report-page-")
