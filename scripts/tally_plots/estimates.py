"""What may be said of a row: its median, its interval, its ratio to another row. Every plot asks here, and computes nothing itself.

The figures are those that the program wrote beside rows.jsonl (estimates.jsonl, results/README.md). Where it wrote none they are
computed from the rows by the program's own method, harness/measure/statistics.cpp: processes are resampled first and the windows in
them second, from the run's seed, and the interval is widened for few processes. Draw for draw it is the same, so that the text
summary and the pictures agree. A change there is a change here.
"""
import functools
import math

from . import load

CONFIDENCE = 0.95
RESAMPLES = 10_000
CITABLE_PROCESSES = 5
MASK = 2**64 - 1


class Estimate:
    """A figure with what its bar spans: an interval, or the least and the greatest window where there is none."""

    def __init__(self, median, low, high, interval, processes, windows, hollow, computed, confidence=CONFIDENCE):
        self.median, self.low, self.high, self.interval = median, low, high, interval
        self.processes, self.windows = processes, windows
        self.hollow, self.computed, self.confidence = hollow, computed, confidence

    def bars(self, scale=1.0):
        """What errorbar() takes."""
        return [[max(self.median - self.low, 0) * scale], [max(self.high - self.median, 0) * scale]]


NOTHING = float("nan")


def of(row, metric):
    """Of the row that a window belongs to, in its own directory."""
    run, key = row["_run"], row["row"]
    values = by_window(run, key, metric)
    flat = list(values.values())
    if not flat:
        return Estimate(NOTHING, NOTHING, NOTHING, False, 0, 0, False, False)
    line = written(run).get((key, metric))
    computed = line is None
    if computed:
        line = computed_figures(run, key, metric)
    interval = line["low"] is not None
    low, high = (line["low"], line["high"]) if interval else (min(flat), max(flat))
    return Estimate(line["median"], low, high, interval, line["n_processes"], line["n_windows"], is_hollow(run, key, metric), computed,
                    line.get("confidence", CONFIDENCE))


def multiple(row, other, metric):
    """How many times the other row's value this row's is, window by window; both of one directory. None without a pair."""
    run, key, to = row["_run"], row["row"], other["row"]
    least_most = ratio_of(by_window(run, to, metric), by_window(run, key, metric), 0, None)
    if least_most is None:
        return None
    line = written(run).get((key, metric))
    ratio = line["ratio"] if line and line["ratio"] and line["ratio"]["to"] == to else None
    computed = ratio is None
    if computed:
        ratio = computed_ratio(run, key, to, metric)
    interval = ratio["low"] is not None
    low, high = (ratio["low"], ratio["high"]) if interval else least_most["spread"]
    values = by_window(run, key, metric)
    # The file's is the other's value over this row's.
    return Estimate(1 / ratio["median"], 1 / high, 1 / low, interval, len({p for p, _ in values}), len(values),
                    is_hollow(run, key, metric), computed, line.get("confidence", CONFIDENCE) if line else CONFIDENCE)


def noise(row, metric):
    """What the baseline of the row's scene differs from itself by; None without a second measurement of it."""
    run = row["_run"]
    line = written(run).get((row["row"], metric))
    return line["noise"] if line else computed_noise(run, row["scene"], metric)


def note(drawn):
    """The sentence under a picture of these estimates."""
    drawn = [e for e in drawn if e.windows]
    counts = sorted({e.processes for e in drawn})
    if not counts:
        return ""
    processes = f"{counts[0]} to {counts[-1]} processes" if len(counts) > 1 else f"{counts[0]} process{'es' if counts[0] > 1 else ''}"
    intervals = [e for e in drawn if e.interval]
    percent = f"{100 * (intervals or drawn)[0].confidence:g} %"
    if len(intervals) == len(drawn):
        text = f"median; bars: {percent} bootstrap interval over {processes}"
    elif intervals:
        text = (f"median; bars: {percent} bootstrap interval over {processes}, or least to greatest of all windows where there is none "
                "(smoke, not citable)")
    else:
        text = f"median; bars: least to greatest of all windows ({processes}: smoke, not citable)"
    if any(e.computed for e in intervals):
        text += "; intervals computed when drawn"
    return text + "; hollow: the machine was busy, threads hardly overlapped, or exceed the cores"


# What the program wrote.

LINE = {"scene": load.TEXT, "row": load.TEXT, "metric": load.TEXT, "n_processes": int, "n_windows": int, "median": load.NUMBER}


def written(run):
    """The lines of estimates.jsonl by row and metric; empty without the file."""
    if not hasattr(run, "estimates"):
        read(run)
    return run.estimates


def read(run):
    """Reads estimates.jsonl; returns a sentence about each line of it that can't be used: what it tells of is computed."""
    run.estimates, run.metrics, bad = {}, run.config.get("metrics"), []
    path = run.directory / "estimates.jsonl"
    if not path.exists():
        return bad
    for number, line in load.lines_of(path, bad):
        if isinstance(line.get("metrics"), list):
            run.metrics = line["metrics"]
        if "row" not in line and "metrics" in line:
            continue
        wrong = wrong_with(line)
        if wrong:
            bad.append(f"{path}: line {number} is left out: {wrong}")
            continue
        line.setdefault("ratio", None)
        line.setdefault("noise", None)
        run.estimates[line["row"], line["metric"]] = line
    return bad


def wrong_with(line):
    if line.get("schema") != load.SCHEMA:
        return f"its schema is not {load.SCHEMA}"
    wrong = load.lacking(line, LINE)
    if wrong:
        return wrong
    ratio = line.get("ratio")
    if ratio is not None and load.lacking({"ratio": ratio}, {"ratio.to": load.TEXT, "ratio.median": load.NUMBER}):
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
    found = {}
    for r in run.windows.get(key, []):
        value = load.metric(r, metric)
        if value is not None and math.isfinite(value):
            found[r["process"], r["block"]] = float(value)
    return dict(sorted(found.items()))


def is_hollow(run, key, metric):
    """Is more than half of its windows in doubt?"""
    doubts = [load.doubtful(r) for r in run.windows.get(key, []) if load.metric(r, metric) is not None]
    return 2 * sum(doubts) > len(doubts)


def baselines(run, scene):
    """The rows of the scene's baseline and of its second measurement; None where there is none."""
    keys = sorted(run.windows, key=run.rank)

    def first(role):
        return next((k for k in keys if run.windows[k][0]["scene"] == scene and run.windows[k][0]["role"] == role), None)
    return first("baseline"), first("aa")


# The program's method, for results that have no estimates.jsonl.

def seed_of(run):
    seed = load.at(run.config, "request.seed")
    return seed if load.is_a(seed, int) else 1


def citable(run):
    smoke = run.config.get("smoke")
    if isinstance(smoke, bool):
        return not smoke
    return len({r["process"] for windows in run.windows.values() for r in windows}) >= CITABLE_PROCESSES


def computed_figures(run, key, metric):
    values = by_window(run, key, metric)
    processes = list(grouped(values).values())
    low = high = None
    if citable(run) and len(processes) >= 2:
        low, high = bootstrap_interval(processes, seed_of(run))
    return {"n_processes": len(processes), "n_windows": len(values), "median": median(list(values.values())), "low": low, "high": high,
            "confidence": CONFIDENCE}


def computed_line(run, key, metric):
    """What estimates.jsonl would have of a row."""
    scene = run.windows[key][0]["scene"]
    to, _ = baselines(run, scene)
    return {"schema": load.SCHEMA, "scene": scene, "row": key, "metric": metric, **computed_figures(run, key, metric),
            "ratio": computed_ratio(run, key, to, metric) if to else None, "noise": computed_noise(run, scene, metric),
            "method": "hierarchical bootstrap"}


def computed_ratio(run, key, to, metric):
    found = ratio_of(by_window(run, to, metric), by_window(run, key, metric), seed_of(run), 2 if citable(run) else None)
    if found is None:
        return None
    low, high = found["confidence"] or (None, None)
    return {"to": to, "median": found["ratio"], "low": low, "high": high}


def computed_noise(run, scene, metric):
    base, again = baselines(run, scene)
    found = ratio_of(by_window(run, base, metric), by_window(run, again, metric), 0, None)
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


def ratio_of(a, b, seed, processes_needed):
    """a over b, paired window by window, as the centre of the logs; processes_needed None: without an interval. None without a pair."""
    logs = {}
    for window, value in a.items():
        if window in b and value > 0 and b[window] > 0:
            logs[window] = math.log(value / b[window])
    if not logs:
        return None
    processes = list(grouped(logs).values())
    result = {"ratio": math.exp(centre(processes)), "spread": (math.exp(min(logs.values())), math.exp(max(logs.values()))),
              "confidence": None}
    if processes_needed is not None and len(processes) >= max(2, processes_needed):
        low, high = bootstrap_interval(processes, seed)
        result["confidence"] = (math.exp(low), math.exp(high))
    return result


def student_cdf(t, n):
    angle = math.atan(abs(t) / math.sqrt(n))
    cosine, sine = math.cos(angle), math.sin(angle)
    if n % 2 == 1:
        term, total = cosine, 0.0
        for k in range(1, n - 1, 2):
            total += term
            term *= cosine * cosine * (k + 1.0) / (k + 2.0)
        inside = 2 / math.pi * (angle + sine * total)
    else:
        term, total = 1.0, 0.0
        for k in range(0, n - 1, 2):
            total += term
            term *= cosine * cosine * (k + 1.0) / (k + 2.0)
        inside = sine * total
    return (1 - inside) / 2 if t < 0 else (1 + inside) / 2


@functools.lru_cache(maxsize=None)
def student_quantile(p, n):
    low, high = 0.0, 1.0
    while student_cdf(high, n) < p:
        high *= 2
    for _ in range(200):
        if high - low <= 1e-12 * high:
            break
        middle = (low + high) / 2
        if student_cdf(middle, n) < p:
            low = middle
        else:
            high = middle
    return high


class Stream:
    """The upper halves of what harness/random.hpp draws for (seed, 0): xoshiro256**, seeded by splitmix64."""

    def __init__(self, seed):
        self.drawn, self.state = [], []
        x = seed * 0x9e3779b97f4a7c15 & MASK
        for _ in range(4):
            x = x + 0x9e3779b97f4a7c15 & MASK
            z = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & MASK
            z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK
            self.state.append(z ^ z >> 31)

    def upto(self, count):
        """The first `count` of them."""
        a, b, c, d = self.state
        more = []
        for _ in range(count - len(self.drawn)):
            m = b * 5 & MASK
            more.append(((m << 7 | m >> 57) * 9 & MASK) >> 32)
            t = b << 17 & MASK
            c ^= a
            d ^= b
            b ^= c
            a ^= d
            c ^= t
            d = (d << 45 | d >> 19) & MASK
        self.state = [a, b, c, d]
        self.drawn += more
        return self.drawn[:count]


@functools.lru_cache(maxsize=4)
def stream(seed):
    return Stream(seed)


@functools.lru_cache(maxsize=4)
def evenly(seed, resamples, processes, blocks):
    """Which processes and which of their blocks are drawn, where all have as many blocks: it is the same for every row."""
    import numpy as np
    shape = (resamples, processes, 1 + blocks)
    drawn = np.array(stream(seed).upto(resamples * processes * (1 + blocks)), dtype=np.uint64).reshape(shape)
    which = (drawn[:, :, :1] * np.uint64(processes) >> np.uint64(32)).astype(np.intp)
    return which, (drawn[:, :, 1:] * np.uint64(blocks) >> np.uint64(32)).astype(np.intp)


def resampled_centres(processes, seed, resamples):
    n, blocks = len(processes), len(processes[0])
    if all(len(p) == blocks for p in processes):
        import numpy as np
        which, block = evenly(seed, resamples, n, blocks)
        values = np.sort(np.array(processes)[which, block], axis=2)
        at = 0.5 * (blocks - 1)
        below = int(at)
        middle = values[:, :, -1] if below + 1 >= blocks else (
            values[:, :, below] + (at - below) * (values[:, :, below + 1] - values[:, :, below]))
        total = np.zeros(resamples)
        for p in range(n):
            total += middle[:, p]
        return (total / n).tolist()
    drawn, at, centres = stream(seed).upto(resamples * n * (1 + max(map(len, processes)))), 0, []
    for _ in range(resamples):
        total = 0.0
        for _ in range(n):
            process = processes[drawn[at] * n >> 32]
            size = len(process)
            total += median([process[d * size >> 32] for d in drawn[at + 1:at + 1 + size]])
            at += 1 + size
        centres.append(total / n)
    return centres


def bootstrap_interval(processes, seed, confidence=CONFIDENCE, resamples=RESAMPLES):
    """Of centre(), with at least two processes."""
    n = len(processes)
    centres = sorted(resampled_centres(processes, seed, resamples))
    t = student_quantile(0.5 + confidence / 2, n - 1)
    tail = math.erfc(math.sqrt(n / (n - 1.0)) * t / math.sqrt(2)) / 2
    return quantile(centres, tail), quantile(centres, 1 - tail)
