#!/usr/bin/env python3
"""A simulation that was stopped goes on, and ends as if it had not been; one that is named is made again.

  again.py TALLY
"""
import pathlib
import subprocess
import sys
import tempfile

TALLY = pathlib.Path(sys.argv[1]).resolve()
WHAT = ["--strategy", "atomic,plain,biased", "--workload", "copy_drop", "--set", "sharing=private,shared", "--cores", "1,2", "--ops", "40",
        "--schedule", "timed,rr:1", "--protocol", "moesi", "--seed", "5"]


def tally(*arguments, expect=0):
    done = subprocess.run([TALLY, "sim", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == expect, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def main():
    with tempfile.TemporaryDirectory() as scratch:
        top = pathlib.Path(scratch)
        tally(*WHAT, "--quiet", "--out", top / "whole")
        whole = (top / "whole/rows.jsonl").read_bytes()
        lines = whole.splitlines(keepends=True)
        assert len(lines) == 12, len(lines)  # plain on two cores is skipped, twice

        # Killed in the middle of its fifth line.
        (top / "cut").mkdir()
        (top / "cut/config.json").write_bytes((top / "whole/config.json").read_bytes())
        (top / "cut/rows.jsonl").write_bytes(b"".join(lines[:4]) + lines[4][:100])
        assert "set aside" in tally("--resume", "--quiet", "--out", top / "cut")
        assert (top / "cut/rows.jsonl").read_bytes() == whole
        tally("--resume", "--quiet", "--out", top / "cut")  # nothing left to do is fine
        assert (top / "cut/rows.jsonl").read_bytes() == whole
        assert "--ops 41" in tally("--resume", "--ops", "41", "--out", top / "cut", expect=64)
        assert "--cores 1 (it was " in tally("--resume", "--cores", "1", "--out", top / "cut", expect=64)
        assert "--machine" in tally("--resume", "--machine", "xeon-8280", "--out", top / "cut", expect=64)
        assert "no run" in tally("--resume", "--out", top / "nowhere", expect=64)

        tally("--from", top / "whole", "--quiet", "--out", top / "same")
        assert (top / "same/rows.jsonl").read_bytes() == whole
        tally("--from", top / "whole", "--protocol", "mesi", "--cores", "1", "--quiet", "--out", top / "other")
        other = (top / "other/rows.jsonl").read_text().splitlines()
        assert len(other) == 6 and all("|mesi|" in row for row in other), other

        # The machine is in the results: a file that was named need not be there any more.
        figures = TALLY_MACHINE.replace("llc.hit               = 50", "llc.hit               = 44")
        assert figures != TALLY_MACHINE
        (top / "mine.machine").write_text(figures)
        tally(*WHAT, "--machine", top / "mine.machine", "--quiet", "--out", top / "mine")
        (top / "mine.machine").unlink()
        tally("--from", top / "mine", "--quiet", "--out", top / "mine again")
        assert (top / "mine again/rows.jsonl").read_bytes() == (top / "mine/rows.jsonl").read_bytes() != whole

        plan = tally("--suite", "quick", "--cores", "2", "--plan")
        assert "server" in plan and "biased | handoff foreign=1 | 2 cores" in plan, plan
        assert "rigorous" in tally("--suite", "rigorus", "--plan", expect=64)


TALLY_MACHINE = (pathlib.Path(__file__).parents[2] / "harness/sim/machines/epyc-7773x-2s.machine").read_text()
main()
