"""What the plots call each metric on their axes, and in which unit.

A run that says what its metrics are (a list of {name, unit, better, meaning} under "metrics" in config.json, or in a line of
estimates.jsonl) is believed; the titles are those below as long as the units are.
"""
import re
from collections import namedtuple

from . import estimates

# `better` is "less", "more" or None; `scale` turns the unit into the title's.
Metric = namedtuple("Metric", "name unit better meaning title scale")


def _named(*entries):
    return {e[0]: Metric(*e) for e in entries}


METRICS = _named(
    ("ns_per_op", "ns", "less", "time of one operation on one thread", "ns per operation (of one thread)", 1.0),
    ("cpu_ns_per_op", "ns", "less", "processor time of the whole process per operation", "ns of CPU time per operation", 1.0),
    ("ops_per_second", "1/s", "more", "operations of all threads per second", "million operations per second", 1e-6),
    ("latency_p50", "ns", "less", "latency that half of the operations stay below", "ns per operation", 1.0),
    ("latency_p90", "ns", "less", "latency that 90 % of the operations stay below", "ns per operation", 1.0),
    ("latency_p99", "ns", "less", "latency that 99 % of the operations stay below", "ns per operation", 1.0),
    ("latency_p999", "ns", "less", "latency that 99.9 % of the operations stay below", "ns per operation", 1.0),
    ("latency_p9999", "ns", "less", "latency that 99.99 % of the operations stay below", "ns per operation", 1.0),
    ("latency_max", "ns", "less", "latency of the slowest operation", "ns per operation", 1.0),
    ("promptness_p50", "ns", "less", "time from last drop to free of half of the objects", "us from last drop to free", 1e-3),
    ("promptness_held_bytes_mean", "B", "less", "bytes of dead objects not yet freed", "MiB dead and not yet freed", 2.0**-20),
    ("live_bytes_peak", "B", "less", "most bytes of objects not yet freed", "MiB of objects not yet freed", 2.0**-20),
    ("held_bytes_peak", "B", "less", "most bytes taken from the allocator and not given back", "MiB taken and not given back", 2.0**-20),
    ("transfers_per_op", "1/op", "less", "lines that come from another core's cache per operation",
     "line transfers per operation", 1.0),
    ("handoffs_per_op", "1/op", "less", "line hand-offs between threads per operation", "line hand-offs per operation", 1.0),
)


def of(results, name):
    """What a results' runs say of a metric, or else the table above."""
    known = METRICS.get(name)
    for run in results.runs:
        for entry in told(run):
            if entry["name"] != name:
                continue
            unit, better, meaning = (entry.get(k) or None for k in ("unit", "better", "meaning"))
            same = known and unit == known.unit
            title = known.title if same else words_of(name) + (f", {unit}" if unit and unit not in ("1", "1/op") else "")
            return Metric(name, unit, better, meaning, title, known.scale if same else 1.0)
    return known or Metric(name, None, None, None, words_of(name), 1.0)


def words_of(name):
    """A title for what nothing says more of than its name."""
    return re.sub(r"\bper op\b", "per operation", name.replace("_", " ").replace(".", ": "))


def told(run):
    estimates.written(run)
    entries = run.metrics if isinstance(run.metrics, list) else []
    return [e for e in entries if isinstance(e, dict) and isinstance(e.get("name"), str)
            and all(e.get(k) is None or isinstance(e[k], str) for k in ("unit", "better", "meaning"))]
