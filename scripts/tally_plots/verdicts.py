"""What `tally findings` says of a run's rows: the program judges, the plots draw."""
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve()
# Of a source tree, then of a prefix that the plots are installed in (share/tally/plots/tally_plots).
PLACES = [HERE.parents[2] / "build" / folder / "tally" for folder in ("release", "test", "")] + [HERE.parents[4] / "bin" / "tally"]
SUITE = "findings"


class Unjudged(Exception):
    """Why there are no verdicts, in a sentence."""


def asked(run):
    """Whether a directory is one of published findings."""
    request = run.config.get("request")
    named = [run.config.get("suite"), request.get("suite") if isinstance(request, dict) else None]
    return any(isinstance(name, str) and name.split(".")[0] == SUITE for name in named)


def program(named=None):
    """The program to ask: the one that is named, one of this tree or prefix, PATH's. Throws Unjudged."""
    there = [named] if named else [str(p) for p in PLACES if os.access(p, os.X_OK)] + [shutil.which("tally")]
    if not any(there):
        raise Unjudged("there is no tally to ask for verdicts: build it, or name it with --tally")
    return next(filter(None, there))


def of(run, named=None):
    """The findings with a check that was measured, as the program prints them. Throws Unjudged."""
    simulated = any(r["config"]["mode"] == "simulated" for rows in run.windows.values() for r in rows[:1])
    command = [program(named), "findings", "--results", str(run.directory), "--json"] + (["--simulate"] if simulated else [])
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        found = json.loads(done.stdout) if done.returncode in (0, 1) else None  # 1: one is refuted
    except (OSError, ValueError) as error:
        raise Unjudged(f"{command[0]} gives no verdicts: {error}") from None
    if found is None:
        raise Unjudged(f"{command[0]} gives no verdicts: {done.stderr.strip() or f'it ended with {done.returncode}'}")
    return [f for f in found if any("interval" in check for check in f["checks"])]
