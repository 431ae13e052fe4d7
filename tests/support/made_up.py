"""Records that nobody measured: what a test of the plots needs, each a valid line of rows.jsonl (results/schema.json).

Values come from a hash of what they are of, so that two runs have the same: no clock, no random source.
"""
import hashlib
import json
import pathlib

from made_up_findings import FINDINGS, check, figure, finding, judge, verdicts  # for who imports this


def part(*of):
    """A number in [0, 1) that depends on nothing but `of`."""
    return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:6], "big") / 2**48


def metric(value, unit, evidence="measured", **more):
    return {"value": value, "unit": unit, "class": evidence, **more}


def window(strategy, workload, threads=1, process=0, block=0, ns=100.0, mode="throughput", role="measured", heap=None,
           allocator="system", parameters=(), doubtful=False, reasons=(), verdict=None, cores=2, status="ok", counters=(), tunables=(),
           rate=None, think=0, oracle="exact", **metrics):
    """One window of a row; `ns` is what an operation takes in it, `strategy` and `workload` are labels, `counters` (name, value),
    `tunables` the numbers that were given, `think` ns of work between operations; with a `rate` (operations per second) one of an open
    loop."""
    workload += f" think={think}ns" if think else ""
    label = strategy + ("" if allocator == "system" else f"+{allocator}") + (f"@{heap:g}x" if heap else "")
    scene = f"{workload}|{threads}|{mode}" + (f"@{rate}/s" if rate else "")
    lane = {"operations": 1000, "window_ns": 10**8, "cpu_ns": 10**8, "delay_ns": 0, "voluntary_switches": 0,
            "involuntary_switches": 0}
    record = {
        "schema": 1, "row": f"{label}|{scene}" + ("|aa" if role == "aa" else ""), "scene": scene, "role": role,
        "process": process, "block": block, "order": 0, "seed": 2**63 + process,
        "config": {
            "strategy": {"name": strategy.split(":")[0], "label": strategy, "options": {}, "tunables": dict(tunables), "header_bytes": 8},
            "workload": {"name": workload.split()[0].split(":")[0], "label": workload, "parameters": dict(parameters)},
            "threads": threads, "cpus": list(range(threads)), "pin": "cores", "oversubscribed": threads > cores, "mode": mode,
            "ramp_ns": 10**7, "window_ns": 10**8,
            "heap": {"limit_bytes": int(heap * 2**20) if heap else None, "multiple": heap, "payload_bytes": 2**20 if heap else None},
            "allocator": allocator, "gc_workers": 1, **({"think_ns": think} if think else {})},
        "status": status, "attempts": 1,
        "binary": {"git": "0", "dirty": False, "compiler": "", "flags": "", "build_type": "Release", "sanitizer": "", "library": "",
                   "executable": "0" * 16},
        "machine": {"machine_id": "0", "cpu_model": "none", "cpus": cores, "cores": cores, "kernel": "none"},
        "environment": {when: {"load1": 0.0, "handoff": None} for when in ("before", "after")},
        "metrics": {"rss_bytes": metric(2.0**24, "B"), "rss_peak_bytes": metric(2.0**25, "B")},
        "lanes": [lane] * threads,
        "quality": {"verdict": verdict or ("single" if threads == 1 else "contended"), "doubtful": doubtful, "reasons": list(reasons)},
        "oracle": {"class": oracle, "ok": True, "expected": 0, "live": 0, "message": ""},
    }
    found = record["metrics"]
    if mode in ("throughput", "memory"):
        found.update(operations=metric(1000.0 * threads, "1"), ops_per_second=metric(1e9 * threads / ns, "1/s"),
                     ns_per_op=metric(ns, "ns"), cpu_ns_per_op=metric(1.1 * ns, "ns"))
    if mode == "latency":
        for name, times in (("p50", 1), ("p90", 1.5), ("p99", 8), ("p999", 60), ("max", 2000)):
            found[f"latency_{name}"] = metric(ns * times, "ns")
        buckets = [[int(ns * 2**n / 2), int(ns * 2**n), max(1, 10**7 >> 2 * n)] for n in range(12)]
        record["latency"] = {"unit": "ns", "total": sum(n for _, _, n in buckets), "buckets": buckets}
        record["delayed"] = [{"lane": at % threads, "at_ns": at * 10**6, "ns": int(ns * 900 * (1 + at % 7)),
                              "causes": [CAUSES[(at + len(strategy)) % len(CAUSES)], "stop"]} for at in range(0, 100, 4)]
        if rate:
            at_a_rate(record, rate, buckets)
    if mode == "memory":
        found.update(live_objects_peak=metric(1000.0, "1"), live_bytes_peak=metric(ns * 2**16, "B"), held_bytes_peak=metric(ns * 2**16, "B"))
        held = [int(ns * 2**16 * part(strategy, at)) for at in range(40)]
        record["memory"] = {"samples": [{"at_ns": at * 10**6, "objects": 10, "bytes": n, "held": n, "causes": {"retired": n // 2}}
                                        for at, n in enumerate(held)]}
    if mode == "promptness":
        slow = {"p50": 1, "p90": 20, "p99": 900, "p999": 20000, "max": 40000}
        found.update({f"promptness_{name}": metric(ns * times, "ns") for name, times in slow.items()})
        buckets = [[int(ns * 4**n / 2), int(ns * 4**n), 3 * 10**6 >> (2 * n + 2)] for n in range(8)]
        freed = sum(n for _, _, n in buckets)
        found.update(promptness_objects=metric(10.0**6, "1"), promptness_censored=metric(10.0**6 - freed, "1"),
                     promptness_censored_share=metric(1 - freed / 10**6, "ratio"), promptness_held_bytes_peak=metric(ns * 2**16, "B"),
                     promptness_held_bytes_mean=metric(ns * 2**15, "B"))
        record["promptness"] = {"unit": "ns", "total": freed, "objects": 10**6, "censored": 10**6 - freed, "buckets": buckets, "held_back": {
            "samples": [{"at_ns": at * 10**6, "objects": 10, "bytes": int(ns * 2**16 * part(strategy, at))} for at in range(40)]}}
    if mode == "observed":
        found.update(operations=metric(1000.0 * threads, "1"), handoffs_per_op=metric(ns / 1000, "1/op"), rmws_per_op=metric(1.0, "1/op"))
        record["handoffs"] = {"fields": []}
        record["role"] = "observed"
    if counters:
        record["config"]["counters"] = list(dict.fromkeys(name.split(".")[0] for name, _ in counters))
    for name, value in counters:
        found[name] = metric(value, "1/op") if value is not None else {
            "value": None, "unit": "1/op", "class": "absent", "reason": "ENOENT: no PMU in this VM"}
    for name, value in metrics.items():
        found[name] = metric(value, "ratio" if name.startswith("share_") else "1")
    if status == "error":
        del record["metrics"], record["lanes"], record["quality"], record["oracle"]
        record["reason"] = "made up"
    return record


CAUSES = ("collection", "reconciliation", "merge", "lock", "finalizer", "cascade")


def at_a_rate(record, rate, buckets):
    """The same latencies from intended starts; from actual ones the operations took a third."""
    record["config"]["rate"] = {"per_second": float(rate), "percent": None, "arrivals": "constant"}
    service = [[low // 3, high // 3, n] for low, high, n in buckets]
    record["open_loop"] = {"per_second": float(rate), "closed": None, "saturated": False,
                           "service": {"unit": "ns", "total": sum(n for _, _, n in buckets), "buckets": service}}
    found = record["metrics"]
    for name in ("p50", "p90", "p99", "p999", "max"):
        found[f"service_{name}"] = metric(found[f"latency_{name}"]["value"] / 3, "ns")
    for name in ("service_p9999", "latency_p9999"):
        found[name] = metric(found[name.replace("9999", "999")]["value"] * 2, "ns")
    found.update(rate_asked=metric(float(rate), "1/s"), rate_reached=metric(0.999 * rate, "1/s"), cpu_ns_per_op=metric(900.0, "ns"),
                 late_share=metric(0.02, "ratio"))


def row(strategy, workload, threads=1, processes=5, blocks=3, ns=100.0, wander=0.05, **more):
    """All windows of a row, whose values are `ns` give or take `wander`."""
    return [window(strategy, workload, threads, p, b, ns * (1 + wander * (part(strategy, workload, threads, p, b) - 0.5)
                                                            + wander * (part(strategy, workload, threads, p) - 0.5)), **more)
            for p in range(processes) for b in range(blocks)]


def scene(strategies, workload, threads=1, baseline="atomic", **more):
    """Rows of a scene, strategy by its cost in ns, and the baseline's second measurement."""
    records = []
    for strategy, ns in strategies.items():
        records += row(strategy, workload, threads, ns=ns, role="baseline" if strategy == baseline else "measured", **more)
        if strategy == baseline:
            records += row(strategy, workload, threads, ns=1.01 * ns, role="aa", **more)
    return records


WORKS = (0, 10, 100, 1000, 10000)


def thinking(strategies, workload, threads=1, works=WORKS, **more):
    """Scenes over the ns of work between operations: an operation takes these, and its strategy's own time."""
    return [r for ns in works for name, own in strategies.items()
            for r in scene({name: ns + own}, workload, threads, think=ns, oracle="never_frees" if name == "none" else "exact", **more)]


def failed(strategy, workload, threads=1, processes=2, reason="the oracle disagrees: 3 objects are alive, 0 expected", **more):
    """A row whose windows all are errors."""
    return [{**window(strategy, workload, threads, p, 0, status="error", **more), "reason": reason} for p in range(processes)]


def skipped(strategy, workload, threads=0):
    return {"schema": 1, "status": "skipped", "reason": "made up", "row": f"{strategy}|{workload}|{threads}|throughput",
            "skipped": {"strategy": strategy, "workload": workload, "threads": threads, "mode": "throughput", "heap": ""}}


def program(strategy, name, threads=1, immortal="yes", **more):
    """Windows of the model runtime's program."""
    label = f"interpreter program={name}" + ("" if immortal == "yes" else f",immortal={immortal}")
    return row(strategy, label, threads, parameters={"program": name, "rounds": "64", "immortal": immortal}, **more)


def asked(variant, gil, item, threads=1, wall=100.0, processes=7, **more):
    """Windows of a real interpreter's item, as scripts/gil_vs_ft.py writes them; `wall` is what an operation of all threads takes."""
    windows = row(variant, item, threads, processes, 2, ns=wall * threads, verdict="serial" if gil and threads > 1 else None, **more)
    for r in windows:
        r["config"]["strategy"] |= {"name": "python", "options": {"gil": "on" if gil else "off"}}
        r["metrics"]["wall_ns_per_op"] = metric(r["metrics"]["ns_per_op"]["value"] / threads, "ns")
    return windows


FIELDS = ["count", "shared", "local", "owner", "weak", "slot", "lock", "queue", "payload", "type", "gil", "stack"]


def simulated(strategy, workload, cores, fields=FIELDS, machine="epyc_7773x_2s", protocol="mesi", caches="infinite", **more):
    """A row of tally sim."""
    record = window(strategy, workload, cores, mode="simulated", cores=128, **more)
    operations = 1000 * cores
    moved = {name: {"hits": {}, "misses": {}, "data": {}, "transfers": int(operations * part(strategy, cores, name))}
             for name in fields} if cores > 1 else {}
    transfers = sum(f["transfers"] for f in moved.values())
    schedules = ["min_clock", "random", "burst"]
    record["config"]["simulation"] = {"machine": machine, "protocol": protocol, "caches": caches, "clock_ghz": 2.2,
                                      "schedules": schedules, "warm_up": 100, "operations": 1000}
    per_op = transfers / operations
    record["metrics"] = {
        "operations": metric(operations, "1", "simulated"),
        "transfers_per_op": metric(per_op, "1/op", "simulated", low=0.8 * per_op, high=1.3 * per_op),
        "accesses_per_op": metric(20.0, "1/op", "simulated"), "invalidations_per_op": metric(per_op, "1/op", "simulated"),
        "cycles_per_op": metric(100 + 100 * per_op, "cycles", "modelled"),
        "ops_per_second": metric(2.2e9 * cores / (100 + 100 * per_op), "1/s", "modelled")}
    record["lanes"] = [{"operations": 1000}] * cores
    del record["quality"], record["environment"]
    record["simulation"] = {
        "operations": operations, "cycles": 10**6, "fields": moved, "paths": {},
        "schedules": [{"schedule": s, "operations": operations, "cycles": 10**6, "transfers": transfers, "invalidations": 0}
                      for s in schedules],
        "taken": [[a, b, 1 + int(10000 * part(strategy, a, b) ** 6)] for a in range(cores) for b in range(cores) if a != b]}
    return record


def write(directory, records, config=None):
    """Makes a results directory of them, with a config.json if one is given."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    if config is not None:
        (directory / "config.json").write_text(json.dumps(config))
    return directory


# What the longest names are of: variants with several options, workloads with several parameters, under allocators and limits.
LONG = {
    "none": 3.1, "manual": 9.4, "manual:heap=block": 7.7, "plain": 21.0, "atomic": 38.0, "atomic:heap=block": 31.0,
    "atomic:weak=off,order=seq_cst,heap=block": 45.0, "rc_arc": 25.0, "rc_arc:sharing=typed,heap=block": 24.0, "gil": 61.0,
    "biased": 27.0, "biased:owner=inline,queue=per_thread,heap=block": 26.0, "biased:queue=global": 29.0,
    "deferred": 12.0, "deferred:kilobytes=4096,scan=conservative": 11.0, "mark_sweep": 220.0, "shared_ptr": 52.0,
    "bdwgc": 18000.0, "bdwgc:alloc=plain,pause_ms=999999": 42000.0,
}


REASONS = ["12 other threads were runnable before the row", "the lanes ran together for as little as 53 % of the window",
           "the hand-off probe before the row lost 82 % of its time", "a line is handed over in 3 ns before the row: the CPUs look like one core",
           "the hand-off latency went from 72 to 139 ns: the CPUs have moved", "the workload allows a parallelism of 1.00: it backs no scaling claim"]


def crowd():
    """A results directory's worth of long names: every plot of measured rows has something to draw."""
    records = []
    for threads in (1, 2, 4, 8):
        records += scene({s: ns * (1 + threads) / 2 for s, ns in LONG.items()}, "chain length=100000,payload=large,reuse=never", threads,
                         counters=[("ownership.rfos_per_op", 0.25 * threads), ("ownership.locked_per_op", None)])
    few = {s: LONG[s] for s in ("atomic", "biased:owner=inline,queue=per_thread,heap=block", "bdwgc:alloc=plain,pause_ms=999999")}
    records += scene({**few, "bdwgc": 17.0, "bdwgc:alloc=plain,pause_ms=999999": 990.0}, "graph", 1)
    records += scene({s: 1e5 + 1e3 * n for n, s in enumerate(LONG)}, "tree_churn depth=6,survivors=0.02", 1)
    records += scene({"atomic": 38.0, "biased": 27.0, "deferred": 36.0}, "call_args", 2, doubtful=True, reasons=REASONS[:3])
    records += scene({"atomic": 38.0, "biased": 27.0}, "task_graph", 2, doubtful=True, reasons=REASONS[3:])
    for s, ns in few.items():
        records += row(s, "publish readers=7,versions=1000000", 8, ns=ns, mode="observed")
    records += failed("gil", "call_args", 2) + [skipped("plain", "call_args"), skipped(list(LONG)[6], "call_args")]
    for heap in (1.25, 1.5, 1.75, 2, 2.25, 3, 6):
        for s in ("mark_sweep", "bdwgc:alloc=plain,pause_ms=999999", "deferred:kilobytes=4096,scan=conservative"):
            records += row(s, "tree_churn depth=6,survivors=0.02", ns=1e5 * (1 + 1 / heap), heap=heap)
    records += tuned({"deferred": {"kilobytes": (128, 0.8), "growth": (8, 1.1)}, "mark_sweep": {"mark_stack_kib": (16384, 1.0)}})
    for s in ("atomic", "atomic:weak=off,order=seq_cst,heap=block"):
        records += row(s, "tree_churn depth=6,survivors=0.02", ns=1.2e5, allocator="mimalloc")
    for mode in ("latency", "memory"):
        records += scene(LONG, "server sessions=1000,requests=zipf", 2, mode=mode)
    records += scene(LONG, "publish stall=borrow,versions=1000000", 2, mode="memory", parameters={"stall": "borrow"})
    for owner in ("running", "blocked", "gone"):
        records += scene({s: ns * (1 if owner == "running" else 9) for s, ns in few.items()}, f"handoff foreign=1,owner={owner}", 2,
                         mode="promptness", parameters={"foreign": "1", "owner": owner})
    for rate in (20000, 150000):
        records += scene(LONG, "server sessions=1000,requests=zipf", 2, mode="latency", rate=rate)
    for share in ("0", "25", "50", "75", "100"):
        for s, ns in (LONG if share in ("0", "50") else few).items():
            records += row(s, f"sharing_ladder share={share},depth=12", 2, ns=ns * (1 + float(share) / 30),
                           parameters={"share": share, "depth": "12"})
    for foreign in ("0", "0.01", "0.02", "0.5", "1"):
        for s, ns in few.items():
            records += row(s, f"handoff foreign={foreign}", 2, ns=ns * (1 + float(foreign)), parameters={"foreign": foreign})
    for sharing in ("private", "shared"):
        records += thinking(LONG, f"copy_drop sharing={sharing},objects=65536", 2, parameters={"sharing": sharing}, processes=1, blocks=1)
    for places in ("125", "1250", "12500", "125000"):
        for s, ns in few.items():
            records += row(s, f"cycles window={places},turnover=all", 2, ns=ns, parameters={"window": places, "size": "8"},
                           pause_p50=300.0 * ns, pause_max=10 * ns * int(places))
    for file in ("json_cycle_with_a_long_name", "nbody", "pyflate"):
        for mode, threads in (("single", 1), ("threads", 2), ("copies", 4)):
            shares = dict(share_immortal=0.3, share_paired=0.2, share_owner=0.32, share_foreign=0.08, share_new=0.05, share_last=0.05)
            records += row("atomic", f"trace file={file},mode={mode}", threads, processes=1, blocks=1,
                           parameters={"file": file, "mode": mode}, **shares)
    return records + programs(processes=1, blocks=1)


def tuned(numbers, workload="tree_churn survivors=0.1", ns=100.0, **more):
    """A scene of defaults and of {strategy: {number: (value, its time over the default's)}}."""
    records = scene({"atomic": 2 * ns, **dict.fromkeys(numbers, ns)}, workload, 2, **more)
    for strategy, of in numbers.items():
        for name, (value, times) in of.items():
            records += row(f"{strategy}:{name}={value}", workload, 2, ns=times * ns, tunables={name: value}, **more)
    return records


RUNGS = [("gil", "yes", 100.0), ("gil:counts=atomic", "yes", 180.0), ("atomic", "yes", 170.0), ("atomic:immortal=yes", "yes", 150.0),
         ("biased", "no", 140.0), ("biased", "yes", 125.0), ("biased:stack=deferred", "yes", 112.0),
         ("biased:stack=deferred,edges=thread", "yes", 110.0), ("none", "yes", 55.0)]  # strategy, immortal constants, ns of one thread


def programs(names=("fib", "attr_shared", "call_method_shared", "list_shared_update", "cmodule_function"), counts=(1, 2, 4), **more):
    """The ladder's rungs in several programs, whose threads hinder each other, and interpreters that are asked the same."""
    records = []
    for name in names:
        for n in counts:
            for strategy, immortal, ns in RUNGS:
                records += program(strategy, name, n, immortal, ns=ns * n ** 0.5, **more)
    for variant, gil in (("3.13.0", True), ("3.13.5t", False), ("3.13.5t+gil", True)):
        for item in ("fib", "shared_attribute", "shared_append", "thread_local_read_with_a_long_name"):
            for n in counts:
                records += asked(variant, gil, item, n, wall=50.0 if gil else 50.0 / n)
    return records


def crowd_simulated():
    names = [s for s in LONG if s not in ("none", "bdwgc", "bdwgc:alloc=plain,pause_ms=999999", "shared_ptr")]
    records = [simulated(s, "copy_drop sharing=shared,slots=64,hot=0.2", cores) for s in names for cores in (1, 2, 4, 8, 16, 32, 64, 128)]
    return records + [simulated(s, "publish", 8, think=ns, role="baseline" if s == "atomic" else "measured") for s in names for ns in (0, 100, 1000)]


NINE = {"none": 3.0, "plain": 9.0, "atomic": 38.0, "shared_ptr": 52.0, "rc_arc": 25.0, "gil": 61.0, "biased": 27.0, "deferred": 12.0,
        "mark_sweep": 20.0, "bdwgc": 18.0}


def suite(processes=5, blocks=3):
    """As broad as the default suite: some fifty scenes of ten strategies, variants, allocators and heap limits, in three modes. Rows and
    their number are like its own; of five processes of three blocks there are about 10 000 windows."""
    scenes = [(f"{w} {name}={value}", {name: value}) for w, name, values in (
        ("copy_drop", "sharing", ("private", "shared", "hot")), ("sharing_ladder", "share", ("0", "1", "10", "50", "100")),
        ("handoff", "foreign", ("0", "0.1", "0.5", "1")), ("trace", "file", ("json_cycle", "lru_cache_threads", "pyflate"))) for value in values]
    scenes += [(w, {}) for w in ("publish", "graph", "lru_cache", "call_args", "task_graph", "server", "chain")]
    size = {"processes": processes, "blocks": blocks}
    records = []
    for threads in (1, 2):
        for workload, parameters in scenes:
            few = {s: ns for s, ns in NINE.items() if threads == 1 or s != "plain"}
            records += scene(few, workload, threads, parameters=parameters, **size)
        variants = [*(f"{s}:heap=block" for s in ("manual", "atomic", "rc_arc", "gil", "biased")), "atomic:order=seq_cst", "atomic:rmw=cas"]
        for workload in ("chain", "graph", "shared_slots layout=flat"):
            records += scene({**NINE, **dict.fromkeys(variants, 30.0)}, f"{workload} read=load", threads, **size)
        records += scene({**NINE, **dict.fromkeys(variants, 30.0)}, "tree_churn", threads, **size)
        for s in NINE:
            records += row(s, "tree_churn", threads, ns=NINE[s], allocator="mimalloc", **size)
        for heap in (1.5, 2, 3, 6):
            for s in ("deferred", "mark_sweep", "bdwgc"):
                records += row(s, "tree_churn", threads, ns=40 / heap, heap=heap, **size)
        for workload, mode in (("server", "latency"), ("publish", "latency"), ("server", "memory"), ("tree_churn", "memory")):
            records += scene(NINE, workload, threads, mode=mode, **size)
    return records


def estimated(directory, records, config=None, half=0.03):
    """The same with an estimates.jsonl: what the program would write of windows whose means wander by `half` either way."""
    write(directory, records, config)
    rows = {}
    for record in records:
        if record["status"] == "ok":
            rows.setdefault(record["row"], []).append(record)
    noise = {of[0]["scene"]: 0.01 for of in rows.values() if of[0]["role"] == "aa"}
    lines = []
    for row, windows in rows.items():
        for name in ("ns_per_op", "cpu_ns_per_op", "pause_share", "held_bytes_peak", "latency_p99"):
            values = [w["metrics"][name]["value"] for w in windows if name in w["metrics"]]
            if values:
                middle = sorted(values)[len(values) // 2]
                lines.append({"schema": 1, "scene": windows[0]["scene"], "row": row, "metric": name, "processes": len({w["process"] for w in windows}),
                              "windows": len(values), "value": middle, "low": middle * (1 - half), "high": middle * (1 + half),
                              "confidence": 0.95, "ratio": None, "noise": noise.get(windows[0]["scene"])})
    (pathlib.Path(directory) / "estimates.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return pathlib.Path(directory)


SHARES, FOREIGN = ("0", "10", "50", "100"), ("0", "0.1", "1")


def chosen_among(ladder, lives, **more):
    """Rows of a decision map: by strategy the ns of an operation on one's own object and on a shared one, and of an object's life that ends
    where it began and elsewhere. Between the two a cost is in proportion to the share. Work between operations is in each."""
    think, records = more.get("think", 0), []
    ladder, lives = ({s: [ns + think for ns in ends] for s, ends in of.items()} for of in (ladder, lives))
    for share in SHARES:
        costs = {s: own + (other - own) * float(share) / 100 for s, (own, other) in ladder.items()}
        records += scene(costs, f"sharing_ladder share={share}", 2, parameters={"share": share}, **more)
    for foreign in FOREIGN:
        costs = {s: own + (other - own) * float(foreign) for s, (own, other) in lives.items()}
        records += scene(costs, f"handoff foreign={foreign}", 2, parameters={"foreign": foreign, "owner": "running"}, **more)
    return records
