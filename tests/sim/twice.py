#!/usr/bin/env python3
"""The same simulation in two processes, with other addresses and other numbers of workers: the same bytes, valid rows.

  twice.py TALLY SOURCE_DIR
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

TALLY, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
RUNS = [
    ["--strategy", "*", "--workload", "copy_drop,handoff,task_graph,graph,server", "--cores", "3", "--ops", "30", "--most-accesses", "1000000"],
    ["--strategy", "biased,deferred,mark_sweep", "--workload", "shared_slots,lru_cache,trace", "--cores", "3", "--ops", "30", "--most-accesses", "1000000",
     "--caches", "finite", "--protocol", "moesi", "--seed", "9", "--set", "trace.mode=copies"],
]


def main():
    schema = jsonschema.Draft202012Validator(json.loads((SOURCE / "results" / "schema.json").read_text()))
    for flags in RUNS:
        seen = []
        for jobs in ("1", "2"):
            with tempfile.TemporaryDirectory() as scratch:
                out = pathlib.Path(scratch) / "out"
                done = subprocess.run([TALLY, "sim", *flags, "--jobs", jobs, "--quiet", "--out", str(out)])
                rows = (out / "rows.jsonl").read_bytes()
                seen.append(rows)
                if done.returncode != 0:
                    bad = [r for r in map(json.loads, rows.splitlines()) if r["status"] == "error"]
                    sys.exit(f"exit code {done.returncode}: {[(r['row'], r['reason']) for r in bad]}")
        if seen[0] != seen[1]:
            for a, b in zip(*(s.splitlines() for s in seen)):
                if a != b:
                    sys.exit(f"two runs differ, first in {json.loads(a)['row']}")
            sys.exit("two runs have different numbers of rows")
        rows = [json.loads(line) for line in seen[0].splitlines()]
        for row in rows:
            errors = sorted(schema.iter_errors(row), key=str)
            if errors:
                sys.exit(f"{row['row']}: {errors[0].message} at {list(errors[0].path)}")
        ok = sum(r["status"] == "ok" for r in rows)
        if ok < 10:
            sys.exit(f"only {ok} rows are ok")
        print(f"{len(rows)} rows, {ok} ok, {len(seen[0])} bytes, the same twice")


main()
