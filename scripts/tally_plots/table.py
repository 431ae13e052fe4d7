"""The records of a results directory as a table: one line per record, skipped rows and errors included.

Its columns are COLUMNS, then one per option, tunable and parameter (option.merge, parameter.sharing), then one per metric that any
record has; what a record does not have is missing (NA, NaN for metrics).
"""
import warnings

from . import load

# Name, type, and the path to it in a record.
COLUMNS = [
    ("row", "string", "row"), ("scene", "string", "scene"), ("role", "string", "role"), ("status", "string", "status"),
    ("reason", "string", "reason"), ("strategy", "string", "config.strategy.name"), ("strategy_label", "string", "config.strategy.label"),
    ("workload", "string", "config.workload.name"), ("workload_label", "string", "config.workload.label"),
    ("threads", "Int64", "config.threads"), ("mode", "string", "config.mode"), ("heap_limit_bytes", "Int64", "config.heap.limit_bytes"),
    ("heap_multiple", "float64", "config.heap.multiple"), ("heap_payload_bytes", "Int64", "config.heap.payload_bytes"),
    ("allocator", "string", "config.allocator"), ("think_ns", "Int64", "config.think_ns"), ("process", "Int64", "process"), ("block", "Int64", "block"), ("order", "Int64", "order"),
    ("seed", "UInt64", "seed"), ("doubtful", "boolean", "quality.doubtful"), ("verdict", "string", "quality.verdict"),
    ("pin", "string", "config.pin"), ("window_ns", "Int64", "config.window_ns"), ("git", "string", "binary.git"),
    ("executable", "string", "binary.executable"), ("machine", "string", "machine.machine_id"), ("cpu_model", "string", "machine.cpu_model"),
    ("origin", "string", "merged.origin"), ("rate_per_second", "float64", "open_loop.per_second"),
    ("rate_percent", "float64", "config.rate.percent"), ("arrivals", "string", "config.rate.arrivals"),
]
AXES = {"option": "config.strategy.options", "tunable": "config.strategy.tunables", "parameter": "config.workload.parameters"}
# Where a skipped row says what it would have been; "" and 0 threads mean: any.
OF_SKIPPED = {"strategy_label": "strategy", "workload_label": "workload", "threads": "threads", "mode": "mode", "allocator": "allocator"}
RANGES = {"Int64": range(-2**63, 2**63), "UInt64": range(2**64)}
KINDS = {"string": load.TEXT, "Int64": int, "UInt64": int, "float64": load.NUMBER, "boolean": load.FLAG}


def cell(record, name, dtype, path):
    value = load.at(record, path)
    if value is None and record["status"] == "skipped":
        skipped = record.get("skipped")
        value = skipped.get(OF_SKIPPED.get(name, "")) or None if isinstance(skipped, dict) else None
        if name in ("strategy", "workload"):  # a label begins with the name
            label = cell(record, name + "_label", dtype, "")
            value = label.split(":")[0].split(" ")[0] if label else None
        if name == "mode" and isinstance(value, str):  # with the loop, as in the row's key
            value = value.partition("@")[0]
    fits = value is not None and load.is_a(value, KINDS[dtype]) and (dtype not in RANGES or value in RANGES[dtype])
    return value if fits else None


def columns(run):
    """(name, type, values) of each column of a run's records: COLUMNS, then what any record has of options, tunables and parameters
    (under these names, since strategies and workloads choose their own), then the metrics."""
    for name, dtype, path in COLUMNS:
        yield name, dtype, [cell(r, name, dtype, path) for r in run.records]
    for whose, path in AXES.items():
        found = [load.at(r, path) or {} for r in run.records]
        for name in dict.fromkeys(name for of in found for name in of):
            yield f"{whose}.{name}", "string", [None if name not in of else str(of[name]) for of in found]
    found = [r["metrics"] if isinstance(r.get("metrics"), dict) and r["status"] in ("ok", "exhausted") else {} for r in run.records]
    taken = {name for name, _, _ in COLUMNS}
    for name in dict.fromkeys(name for metrics in found for name in metrics):
        values = [metrics.get(name, {}).get("value") for metrics in found]
        yield name if name not in taken else f"metric.{name}", "float64", [None if v is None else float(v) for v in values]


def frame(directory):
    """As a pandas DataFrame, whose attrs are the run's config.json. A line that can't be used is left out with a warning."""
    try:
        import pandas
    except ImportError as missing:
        raise ImportError(f"tally_plots.frame() needs pandas ({missing}): apt-get install python3-pandas") from None
    run = load.Run(directory)
    for sentence in run.bad:
        warnings.warn(sentence, stacklevel=3)
    table = pandas.DataFrame({name: pandas.array([float("nan") if v is None and dtype == "float64" else v for v in values], dtype=dtype)
                              for name, dtype, values in columns(run)})
    table.attrs.update(run.config)
    return table
