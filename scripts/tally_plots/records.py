"""What a line of rows.jsonl must have to be relied on, and what is wrong with one that can't be."""
import functools
import json
import math

SCHEMA = 1

NUMBER, TEXT, OBJECT, LIST, FLAG = (int, float), str, dict, list, bool
# What is relied on below and in the plots, by the path to it.
ALWAYS = {"row": TEXT, "scene": TEXT, "role": TEXT, "process": int, "block": int, "config.strategy.name": TEXT,
          "config.strategy.label": TEXT, "config.workload.name": TEXT, "config.workload.label": TEXT,
          "config.workload.parameters": OBJECT, "config.threads": int, "config.mode": TEXT, "config.oversubscribed": FLAG,
          "config.heap": OBJECT}
RESULT = {"metrics": OBJECT}
MEASURED = {"quality.verdict": TEXT, "quality.doubtful": FLAG, "machine.cores": int}
SIMULATED = {"config.simulation.machine": TEXT, "config.simulation.protocol": TEXT, "config.simulation.caches": TEXT,
             "config.simulation.schedules": LIST, "simulation.operations": int, "simulation.fields": OBJECT, "simulation.taken": LIST,
             "metrics.transfers_per_op.value": NUMBER, "metrics.transfers_per_op.low": NUMBER,
             "metrics.transfers_per_op.high": NUMBER, "metrics.ops_per_second.value": NUMBER}
HISTOGRAMS = ("latency", "open_loop.service", "promptness")
NAMES = {NUMBER: "a number", TEXT: "a text", OBJECT: "an object", LIST: "a list", FLAG: "true or false", int: "a whole number"}


@functools.lru_cache(maxsize=None)
def names_of(path):
    return path.split(".")


def at(record, path):
    try:
        for name in names_of(path):
            record = record[name]
    except (KeyError, TypeError):  # it has no such name, or is a text, a number, a list
        return None
    return record


def is_a(value, kind):
    return isinstance(value, kind) and (kind is FLAG or not isinstance(value, bool))


def lacking(record, wanted):
    """What a record has not that it should have, in words; None if it has all."""
    for path, kind in wanted.items():
        value = at(record, path)
        if value is None:
            return f"it has no {path}"
        if not is_a(value, kind):
            return f"its {path} is not {NAMES[kind]}"
    return None


def wrong_metric(metrics):
    """The name of one whose value is neither absent nor a number; None if there is none."""
    for name, metric in metrics.items():
        value = metric.get("value", "") if type(metric) is dict else ""
        # By its very type, which is quicker: there are millions of them, and JSON makes no others.
        if value is not None and not (type(value) in NUMBER and math.isfinite(value)):
            return name
    return None


def is_bucket(of):
    """Whether it is (low, high, count)."""
    return type(of) is list and len(of) == 3 and all(type(n) is int and 0 <= n < 2**63 for n in of)


def wrong_inside(record):
    """What is wrong in the lists that plots go through."""
    config = record["config"]
    if config["threads"] < 1:
        return "its config.threads is less than 1"
    if not (config["heap"].get("multiple") is None or is_a(config["heap"]["multiple"], NUMBER)):
        return "its config.heap.multiple is not a number"
    if not is_a(config.get("think_ns", 0), int) or config.get("think_ns", 0) < 0:
        return "its config.think_ns is not a number of nanoseconds"
    if not is_a(config.get("allocator", "system"), TEXT):
        return "its config.allocator is not a text"
    for path in HISTOGRAMS:
        buckets = at(record, f"{path}.buckets")
        if buckets is not None and not (isinstance(buckets, list) and all(map(is_bucket, buckets))):
            return f"its {path}.buckets are damaged"
    delayed = record.get("delayed")
    if delayed is not None and (not isinstance(delayed, list) or any(
            lacking(o, {"at_ns": int, "ns": int, "causes": LIST}) for o in delayed)):
        return "its delayed operations are damaged"
    for path in ("memory.samples", "promptness.held_back.samples"):
        samples = at(record, path)
        if samples is not None and (not isinstance(samples, list) or any(
                lacking(s, {"at_ns": NUMBER, "bytes": NUMBER}) for s in samples)):
            return f"its {path} are damaged"
    objects = at(record, "promptness.objects")
    if objects is not None and (not is_a(objects, int) or objects < sum(b[2] for b in at(record, "promptness.buckets") or [])):
        return "its promptness.objects are damaged"
    if config["mode"] == "simulated":
        fields, threads = record["simulation"]["fields"], config["threads"]
        if not all(isinstance(f, dict) and is_a(f.get("transfers", 0), NUMBER) for f in fields.values()):
            return "its simulation.fields are damaged"
        if not all(isinstance(t, list) and len(t) == 3 and all(is_a(n, int) for n in t) and 0 <= t[0] < threads and 0 <= t[1] < threads
                   for t in record["simulation"]["taken"]):
            return "its simulation.taken is damaged"
        schedules = config["simulation"]["schedules"]
        if not schedules or not all(is_a(s, TEXT) for s in schedules):
            return "its config.simulation.schedules are damaged"
        if record["simulation"]["operations"] < 1:
            return "its simulation has no operation"
    return None


def problem(record):
    """Why a record can't be used, in words; None if it can."""
    status = record.get("status")
    if status is None:
        return "it has no status"
    if status == "skipped":
        return lacking(record, {"row": TEXT})
    if status not in ("ok", "exhausted", "error"):
        return f"its status is {json.dumps(status)}"
    wrong = lacking(record, ALWAYS)
    if wrong or status == "error":
        return wrong
    wrong = lacking(record, RESULT)
    if wrong:
        return wrong
    wrong = wrong_metric(record["metrics"])
    if wrong is not None:
        return f"its metric {wrong} has no value that is a number"
    return lacking(record, SIMULATED if record["config"]["mode"] == "simulated" else MEASURED) or wrong_inside(record)


def unsettled(record):
    """Of a simulated row whose window says little of a longer one: why; else None."""
    return at(record, "simulation.unsettled")


def is_result(record):
    """Whether it can be compared with others."""
    return record["status"] in ("ok", "exhausted") and not unsettled(record)


def no_number(text):
    raise ValueError(f"{text} is no JSON")


JSON = json.JSONDecoder(parse_constant=no_number)  # json.loads() would make one for each line


def lines_of(path, bad):
    """(number, object) of each line that is a JSON object; `bad` gets a sentence about each other one. No more than a line of the file is in
    memory at a time."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found = JSON.decode(line.decode("utf-8"))
            except UnicodeDecodeError:
                bad.append(f"{path}: line {number} is not UTF-8: left out")
            except (ValueError, RecursionError):
                bad.append(f"{path}: line {number} is not JSON: left out")
            else:
                if isinstance(found, dict):
                    yield number, found
                else:
                    bad.append(f"{path}: line {number} is not a JSON object: left out")


def origin_of(record):
    """The name of the machine and build that a merged record is of; None elsewhere."""
    return at(record, "merged.origin")
