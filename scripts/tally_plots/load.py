"""Rows from results directories, and what a plot asks of them: the points of a scene with their spread and their doubts."""
import json
import pathlib

SCHEMA = 1
CITABLE_PROCESSES = 5
RESAMPLES = 2000


class Unreadable(ValueError):
    """No results directory, or one of another format; the message is a line for people."""


class Results:
    def __init__(self, directories):
        self.rows, self.bad = [], []
        for directory in directories:
            self._read(pathlib.Path(directory))
        self.ok = [r for r in self.rows if r["status"] in ("ok", "exhausted") and r["role"] != "aa"]
        self.errors = [r for r in self.rows if r["status"] == "error"]
        self.processes = len({r["process"] for r in self.ok})

    def _read(self, directory):
        path = directory / "rows.jsonl"
        if not path.exists():
            raise Unreadable(f"{directory}: no rows.jsonl there; name a results directory (default: results/latest)")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                self.bad.append(f"{path.name} line {number}: damaged, left out")
                continue
            if row.get("schema") != SCHEMA:
                raise Unreadable(f"{path}: line {number} has schema {row.get('schema')}, this script reads schema {SCHEMA}")
            self.rows.append(row)

    def select(self, workload=None, mode="throughput", **parameters):
        found = []
        for r in self.ok:
            c = r["config"]
            if c["mode"] != mode or (workload and c["workload"]["name"] != workload):
                continue
            if all(c["workload"]["parameters"].get(k) == v for k, v in parameters.items()):
                found.append(r)
        return found


def strategy(row):
    """The variant and its allocator as the harness calls them: atomic, atomic+mimalloc."""
    config = row["config"]
    allocator = config.get("allocator", "system")
    return config["strategy"]["label"] + ("" if allocator == "system" else f"+{allocator}")


def labelled(row):
    """As strategy(), with the heap limit: mark_sweep@2x."""
    heap = row["config"]["heap"]
    return strategy(row) + (f"@{heap['multiple']:g}x" if heap["multiple"] else "")


def workload(row):
    return row["config"]["workload"]["label"]


def parameter(row, name):
    return row["config"]["workload"]["parameters"].get(name)


def metric(row, name):
    m = row["metrics"].get(name)
    return None if m is None else m["value"]


def doubtful(row):
    """Drawn hollow: the threads did not really run against each other, were kept from running, or exceed the processors."""
    return row["quality"]["doubtful"] or row["quality"]["verdict"] == "serial" or row["config"]["oversubscribed"]


def groups(rows, key):
    result = {}
    for r in rows:
        result.setdefault(key(r), []).append(r)
    return result


class Point:
    """The median of a metric over a row's windows, its spread, and how much of it is in doubt."""

    def __init__(self, rows, name):
        pairs = [(r["process"], metric(r, name), doubtful(r)) for r in rows if metric(r, name) is not None]
        self.count = len(pairs)
        self.hollow = sum(d for _, _, d in pairs) * 2 > len(pairs)
        if not pairs:
            self.median = self.low = self.high = float("nan")
            return
        by_process = {}
        for process, value, _ in pairs:
            by_process.setdefault(process, []).append(value)
        import numpy as np
        values = [v for _, v, _ in pairs]
        self.median = float(np.median(values))
        self.interval = len(by_process) >= CITABLE_PROCESSES
        if self.interval:
            self.low, self.high = bootstrap(by_process)
        else:
            self.low, self.high = min(values), max(values)

    @property
    def bars(self):
        return [[max(self.median - self.low, 0)], [max(self.high - self.median, 0)]]


def bootstrap(by_process):
    """95 % percentile interval of the median: processes are drawn first, then windows in each."""
    import numpy as np
    random = np.random.default_rng(20)
    processes = [np.asarray(v) for v in by_process.values()]
    medians = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = random.integers(len(processes), size=len(processes))
        medians[i] = np.median(np.concatenate([random.choice(processes[d], size=len(processes[d])) for d in drawn]))
    return tuple(np.percentile(medians, [2.5, 97.5]))


def spread_note(results):
    if results.processes >= CITABLE_PROCESSES:
        note = f"median; bars: 95 % bootstrap interval over {results.processes} processes"
    else:
        note = f"median; bars: least to greatest of all windows ({results.processes} process{'' if results.processes == 1 else 'es'}: smoke, not citable)"
    return note + "; hollow: the machine was busy, threads hardly overlapped, or exceed the cores"
