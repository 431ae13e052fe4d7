#!/usr/bin/env python3
"""What is not this run's: other sessions on the machine, rows of other runs in its file; and the terminal that it is read on.

neighbours.py TALLY [TEST...]
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import termios

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests
from tally_program import runner

tally = str(pathlib.Path(sys.argv[1]).resolve())
run = runner(tally)
ONE = ["run", "--strategy", "atomic", "--workload", "copy_drop", "--threads", "1", "--processes", "1", "--repeat", "1"]
SHORT = [*ONE, "--duration", "5ms"]


def records(directory):
    return [json.loads(line) for line in (directory / "rows.jsonl").read_text().splitlines()]


def names(record, process):
    said = [r for r in record["quality"]["reasons"] if "another tally" in r]
    return record["quality"]["doubtful"] and any(str(process) in r for r in said)


def two_at_once_notice_each_other(cwd):
    # The long one's windows are there before the short one starts and after it ends.
    long = subprocess.Popen([tally, *ONE, "--duration", "3s", "--out", "long"], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)
    for line in long.stdout:
        if line.startswith("Results"):
            break
    short = subprocess.Popen([tally, *SHORT, "--out", "short"], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _, said = short.communicate(timeout=60)
    told = re.search(r"Another tally works on this machine \(process(?:es)? ([\d, ]+)\)", said)  # other tests' may be among them
    assert short.returncode == 0 and told and str(long.pid) in told[1].split(", "), said
    assert all(names(r, long.pid) for r in records(cwd / "short"))
    out, said = long.communicate(timeout=60)
    assert long.returncode == 0, said
    assert any(names(r, short.pid) for r in records(cwd / "long")), "it ended while a window went on"


def a_simulation_disturbs_as_well(cwd):
    sim = subprocess.Popen([tally, "sim", "--strategy", "atomic", "--workload", "copy_drop", "--cores", "64", "--ops", "1000000", "--out", "s"],
                           cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for line in sim.stdout:
            if line.startswith("Results"):
                break
        else:
            return  # a build without the simulator
        run(*SHORT, "--out", "r", cwd=cwd)
    finally:
        sim.kill()
        sim.communicate()
    assert all(names(r, sim.pid) for r in records(cwd / "r"))


def rows_of_another_run_are_no_part_of_a_file(cwd):
    run(*SHORT, "--out", "mine", cwd=cwd)
    run(*SHORT, "--set", "sharing=shared", "--out", "other", cwd=cwd)
    mine, other = ((cwd / d / "rows.jsonl").read_text() for d in ("mine", "other"))

    def going_on(text, expect, wanted):
        (cwd / "mine/rows.jsonl").write_text(text)
        _, said = run("run", "--resume", "--out", "mine", cwd=cwd, expect=expect)
        assert wanted in said, said
        assert (cwd / "mine/rows.jsonl").read_text() == text, "it was changed"

    going_on(mine, 0, "")
    going_on(mine + mine, 3, "is there already")
    going_on(mine + other, 64, "is no row of this run")

    def changed(part, key):
        record = json.loads(mine.splitlines()[0])
        record[part][key] = "0" * 16
        record["block"] = 1
        return mine + json.dumps(record) + "\n"

    going_on(changed("binary", "executable"), 3, "another binary's")
    going_on(changed("machine", "machine_id"), 3, "another machine's")


def on_a_terminal(arguments, columns, cwd):
    """What is printed on a terminal so wide."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([tally, *arguments], cwd=cwd, stdout=child, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    os.close(child)
    text = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        text += piece
    os.close(parent)
    assert process.wait() == 0
    return text.decode().replace("\r\n", "\n")


def lines_fit_the_terminal_and_no_word_is_broken(cwd):
    run(*SHORT, "--out", "r", cwd=cwd)
    widest = 0
    for arguments in (["list"], ["list", "metrics"], ["describe", "biased"], ["describe", "tree_churn"], ["run", "--suite", "quick", "--plan"]):
        piped, _ = run(*arguments, cwd=cwd)
        shown = on_a_terminal(arguments, 80, cwd)
        assert shown.split() == piped.split(), f"{arguments}: other words"
        wide = [line for line in shown.splitlines() if len(line) > 80 and " " in line.strip() and not line.startswith(("Next: ", "Results: "))]
        assert not wide, f"{arguments}: {wide[0]}"
        widest = max(widest, *map(len, piped.splitlines()))
    assert widest > 80, "nothing was to be broken"
    assert json.loads(on_a_terminal(["list", "--json"], 20, cwd)) == json.loads(run("list", "--json", cwd=cwd)[0]), "JSON is not folded"


run_tests(dict(globals()), sys.argv[2:], "tally-neighbours-")
