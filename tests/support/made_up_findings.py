"""Made-up verdicts of findings, and a program that gives them."""
import json
import pathlib

FINDINGS = {"suite": "findings"}  # what a directory's config.json says


def check(name, verdict, ratio=None, low=0.85, high=1.1, **more):
    """A check as `tally findings --json` prints it; of one without a ratio `more` has the reason."""
    found = {} if ratio is None else {"ratio": ratio, "interval": [0.9 * ratio, 1.1 * ratio]}
    return {"name": name, "metric": "ns_per_op", "low": low, "high": high, "expected": "", "source": "A", "verdict": verdict, **found, **more}


def figure(name, verdict, metric_name, value, **more):
    """A check of one row's own figure."""
    made = check(name, verdict, value, 0.95 * value, 1.1 * value, **more)
    made["value"] = made.pop("ratio")
    return {**made, "metric": metric_name}


def finding(slug, *checks, doubtful=False):
    return {"finding": slug, "claim": "It is so.", "verdict": checks[0]["verdict"], "doubtful": doubtful, "checks": list(checks)}


def verdicts():
    """Every kind of check, and more of them than a page holds."""
    found = [finding("threads-under-a-lock", check("speedup", "reproduced", 1.0, refuted_above=1.25)),
             finding("atomic-counts-cost-an-interpreter-more", check("one-thread", "direction only", 2.4, 1.1, 2.0, refuted_below=1.03),
                     check("against-the-lock", "refuted", 0.5, 1.2, 3.0, refuted_below=0.9, refuted_above=9.0), doubtful=True),
             finding("collapses", check("two", "reproduced", 0.3, 0.01, 0.8, refuted_above=1.2),
                     check("thirty-two", "not testable here", None, 10.0, 2000.0, reason="one: needs 32 cores, of which this machine has 2")),
             finding("a-hand-over-takes-an-interval", figure("interval", "reproduced", "latency_p99", 5.2e6, refuted_below=1e6))]
    return found + [finding(f"finding-{n}", check("ratio", "reproduced", 1.0 + n, 1.0, 50.0, refuted_below=0.5)) for n in range(40)]


def judge(directory, found, code=0):
    """A program that answers as `tally findings` does; what it was asked is in the file `asked` beside it."""
    program = pathlib.Path(directory) / "judge"
    (program.parent / "verdicts.json").write_text(json.dumps(found))
    program.write_text(f'#!/bin/sh\necho "$@" > "$(dirname "$0")/asked"\ncat "$(dirname "$0")/verdicts.json"\nexit {code}\n')
    program.chmod(0o755)
    return program
