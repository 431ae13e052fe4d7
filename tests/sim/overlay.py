#!/usr/bin/env python3
"""Observed rows beside simulated ones: which are the same row, what is compared, and what the verdict says.

What was observed is made up where a verdict is asked for: what this machine does at the moment decides no test.

  overlay.py TALLY SOURCE_DIR
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

TALLY, SOURCE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
SCHEMA = jsonschema.Draft202012Validator(json.loads((SOURCE / "results" / "schema.json").read_text()))
WHAT = ["--strategy", "atomic,deferred,gil", "--workload", "copy_drop,publish", "--set", "sharing=shared"]
SIM = ["--cores", "2,4", "--ops", "100", "--schedule", "rr:2,rr:20"]
HOT = "atomic | copy_drop sharing=shared | 2 threads"


def tally(*arguments, expect=0):
    done = subprocess.run([TALLY, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == expect, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def rows_of(directory):
    rows = [json.loads(line) for line in (directory / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        for error in SCHEMA.iter_errors(row):
            raise AssertionError(f"{row['row']}: {list(error.path)}: {error.message}")
    return rows


def made_up(observed, into, factor, verdict="contended"):
    """The same rows, all windows `verdict`, with `factor` hand-offs per operation in 1e6 operations."""
    into.mkdir()
    with open(into / "rows.jsonl", "w") as out:
        for row in observed:
            row = json.loads(json.dumps(row))
            row["quality"]["verdict"] = verdict
            row["metrics"]["operations"]["value"] = 1e6
            row["metrics"]["handoffs_per_op"]["value"] = factor
            out.write(json.dumps(row) + "\n")
    return into


def main():
    with tempfile.TemporaryDirectory() as scratch:
        top = pathlib.Path(scratch)
        tally("run", "--mode", "observed", *WHAT, "--threads", "2", "--duration", "10ms", "--processes", "1", "--repeat", "2", "--quiet",
              "--out", top / "seen")
        observed = [r for r in rows_of(top / "seen") if r.get("role") == "observed"]
        assert len(observed) == 12 and all(r["status"] == "ok" for r in observed), [(r["row"], r.get("reason")) for r in observed]

        def judged(name, *overlays):
            out = tally("sim", *WHAT, *SIM, *(f for o in overlays for f in ("--overlay", o)), "--out", top / name)
            return out, {r["row"].rsplit("|simulated", 1)[0]: r for r in rows_of(top / name)}

        _, plain = judged("plain")
        assert not any("agreement" in r for r in plain.values())
        hot = plain["atomic|copy_drop sharing=shared|2"]
        # Two RMWs in a row: every other finds that the other core was there.
        assert hot["metrics"]["handoffs_per_op"] == {"value": 1.0, "unit": "1/op", "class": "simulated"}, hot["metrics"]
        assert hot["metrics"]["ops_per_handoff"]["value"] == 1.0
        count = hot["simulation"]["fields"]["count"]
        assert count["rmws"] == count["known"] == 2 * count["handoffs"], count
        assert [s["handoffs"] for s in hot["simulation"]["schedules"]] == [200, 20], hot["simulation"]["schedules"]

        out, rows = judged("agree", made_up(observed, top / "near", 0.8))
        verdict = rows["atomic|copy_drop sharing=shared|2"]["agreement"]
        assert (verdict["verdict"], verdict["factor"], verdict["fields"]) == ("agree", 1.25, ["count"]), verdict
        assert verdict["within_band"] and verdict["observed"]["windows"] == 2
        assert verdict["simulated"] == {"class": "simulated", "handoffs_per_op": 1.0, "low": 0.1, "high": 1.0}, verdict
        assert "agreement" not in rows["atomic|copy_drop sharing=shared|4"], "four cores are not two threads"
        line = next(text for text in out.splitlines() if HOT in text)
        assert line.split(" threads")[1].split() == ["1", "[1-10]", "1.25", "1", "agree", "within", "1.2x"], line
        gil = rows["gil|copy_drop sharing=shared|2"]["agreement"]
        assert gil["words"] == "not comparable: no read-modify-write was watched", "a lock's word is not among them"

        _, rows = judged("differ", made_up(observed, top / "far", 0.05))
        assert rows["atomic|copy_drop sharing=shared|2"]["agreement"]["verdict"] == "differ"

        # Windows that were not contended are left out; two directories are one set of windows.
        made_up(observed, top / "lone", 0.01, "partly")
        told, rows = judged("lonely", top / "lone")
        assert "chrt" in told and "chrt" not in out, "what would help is said where it would"
        verdict = rows["atomic|copy_drop sharing=shared|2"]["agreement"]
        assert verdict["words"] == "not comparable: row not contended (partly)", verdict
        _, rows = judged("both", top / "lone", top / "near")
        verdict = rows["atomic|copy_drop sharing=shared|2"]["agreement"]
        assert verdict["verdict"] == "agree" and verdict["observed"]["left_out"] == 2, verdict

        assert "there is no run" in tally("sim", *WHAT, *SIM, "--overlay", top / "nowhere", expect=64)
        assert "no observed rows" in tally("sim", *WHAT, *SIM, "--overlay", top / "plain", expect=64)


main()
