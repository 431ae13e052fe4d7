#!/usr/bin/env python3
"""scripts/findings_stability: what it says of runs whose verdicts are made up, what it refuses, and one run of the real program, judged
again.

  findings_stability.py SOURCE TALLY
"""
import pathlib
import subprocess
import sys
import tempfile

SOURCE, TALLY = pathlib.Path(sys.argv[1]), sys.argv[2]
# Says of the finding "steady" always the same, and of "shaky" what the number of its folder says.
FAKE = """#!/usr/bin/env python3
import json, pathlib, sys
arguments = sys.argv[1:]
assert arguments[:2] == ["findings", "--json"], arguments
folder = pathlib.Path(arguments[-1])
if arguments[-2] == "--out":
    folder.mkdir(parents=True)
    probes = [{"p50_ns": ns + int(folder.name)} for ns in (30, 40, 200)] if folder.name != "02" else (None,)
    (folder / "rows.jsonl").write_text("".join(json.dumps({"environment": {"before": {"handoff": p}}}) + "\\n" for p in probes)
                                       + '{"status": "skipped"}\\n')
refuted = int(folder.name) in REFUTED
def finding(slug, verdict, ratio):
    checks = [{"name": "cost", "expected": "1 to 2; refuted above 3", "verdict": verdict, "ratio": ratio}]
    return {"finding": slug, "verdict": verdict, "checks": checks + [{"name": "missing", "verdict": "not testable here", "reason": "no"}]}
print(json.dumps([finding("steady", "reproduced", 1.5), finding("shaky", *(("refuted", 3.5) if refuted else ("reproduced", 1.9)))]))
sys.exit(refuted)
"""
complaints = []


def check(what, holds):
    if not holds:
        complaints.append(what)


def called(*arguments):
    return subprocess.run([sys.executable, str(SOURCE / "scripts/findings_stability"), *map(str, arguments)], capture_output=True, text=True)


def fake(folder, refuted):
    program = folder / f"tally{len(refuted)}"
    program.write_text(FAKE.replace("REFUTED", repr(refuted)))
    program.chmod(0o755)
    return program


def counted(folder):
    for refuted, exit_code, said in (([], 0, "2 the same in all runs, 0 with"), ([3], 0, "1 the same in all runs, 0 with"),
                                     ([3, 7], 1, "1 the same in all runs, 1 with")):
        out = folder / f"out{len(refuted)}"
        done = called("--tally", fake(folder, refuted), "--out", out)
        check(f"{refuted}: {done}", done.returncode == exit_code and said in done.stdout)
        check(f"ten numbered folders: {sorted(out.iterdir())}", sorted(f.name for f in out.iterdir()) == [f"{n:02}" for n in range(1, 11)])
        check(f"the placements: {done.stdout}", done.stdout.endswith("\na line handed over, ns by run: 41 - 43 44 45 46 47 48 49 50\n"))
        verdicts = "".join("X" if n in refuted else "r" for n in range(1, 11))
        check(f"the verdicts of each run: {done.stdout}", f"shaky   {verdicts}  {len(refuted)} of 10" in done.stdout)
        check(f"the figures of what differs: {done.stdout}", ("cost: 1.9 to 3.5, expected 1 to 2; refuted above 3" in done.stdout) == bool(refuted))
        again = called("--tally", fake(folder, refuted), "--out", out, "--judge")
        check(f"judged, not measured: {again}", again.stdout == done.stdout and again.returncode == exit_code and not again.stderr)
    few = called("--tally", fake(folder, [2]), "--out", folder / "few", "--runs", "3")
    check(f"one of three is more than one of ten: {few}", few.returncode == 1 and "shaky   rXr" in few.stdout)


def refused(folder):
    taken = called("--tally", fake(folder, []), "--out", folder / "out0")
    check(f"a folder that is there: {taken}", taken.returncode == 2 and "there already" in taken.stderr)
    empty = called("--tally", fake(folder, []), "--out", folder / "nothing", "--judge")
    check(f"nothing to judge: {empty}", empty.returncode == 2 and "there is no folder of a run" in empty.stderr)
    for program, said in (("/bin/true", "printed no verdicts"), ("/nowhere", "/nowhere")):
        broken = called("--tally", program, "--out", folder / "broken", "--runs", "1")
        check(f"{program}: {broken}", broken.returncode == 2 and said in broken.stderr and "Traceback" not in broken.stderr)
    for arguments in (["--runs", "0"], ["--judge"], ["--nosuch"]):
        check(str(arguments), called(*arguments).returncode == 64)
    unknown = called("--tally", TALLY, "--out", folder / "unknown", "--runs", "1", "header-grow")
    check(f"no such finding: {unknown}", unknown.returncode == 2 and "header-grows" in unknown.stderr)


def real(folder):
    done = called("--tally", TALLY, "--out", folder / "real", "--runs", "1", "header-grows")
    check(f"the real program: {done}", done.returncode == 0 and "header-grows  r " in done.stdout)
    again = called("--tally", TALLY, "--out", folder / "real", "--judge", "header-grows")
    check(f"the same, judged again: {again}", again.returncode == 0 and again.stdout == done.stdout)


with tempfile.TemporaryDirectory() as scratch:
    counted(pathlib.Path(scratch))
    refused(pathlib.Path(scratch))
    real(pathlib.Path(scratch))
print("\n".join(complaints) or "ok")
sys.exit(bool(complaints))
