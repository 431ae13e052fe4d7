"""What may be said of a row: its value, its interval, its ratio to another row. Every plot asks here, and computes nothing itself.

The figures are those that the program wrote beside rows.jsonl (estimates.jsonl, results/README.md). Of what it wrote nothing there is
a value or a ratio, the mean over processes of the median over blocks, and no interval: those are the program's to compute.
"""
import math

from . import load, slim

CONFIDENCE = 0.95


class Estimate:
    """A figure with what its bar spans: an interval, or the least and the greatest window where there is none. `method` is how the
    interval was made where it is not the program's way."""

    def __init__(self, median, low, high, interval, processes, windows, hollow, computed, confidence=CONFIDENCE, method=None):
        self.median, self.low, self.high, self.interval = median, low, high, interval
        self.processes, self.windows = processes, windows
        self.hollow, self.computed, self.confidence, self.method = hollow, computed, confidence, method

    def times(self, factor):
        """The same in a unit that is so many times smaller."""
        return Estimate(self.median * factor, self.low * factor, self.high * factor, self.interval, self.processes, self.windows,
                        self.hollow, self.computed, self.confidence, self.method)

    def bars(self, scale=1.0):
        """What errorbar() takes."""
        return [[max(self.median - self.low, 0) * scale], [max(self.high - self.median, 0) * scale]]


NOTHING = float("nan")
NONE = Estimate(NOTHING, NOTHING, NOTHING, False, 0, 0, False, False)


def of(row, metric):
    """Of the row that a window belongs to, in its own directory."""
    run, key = row["_run"], row["row"]
    values = by_window(run, key, metric)
    flat = list(values.values())
    if not flat:
        return NONE
    line = written(run).get((key, metric))
    computed = line is None
    if computed:
        line = computed_figures(run, key, metric)
    interval = line["low"] is not None
    low, high = (line["low"], line["high"]) if interval else (min(flat), max(flat))
    return Estimate(line["value"], low, high, interval, line["processes"], line["windows"], is_hollow(run, key, metric), computed,
                    line.get("confidence", CONFIDENCE), line.get("method"))


def band(metric):
    """A simulated figure, which is exact: its bar spans the schedules."""
    return Estimate(metric["value"], metric["low"], metric["high"], False, 1, 1, False, False)


def multiple(row, other, metric):
    """How many times the other row's value this row's is, window by window; both of one directory. None without a pair."""
    run, key, to = row["_run"], row["row"], other["row"]
    least_most = ratio_of(by_window(run, to, metric), by_window(run, key, metric))
    if least_most is None:
        return None
    line = written(run).get((key, metric))
    ratio = line["ratio"] if line and line["ratio"] and line["ratio"]["to"] == to else None
    computed = ratio is None
    if computed:
        ratio = computed_ratio(run, key, to, metric)
    interval = ratio["low"] is not None
    low, high = (ratio["low"], ratio["high"]) if interval else least_most["spread"]
    # The file's is the other's value over this row's.
    return Estimate(1 / ratio["value"], 1 / high, 1 / low, interval, *counts_of(run, key, metric),
                    is_hollow(run, key, metric), computed, line.get("confidence", CONFIDENCE) if line else CONFIDENCE)


def quotient(row, other, metric):
    """How many times the other row's value this row's is, both of one directory, but perhaps of two scenes; of a metric of which less is
    better. Where there are intervals their ends are divided: together two of 95 % hold in 90 of 100 cases or more. Where both rows have a
    ratio to one baseline, or one is the other's, those may be divided instead: the machine's drift is in none of them, but the baseline's
    scatter is in both. The narrower of the two is taken, as how wide they are says nothing of where they are. None without a pair."""
    run, keys = row["_run"], (row["row"], other["row"])
    pairs = ratio_of(*(by_window(run, key, metric) for key in keys))
    if pairs is None:
        return None
    lines = [written(run).get((key, metric)) for key in keys]
    more = (*counts_of(run, keys[0], metric), any(is_hollow(run, key, metric) for key in keys))
    if not all(line and line["low"] is not None for line in lines):
        return Estimate(pairs["ratio"], *pairs["spread"], False, *more, True)
    own = [(line["value"], line["low"], line["high"]) for line in lines]
    upper, lower = min(filter(None, (against_one_baseline(lines), own)), key=lambda pair: math.prod(high / low for _, low, high in pair))
    confidence = min(line.get("confidence", CONFIDENCE) for line in lines)
    exact = any(low == high for _, low, high in (upper, lower))
    return Estimate(upper[0] / lower[0], upper[1] / lower[2], upper[2] / lower[1], True, *more, False,
                    confidence if exact else 2 * confidence - 1, lines[0].get("method"))


def against_one_baseline(lines):
    """Of two lines (value, low, high) over the value of a baseline that both have; None without one."""
    to = {line["ratio"]["to"] for line in lines if line["ratio"]}
    if len(to) != 1:
        return None
    found = []
    for line in lines:
        ratio = line["ratio"] or (line["row"] in to and {"value": 1.0, "low": 1.0, "high": 1.0})
        if not ratio or ratio["low"] is None:
            return None
        found.append((1 / ratio["value"], 1 / ratio["high"], 1 / ratio["low"]))  # the file's is the baseline's value over this row's
    return found


def noise(row, metric):
    """What a difference in the row's scene has to be more than, as the program's words have it: the farther end of the interval of the
    baseline over its second measurement, and without an interval the worst window. None without a second measurement."""
    run = row["_run"]
    pair = written(run).get((baselines(run, row["scene"])[1], metric))
    if pair and pair["ratio"] and load.is_a(pair["ratio"].get("low"), load.NUMBER):
        return max(pair["ratio"]["high"], 1 / pair["ratio"]["low"]) - 1
    line = written(run).get((row["row"], metric))
    return line["noise"] if line else computed_noise(run, row["scene"], metric)


def note(drawn):
    """The sentence under a picture of these estimates."""
    drawn = [e for e in drawn if e.windows]
    if not drawn:
        return ""
    own = [e for e in drawn if e.method]
    of_program = note_of_program([e for e in drawn if not e.method])
    of_others = [f"{'others: ' if of_program else ''}median over processes; bars: {percent(own)} by {method}"
                 for method in sorted({e.method for e in own})]
    return "; ".join(filter(None, [of_program, *of_others,
                                   "hollow: the machine was busy, threads hardly overlapped, or exceed the cores"]))


def percent(drawn):
    return " or ".join(f"{100 * confidence:.3g} %" for confidence in sorted({e.confidence for e in drawn}, reverse=True))


def note_of_program(drawn):
    counts = sorted({e.processes for e in drawn})
    if not counts:
        return ""
    processes = f"{counts[0]} to {counts[-1]} processes" if len(counts) > 1 else f"{counts[0]} process{'es' if counts[0] > 1 else ''}"
    intervals = [e for e in drawn if e.interval]
    if len(intervals) == len(drawn):
        text = f"mean of medians; bars: {percent(intervals)} interval, Student's t over {processes}"
    elif intervals:
        text = (f"mean of medians; bars: {percent(intervals)} interval, Student's t over {processes}, or least to greatest of all "
                "windows where there is none "
                "(smoke, not citable)")
    else:
        text = f"mean of medians; bars: least to greatest of all windows ({processes}: smoke, not citable)"
    if any(e.computed and e.processes >= 5 for e in drawn):
        text += "; no interval was written for some"
    return text


def latency_curve(row, of="latency"):
    """(share, ns) pairs of a row's histograms, which are at the path `of` of its records: what a share of the operations took no longer
    than, the mean over processes of the median over blocks; as far as each window has an operation beyond. Of "promptness" it is objects,
    and as far as each window has freed them. Empty where a window has no buckets."""
    import numpy as np
    windows = [r for r in row["_run"].windows[row["row"]] if load.at(r, f"{of}.buckets")]
    if not windows or len(windows) < len(row["_run"].windows[row["row"]]):
        return []
    buckets = {(r["process"], r["block"]): slim.unpacked(load.at(r, f"{of}.buckets")) for r in windows}
    totals = {(r["process"], r["block"]): load.at(r, of).get("objects", buckets[r["process"], r["block"]][:, 2].sum()) for r in windows}
    shares = 1 - 10.0 ** -np.arange(0, math.log10(max(min(totals.values()), 10)), 0.02)
    shares = shares[shares <= min(found[:, 2].sum() / totals[window] for window, found in buckets.items())]
    curves = {}
    for (process, block), found in sorted(buckets.items()):
        counts = np.cumsum(found[:, 2])
        # The bucket that a rank falls in, and its upper end: as the harness finds its percentiles.
        at = np.searchsorted(counts, np.maximum(1, np.floor(shares * totals[process, block] + 0.5)))
        curves.setdefault(process, []).append(found[np.minimum(at, len(found) - 1), 1])
    return list(zip(shares.tolist(), np.mean([np.median(of, axis=0) for of in curves.values()], axis=0).tolist()))


# What the program wrote.

LINE = {"scene": load.TEXT, "row": load.TEXT, "metric": load.TEXT, "processes": int, "windows": int, "value": load.NUMBER}


def written(run):
    """The lines of estimates.jsonl by row and metric; empty without the file."""
    read(run)
    return run.estimates


def read(run):
    """Reads estimates.jsonl, once; returns a sentence about each line of it that can't be used: what it tells of is computed."""
    if hasattr(run, "estimates"):
        return run.bad_estimates
    run.estimates, run.metrics, run.bad_estimates = {}, run.config.get("metrics"), []
    path = run.directory / "estimates.jsonl"
    if not path.exists():
        return run.bad_estimates
    unsure = set()  # what two lines tell differently
    for number, line in load.lines_of(path, run.bad_estimates):
        about_metrics = "row" not in line and "metrics" in line
        wrong = wrong_schema(line) if about_metrics else wrong_with(line)
        key = line.get("row"), line.get("metric")
        if not wrong and not about_metrics and run.part and line.get("origin") != run.part:
            continue
        if not wrong and (key in run.estimates or key in unsure):
            wrong = f"{key[1]} of {key[0]} is there already"
            if key in unsure or run.estimates[key] != completed(line):
                wrong += ", with other figures, and neither line is believed"
                run.estimates.pop(key, None)
                unsure.add(key)
        if wrong:
            run.bad_estimates.append(f"{path}: line {number} is left out: {wrong}")
            continue
        if isinstance(line.get("metrics"), list):
            run.metrics = line["metrics"]
        if not about_metrics:
            run.estimates[key] = completed(line)
    return run.bad_estimates


def completed(line):
    return {"ratio": None, "noise": None, **line}


def wrong_schema(line):
    return None if line.get("schema") == load.SCHEMA else f"its schema is not {load.SCHEMA}"


def wrong_with(line):
    wrong = wrong_schema(line) or load.lacking(line, LINE)
    if wrong:
        return wrong
    if not math.isfinite(line["value"]):
        return "its value is not finite"
    ratio = line.get("ratio")
    if ratio is not None and load.lacking({"ratio": ratio}, {"ratio.to": load.TEXT, "ratio.value": load.NUMBER}):
        return "its ratio has no row that it is to, or no number"
    for of, what in ((line, "interval"), (ratio or {"low": None, "high": None}, "ratio's interval")):
        ends = [of.get("low"), of.get("high")]
        if ends != [None, None] and not all(load.is_a(e, load.NUMBER) for e in ends):
            return f"its {what} has not two numbers"
    for name in ("noise", "confidence"):
        if line.get(name) is not None and not load.is_a(line[name], load.NUMBER):
            return f"its {name} is not a number"
    return None


# The windows of a row.

def by_window(run, key, metric):
    """The values of a row by process and block; what failed or was not measured is not in it."""
    values = run.values.get((key, metric))
    if values is None:
        found = [(r["process"], r["block"], load.metric(r, metric)) for r in run.windows.get(key, [])]
        values = {(process, block): float(value) for process, block, value in sorted(
            (f for f in found if f[2] is not None and math.isfinite(f[2])), key=lambda f: f[:2])}
        run.values[key, metric] = values
    return values


def counts_of(run, key, metric):
    """Of processes and of windows."""
    values = by_window(run, key, metric)
    return len({process for process, _ in values}), len(values)


def is_hollow(run, key, metric):
    """Is more than half of its windows in doubt?"""
    doubts = [load.doubtful(r) for r in run.windows.get(key, []) if load.metric(r, metric) is not None]
    return 2 * sum(doubts) > len(doubts)


def baselines(run, scene):
    """The rows of the scene's baseline and of its second measurement; None where there is none."""
    if not hasattr(run, "baselines"):
        run.baselines = {}
        for key in sorted(run.windows, key=run.rank):
            first = run.windows[key][0]
            run.baselines.setdefault((first["scene"], first["role"]), key)
    return run.baselines.get((scene, "baseline")), run.baselines.get((scene, "aa"))


# Of what the program wrote nothing of.

def computed_figures(run, key, metric):
    values = by_window(run, key, metric)
    processes = list(grouped(values).values())
    return {"processes": len(processes), "windows": len(values), "value": centre(processes), "low": None, "high": None}


def computed_ratio(run, key, to, metric):
    found = ratio_of(by_window(run, to, metric), by_window(run, key, metric))
    return found and {"to": to, "value": found["ratio"], "low": None, "high": None}


def computed_noise(run, scene, metric):
    base, again = baselines(run, scene)
    found = ratio_of(by_window(run, base, metric), by_window(run, again, metric))
    if found is None:
        return None
    low, high = found["spread"]
    return math.exp(max(math.log(high), -math.log(low))) - 1


def grouped(by_window_values):
    processes = {}
    for (process, _), value in by_window_values.items():
        processes.setdefault(process, []).append(value)
    return processes


def quantile(values, q):
    """Linear between the neighbours of q * (n - 1)."""
    values = sorted(values)
    at = q * (len(values) - 1)
    below = int(at)
    if below + 1 >= len(values):
        return values[-1]
    return values[below] + (at - below) * (values[below + 1] - values[below])


def median(values):
    return quantile(values, 0.5)


def centre(processes):
    """The mean over processes of the median over blocks."""
    total = 0.0
    for process in processes:
        total += median(process)
    return total / len(processes)


def ratio_of(a, b):
    """a over b, paired window by window, as the centre of the logs, and the least and greatest pair. None without a pair."""
    logs = {}
    for window, value in a.items():
        if window in b and value > 0 and b[window] > 0:
            logs[window] = math.log(value / b[window])
    if not logs:
        return None
    return {"ratio": math.exp(centre(list(grouped(logs).values()))),
            "spread": (math.exp(min(logs.values())), math.exp(max(logs.values())))}
