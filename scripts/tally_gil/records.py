"""Lines of rows.jsonl (results/schema.json) of what the workers answered, one folder per variant: a file holds one binary's rows."""
import hashlib
import json
import os
import pathlib
import platform

from . import intervals
from .view import TIME, Absent, NotAsked

OPERATIONS = "count"
UNITS = {"_ms": "ms", "_share": "1", "_ns": "ns", "_bytes_per_object": "B", "collections": "count"}


def hashed(data):
    return hashlib.sha256(data).hexdigest()[:16]


def contents(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        return b""


def cpu_model():
    for line in contents("/proc/cpuinfo").decode(errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine():
    return {"machine_id": hashed(b"tally gil_vs_ft " + contents("/etc/machine-id")), "cpu_model": cpu_model(), "cpus": os.cpu_count() or 0,
            "cores": len({tuple(c) for c in core_ids()}) or os.cpu_count() or 0, "kernel": platform.release()}


def core_ids():
    """(package, core) of each processor that this process may use."""
    for cpu in sorted(os.sched_getaffinity(0)):
        topology = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        ids = [contents(topology / name).strip() for name in ("physical_package_id", "core_id")]
        yield ids if all(ids) else [b"", str(cpu).encode()]


def distinct_cores():
    """One processor of each core; then the others."""
    first, rest, seen = [], [], set()
    for cpu, core in zip(sorted(os.sched_getaffinity(0)), map(tuple, core_ids())):
        (rest if core in seen else first).append(cpu)
        seen.add(core)
    return first + rest


def unit(name):
    return next((u for end, u in UNITS.items() if name.endswith(end)), "B" if name.startswith("size_") else "1")


def measured(value, of="1"):
    return {"value": value, "unit": of, "class": "measured"}


def binary(variant):
    i = variant.identity
    return {"git": "", "dirty": False, "compiler": i["compiler"], "flags": f"{i['level']} {i['optimisation']}".strip(),
            "build_type": "debug" if i["debug"] else "release", "sanitizer": "", "library": f"{i['implementation']} {i['version']}",
            "executable": hashed(contents(i["executable"]))}


def quality(window, gil):
    begins, ends = [t["begin_ns"] for t in window["lanes"]], [t["end_ns"] for t in window["lanes"]]
    share = max(0, min(ends) - max(begins)) / max(1, window["wall_ns"])
    verdict = "single" if len(begins) == 1 else "serial" if gil else "contended" if share > 0.9 else "partly" if share > 0.5 else "not"
    reasons = [f"the threads overlapped for {100 * share:.0f} % of the time"] if verdict in ("partly", "not") else []
    return {"verdict": verdict, "doubtful": bool(reasons), "reasons": reasons}


def named(variant, workload, threads):
    return {"schema": 1, "row": f"{variant.name}|{workload}|{threads}|throughput", "scene": f"{workload}|{threads}|throughput"}


def config(variant, workload, threads, cpus, duration):
    i = variant.identity
    options = {"gil": "on" if variant.gil else "off", "build": "free-threaded" if variant.free_threaded else "default",
               "optimisation": i["optimisation"], "collector": i["collector"], "gc_threshold": ",".join(map(str, i["gc_threshold"]))}
    return {"strategy": {"name": "python", "label": variant.name, "options": options, "tunables": {}, "header_bytes": None},
            "workload": {"name": workload, "label": workload, "parameters": {}}, "threads": threads, "cpus": cpus[:threads], "pin": "cores",
            "oversubscribed": threads > len(cpus), "mode": "throughput", "ramp_ns": 0, "window_ns": duration,
            "heap": {"limit_bytes": None, "multiple": None, "payload_bytes": None}, "allocator": "system", "gc_workers": 1}


def row(variant, window, plan, answer, loads):
    """A window as a line. `plan`: process, order, seed, role, cpus."""
    lanes, threads, operations = window["lanes"], len(window["lanes"]), window["operations"]
    start = min(t["begin_ns"] for t in lanes)
    spans = [max(1, t["end_ns"] - t["begin_ns"]) for t in lanes]
    # Where one operation takes several lanes, each did its part of it all the time.
    rate = (sum(t["operations"] * 1e9 / span for t, span in zip(lanes, spans)) if operations == sum(t["operations"] for t in lanes)
            else operations * 1e9 / max(1, window["wall_ns"]))
    metrics = {"operations": measured(operations, OPERATIONS), "ops_per_second": measured(rate, "op/s"),
               "ns_per_op": measured(threads * 1e9 / rate if rate else 0, "ns"),
               "cpu_ns_per_op": measured(sum(t["cpu_ns"] for t in lanes) / operations, "ns"),
               TIME: measured(window["wall_ns"] / operations, "ns"),
               "rss_bytes": measured(answer["resident"], "B"), "rss_peak_bytes": measured(answer["peak"], "B"),
               **{name: measured(value, unit(name)) for name, value in window["metrics"].items()}}
    return {**named(variant, window["workload"], threads), "role": plan["role"], "process": plan["process"], "block": window["block"],
            "order": plan["order"], "seed": plan["seed"], "status": "ok", "attempts": 1,
            "config": config(variant, window["workload"], threads, plan["cpus"], window["wall_ns"]), "binary": binary(variant),
            "machine": plan["machine"],
            "environment": {at: {"load1": load, "handoff": None} for at, load in zip(("before", "after"), loads)}, "metrics": metrics,
            "lanes": [{"operations": t["operations"], "window_ns": span, "cpu_ns": t["cpu_ns"], "delay_ns": t["begin_ns"] - start,
                       "voluntary_switches": t["voluntary_switches"], "involuntary_switches": t["involuntary_switches"]}
                      for t, span in zip(lanes, spans)],
            "quality": quality(window, variant.gil),
            "oracle": {"class": "exact", "ok": True, "expected": operations, "live": operations, "message": ""}}


def error_row(variant, item, plan, reason):
    return {**named(variant, item, plan["threads"]), "role": plan["role"], "process": plan["process"], "block": 0, "order": plan["order"],
            "seed": plan["seed"], "status": "error", "reason": reason, "config": config(variant, item, plan["threads"], plan["cpus"], 0),
            "binary": binary(variant)}


def write(folder, variant, rows, name="rows.jsonl", mode="a"):
    """Appends to FOLDER/VARIANT/NAME."""
    place = pathlib.Path(folder) / variant.name
    place.mkdir(parents=True, exist_ok=True)
    with open(place / name, mode) as file:
        file.writelines(json.dumps(r) + "\n" for r in rows)


def ends(estimate):
    return {"value": estimate.value, "low": estimate.low if estimate.interval else None, "high": estimate.high if estimate.interval else None}


def estimate(view, variant, workload, threads):
    """A line of estimates.jsonl (results/README.md): the time, and how many times one thread's work all threads did in the same."""
    blocks = view.windows[variant, workload, threads]
    line = {**named(variant, workload, threads), "metric": TIME, "processes": len(blocks), "windows": sum(map(len, blocks.values())),
            **ends(intervals.Estimate(list(view.by_process(variant, workload, threads, TIME).values()))),
            "confidence": intervals.CONFIDENCE, "method": intervals.METHOD, "ratio": None, "noise": None}
    try:
        speedups = view.speedup(variant, workload) if threads > 1 else []
    except (Absent, NotAsked):
        speedups = []
    if speedups:
        line["ratio"] = {"to": named(variant, workload, 1)["row"], **ends(intervals.Estimate(speedups))}
    return line


def write_estimates(folder, view):
    """FOLDER/VARIANT/estimates.jsonl of all that a view has."""
    for variant in view.variants:
        lines = [estimate(view, variant, w, threads) for v, w, threads in view.windows if v is variant]
        if lines:
            write(folder, variant, lines, "estimates.jsonl", "w")
