"""Results for other tools: tables (CSV, Parquet, LaTeX) and the JSON of Google Benchmark and pyperf.

CSV and Parquet have every record; the others the rows that are results, without the baseline's second measurement, which has the name of
the first. Figures are those of estimates.jsonl; the JSON formats have the windows, from which their tools make their own.
"""
import csv
import importlib
import io
import json
import math
import os
import pathlib
import statistics
import sys

from . import estimates, load, metrics, printing, table

FINE, HARNESS, USAGE = 0, 3, 64  # exit codes, results/README.md

# What a row of a mode is judged by (harness/results/metrics.cpp); simulated rows by what is modelled of them.
JUDGED = {"throughput": "ns_per_op", "latency": "latency_p99", "memory": "held_bytes_peak", "observed": "handoffs_per_op",
          "promptness": "promptness_p50", "simulated": "ops_per_second"}
# The time of an operation, in ns, where a row has one.
TIMED = {"throughput": "ns_per_op", "memory": "ns_per_op", "latency": "latency_p50"}


class NotPossible(Exception):
    """A line for people, and the exit code."""

    def __init__(self, sentence, code=HARNESS):
        super().__init__(sentence)
        self.code = code


def comma_separated(results):
    """One header, a line per record; of several origins in one table, which the column `origin` tells apart."""
    whole = results.whole
    names, values = zip(*((name, values) for name, _, values in table.columns(whole)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for line in zip(*values):
        writer.writerow(["" if v is None else repr(v) if isinstance(v, float) else v for v in line])
    return out.getvalue()


def parquet(results):
    try:
        for needed in ("pandas", "pyarrow"):
            importlib.import_module(needed)
    except ImportError as missing:
        raise NotPossible(f"--parquet: {sys.executable} has no {missing.name}: install pandas and pyarrow for it, or name a python3 that has "
                          "both in TALLY_PYTHON; --csv needs neither") from None
    frame = table.frame(results.whole.directory)
    frame.attrs.clear()  # config.json is no table's metadata
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


# -- a paper's table ----------------------------------------------------------------------------------------------------------------

SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
           "|": r"\textbar{}", '"': "''", **{c: "\\" + c for c in "&%$#_{}"}}


def escaped(text):
    return "".join(SPECIAL.get(c, c) for c in str(text))


def number(value):
    """Four digits that count, and no exponent that LaTeX would set as letters."""
    text = f"{value:.4g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return rf"${mantissa} \times 10^{{{int(exponent)}}}$"
    return text


def with_interval(estimate, scale=1.0):
    ends = f" [{number(estimate.low * scale)}, {number(estimate.high * scale)}]" if estimate.interval else ""
    return number(estimate.median * scale) + ends


def by_scene(results):
    """First windows of the rows, by origin and scene, in the plan's order."""
    return load.groups([rows[0] for rows in load.groups(results.ok, lambda r: (r["_run"].tail, r["row"])).values()],
                       lambda r: (r["_run"].tail, r["scene"]))


def latex(results):
    lines = [r"% \usepackage{booktabs}", "% " + escaped(results.origin), r"\begin{tabular}{llll}", r"\toprule",
             r"strategy & metric & value & over the baseline \\"]
    drawn = []
    for (tail, _), rows in by_scene(results).items():
        first = rows[0]
        base = next((r for r in rows if r["role"] == "baseline"), None)
        threads, mode, measured = first["config"]["threads"], first["config"]["mode"], load.measured(first)
        title = f"{results.title(first)}, {threads} thread{'s' if threads > 1 else ''}{'' if mode == 'throughput' else ', ' + measured}{tail}"
        lines += [r"\midrule", rf"\multicolumn{{4}}{{l}}{{\textit{{{escaped(title)}}}}} \\"]
        for row in rows:
            judged = JUDGED.get(mode, "ns_per_op")
            found = estimates.of(row, judged)
            if not found.windows:
                continue
            drawn.append(found)
            multiple = estimates.multiple(row, base, judged) if base is not None and row is not base else None
            unit = row["metrics"].get(judged, {}).get("unit", "")
            ratio = with_interval(multiple) if multiple else "baseline" if row is base else "--"
            name = metrics.words_of(judged)
            name += f" ({unit})" if unit not in ("", "1", "1/op", "ratio") and unit not in name.split() else ""
            lines.append(f"{escaped(load.named(row))} & {escaped(name)} & {with_interval(found)} & {ratio} " + r"\\")
    lines += [r"\bottomrule", r"\end{tabular}", "% " + escaped(caption(drawn))]
    return "\n".join(lines) + "\n"


def caption(drawn):
    """What the brackets are."""
    if not drawn:
        return "no row has a figure"
    counts = sorted({e.processes for e in drawn})
    of = f"{counts[0]} to {counts[-1]} processes" if len(counts) > 1 else f"{counts[0]} process{'es' if counts[0] > 1 else ''}"
    text = f"mean over {of} of the median over blocks"
    if any(e.interval for e in drawn):
        text += f"; in brackets: {100 * drawn[0].confidence:g} % intervals"
    if not all(e.interval for e in drawn):
        text += "; without brackets: too few processes for an interval, not citable"
    return text


# -- other benchmarks' JSON ---------------------------------------------------------------------------------------------------------

def timed_rows(results):
    """(name, windows) of rows with a time per operation; a sentence about the others."""
    rows, left_out = {}, set()
    for row in results.ok:
        config = row["config"]
        if load.metric(row, TIMED.get(config["mode"], "")) is None:
            left_out.add((row["_run"].tail, row["row"]))
            continue
        mode = "" if config["mode"] == "throughput" else f"/{load.measured(row)}"
        rows.setdefault(f"{config['workload']['label']}/{load.labelled(row)}/threads:{config['threads']}{mode}", []).append(row)
    if left_out:
        print(f"{len(left_out)} row{'s have' if len(left_out) > 1 else ' has'} no time of an operation, and {'are' if len(left_out) > 1 else 'is'} "
              "left out: observed and simulated ones (--csv has them)", file=sys.stderr)
    if not rows:
        raise NotPossible("no row has a time of an operation: --csv exports others", HARNESS)
    for windows in rows.values():
        windows.sort(key=lambda r: (r["process"], r["block"]))
    return rows


def started(results):
    return next((run.config["started"] for run in results.runs if isinstance(run.config.get("started"), str)), "")


def google_benchmark(results):
    """Its JSON, schema version 1: a window is a repetition. real_time is the time of an operation on its thread, cpu_time the processor
    time of all threads per operation."""
    first = results.ok[0] if results.ok else {}
    rows = timed_rows(results)
    machine = first.get("machine", {})
    context = {"date": started(results), "executable": "tally", "num_cpus": machine.get("cpus", 0), "mhz_per_cpu": 0,
               "cpu_scaling_enabled": machine.get("governor", "performance") not in ("performance", "not visible"),
               "caches": [{"type": c.get("type"), "level": c.get("level"), "size": 1024 * c.get("kib", 0), "num_sharing": c.get("shared_by", 1)}
                          for c in machine.get("caches", []) if isinstance(c, dict)],
               "load_avg": [], "library_build_type": load.at(first, "binary.build_type").lower() if load.is_a(load.at(first, "binary.build_type"), str) else "",
               "json_schema_version": 1, "tally_origin": results.origin}
    benchmarks = []
    for family, (name, windows) in enumerate(rows.items()):
        shared = {"name": name, "family_index": family, "per_family_instance_index": 0, "run_name": name, "repetitions": len(windows),
                  "threads": windows[0]["config"]["threads"]}
        times = [(load.metric(w, TIMED[w["config"]["mode"]]), cpu_time(w)) for w in windows]
        for at, (window, (real, cpu)) in enumerate(zip(windows, times)):
            benchmarks.append({**shared, "run_type": "iteration", "repetition_index": at, "iterations": int(load.metric(window, "operations") or 1),
                               "real_time": real, "cpu_time": cpu, "time_unit": "ns", **counters(window)})
        for aggregate, unit, of in AGGREGATES if len(windows) > 1 else ():
            real, cpu = (of([t[side] for t in times]) for side in (0, 1))
            benchmarks.append({**shared, "name": f"{name}_{aggregate}", "run_type": "aggregate", "aggregate_name": aggregate,
                               "aggregate_unit": unit, "iterations": len(windows), "real_time": real, "cpu_time": cpu, "time_unit": "ns"})
    return json.dumps({"context": context, "benchmarks": benchmarks}, indent=2) + "\n"


AGGREGATES = (("mean", "time", statistics.fmean), ("median", "time", statistics.median), ("stddev", "time", statistics.stdev),
              ("cv", "percentage", lambda v: statistics.stdev(v) / statistics.fmean(v) if statistics.fmean(v) else 0.0))


def cpu_time(window):
    """Per operation, in ns; that of latency rows in a closed loop is not measured, and 0."""
    return load.metric(window, "cpu_ns_per_op") or 0.0


def counters(window):
    """Its other metrics, as user counters."""
    taken = {"operations", "cpu_ns_per_op", TIMED[window["config"]["mode"]]}
    return {name: m["value"] for name, m in window["metrics"].items() if name not in taken and m["value"] is not None}


def pyperf(results):
    """Its JSON, version 1.0: a process is a run, a window a value, in seconds per operation."""
    suite = []
    for name, windows in timed_rows(results).items():
        runs = []
        for process in load.groups(windows, lambda r: r["process"]).values():
            values = [load.metric(w, TIMED[w["config"]["mode"]]) * 1e-9 for w in process]
            values = [v for v in values if v > 0 and math.isfinite(v)]
            if values:
                runs.append({"metadata": {"loops": max(1, int(load.metric(process[0], "operations") or 1))}, "values": values})
        if runs:
            suite.append({"metadata": {"name": name}, "runs": runs})
    first = next(iter(results.ok))
    machine, binary = first.get("machine", {}), first.get("binary", {})
    about = {"unit": "second", "description": "windows of tally, " + results.origin, "cpu_model_name": machine.get("cpu_model"),
             "cpu_count": machine.get("cpus"), "aslr": machine.get("aslr"), "platform": machine.get("kernel"),
             "tally_git": binary.get("git"), "tally_compiler": binary.get("compiler"), "tally_flags": binary.get("flags")}
    # A metadata value is a number or a text, and never an empty one.
    about = {name: value for name, value in about.items() if isinstance(value, (int, str)) and value != ""}
    return json.dumps({"benchmarks": suite, "metadata": about, "version": "1.0"}, indent=1) + "\n"


FORMATS = {"csv": comma_separated, "parquet": parquet, "latex": latex, "gbench": google_benchmark, "pyperf": pyperf}


def write(content, file):
    """Whole or not at all, where a file is named."""
    data = content if isinstance(content, bytes) else content.encode()
    if file is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    beside = pathlib.Path(f"{file}.new")
    try:
        beside.write_bytes(data)
        os.replace(beside, file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def main(arguments):
    if len(arguments) not in (2, 3) or arguments[0] not in FORMATS:
        print(f"export.py {'|'.join(FORMATS)} DIR [FILE]", file=sys.stderr)
        return USAGE
    name, directory, file = arguments[0], arguments[1], arguments[2] if len(arguments) == 3 else None
    try:
        results = load.Results([directory])
        results.whole = load.Run(directory) if len(results.runs) > 1 else results.runs[0]
        bad = list(dict.fromkeys(results.bad + [c for run in results.runs for c in estimates.read(run)]))
        for sentence in bad:
            print(f"tally: {sentence}", file=sys.stderr)
        if file is None and name == "parquet" and sys.stdout.isatty():
            raise NotPossible("--parquet: it is no text; name a file with --out", USAGE)
        write(FORMATS[name](results), file)
        return HARNESS if bad else FINE
    except load.Unreadable as error:
        print(f"tally: export {error}", file=sys.stderr)
        return USAGE
    except NotPossible as error:
        print(f"tally: export {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:  # whoever read the output has seen enough
        printing.give_up()
        return HARNESS
    except OSError as error:
        if file is None:
            printing.give_up()
        print(f"tally: export: {error.filename or file or 'standard output'}: {error.strerror}", file=sys.stderr)
        return HARNESS
