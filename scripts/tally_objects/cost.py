"""What the generational collector costs, here and in CPython: the same objects, interleaved, one thread."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from . import comparison, interpreters

LOOPS = pathlib.Path(__file__).resolve().parent / "cost_loops.py"
COLLECTED = "plain:cycles=generational,rule="
ABOUT = """Measures, in rounds in which both sides take turns:

  pauses   a full collection while so many objects live (workload `cycles`), Tally's over the interpreter's
  churn    `tree_churn` with automatic collections over the same without (gc.disable()), on each side

Prints the median over the rounds, and the least and the greatest. It is for a machine that does nothing else.
"""


class Failed(Exception):
    """What a side said instead of a figure."""


class Tally:
    def __init__(self, path, seconds):
        self.path, self.seconds = path, seconds

    def row(self, strategy, workload, settings):
        """The metrics of one window."""
        with tempfile.TemporaryDirectory() as folder:
            sets = [word for s in settings for word in ("--set", s)]
            call = [self.path, "run", "--strategy", strategy, "--workload", workload, *sets, "--threads", "1", "--baseline", strategy,
                    "--processes", "1", "--repeat", "1", "--duration", f"{self.seconds * 1000:.0f}ms", "--quiet", "--out", folder]
            said = subprocess.run(call, capture_output=True, text=True)
            rows = pathlib.Path(folder) / "rows.jsonl"
            found = [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []
        found = [row["metrics"] for row in found if row["status"] == "ok" and row["config"]["strategy"]["label"] == strategy]
        if not found:
            raise Failed(f"{' '.join(call)}: {said.stderr.strip() or 'no row'}")
        return {name: metric["value"] for name, metric in found[0].items()}

    def pause(self, window):
        return self.row(COLLECTED + "3.13", "cycles", [f"window={window}", "collect_every=1500"])["pause_p50"]

    def churn(self, rule):
        none, off, on = (self.row(strategy, "tree_churn", [])["cpu_ns_per_op"]
                         for strategy in ("plain", COLLECTED + rule + ",automatic=off", COLLECTED + rule))
        return on / off, off / none


class Python:
    def __init__(self, interpreter, seconds):
        self.interpreter, self.seconds = interpreter, seconds

    def ask(self, *words):
        call = [self.interpreter.path, *interpreters.FLAGS, str(LOOPS), *map(str, words), str(self.seconds)]
        said = subprocess.run(call, capture_output=True, text=True)
        if said.returncode:
            raise Failed(f"{' '.join(call)}: {said.stderr.strip()}")
        return float(said.stdout)

    def pause(self, window):
        return self.ask("pauses", window)

    def churn(self):
        off = self.ask("churn", "off")
        return self.ask("churn", "on") / off


def spread(values, form="{:.2f}"):
    return f"{form} [{form}, {form}]".format(statistics.median(values), min(values), max(values))


def pauses(tally, python, windows, rounds):
    print(f"{'objects alive':>14}  {'Tally, ms':>24}  {'Python, ms':>24}  {'Tally / Python':>20}")
    for window in windows:
        pairs = [(tally.pause(window) / 1e6, python.pause(window) / 1e6) for _ in range(rounds)]
        ours, theirs = zip(*pairs)
        print(f"{8 * window:>14}  {spread(ours):>24}  {spread(theirs):>24}  {spread([a / b for a, b in pairs]):>20}", flush=True)


def churn(tally, python, rounds):
    ours, theirs = zip(*[(tally.churn(python.interpreter.rule), python.churn()) for _ in range(rounds)])
    enabled, tracked = zip(*ours)
    print(f"tree_churn, automatic collections over none: Tally {spread(enabled)}, Python {spread(theirs)}")
    print(f"tree_churn, objects with a collector's header over objects without: Tally {spread(tracked)}")


def parse(arguments):
    p = comparison.Parser(prog="collector_cost", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--python", metavar="PATH", default="python3", help="the interpreter (default: python3)")
    p.add_argument("--window", metavar="N", type=comparison.positive, nargs="+", default=[1250, 12500, 125000],
                   help="structures of eight objects that live (default: 1250 12500 125000)")
    p.add_argument("--rounds", metavar="N", type=comparison.positive, default=5, help="of each comparison (default: 5)")
    p.add_argument("--seconds", metavar="S", type=float, default=1.0, help="a figure is measured for so long (default: 1)")
    p.add_argument("--tally", metavar="PATH", default=str(comparison.ROOT / "build" / "tally"), help="the program (default: build/tally)")
    chosen = p.parse_args(arguments)
    if not chosen.seconds > 0:
        p.error("--seconds: above 0")
    return chosen


def main(arguments=None):
    chosen = parse(arguments)
    try:
        interpreter = interpreters.Interpreter(chosen.python)
        if interpreter.rule not in interpreters.RULES:
            raise Failed(f"{interpreter}: {interpreter.why or 'its collector stops all threads, and has no generations'}")
        tally, python = Tally(chosen.tally, chosen.seconds), Python(interpreter, chosen.seconds)
        print(interpreter)
        pauses(tally, python, chosen.window, chosen.rounds)
        churn(tally, python, chosen.rounds)
    except (Failed, interpreters.Unusable, OSError) as error:
        sys.stderr.write(f"collector_cost: {error}\n")
        return 64
    return 0
