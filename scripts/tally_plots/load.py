"""Results directories as the plots and the table want them: records that can be relied on, and a sentence for each that can't.

A line that is damaged, or whose record lacks what its status promises, is left out and named by its number; the others are used.
"""
import copy
import gc
import json
import pathlib
import re

from .records import FLAG, LIST, NUMBER, OBJECT, SCHEMA, TEXT, at, is_a, is_result, lacking, lines_of, origin_of, problem, unsettled
from .slim import Slimmer


class Unreadable(ValueError):
    """No results directory, or one of another format; the message is a line for people."""


def natural(text):
    """What texts are sorted by so that 2x comes before 10x; "|" parts a row's key."""
    return [[float(part) if nth % 2 else part for nth, part in enumerate(re.split(r"(\d+(?:\.\d+)?)", of))] for of in text.split("|")]


class Run:
    """One results directory."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.bad, self.records = [], []
        self._made = {}  # what was there before a line
        self._slimmer = Slimmer()
        self.values = {}  # by row and metric: what estimates.by_window() found
        self.tail = ""  # what sets its rows apart from another directory's of the same names
        self.part = None  # of a merge of several machines or builds: the name of the one
        path = self.directory / "rows.jsonl"
        if not path.exists():
            raise Unreadable(f"{directory}: no rows.jsonl there; name a results directory, or be where `tally run` was: it leaves "
                             "results/latest in its working directory")
        collects = gc.isenabled()
        gc.disable()  # millions of values, none of them garbage: to look for it takes longer than to read them
        try:
            self._read(path)
        finally:
            if collects:
                gc.enable()
        self.config = self._config()
        rows = self.config.get("rows")
        self._rank = {key: n for n, key in enumerate(rows if isinstance(rows, list) else []) if isinstance(key, str)}
        self.windows = groups([r for r in self.records if is_result(r)], lambda r: r["row"])

    def _read(self, path):
        for number, record in lines_of(path, self.bad):
            if "schema" not in record:
                self.bad.append(f"{path}: line {number} is left out: it has no schema")
                continue
            if record["schema"] != SCHEMA:
                raise Unreadable(f"{path}: line {number} has schema {record['schema']}, this script reads schema {SCHEMA}")
            wrong = problem(record) or self._foreign(record)
            if wrong:
                self.bad.append(f"{path}: line {number} is left out: {wrong}")
                continue
            self.records.append(self._slimmer.slim(record))

    def _foreign(self, record):
        """Why it is not of the run whose rows are above it, in words; None if it is: one binary, one machine, no window twice. Merged runs
        (`tally merge`) say of each record which binary and machine it is of."""
        if record["status"] == "skipped":
            return None
        origin = origin_of(record)
        for path, whose in (("binary.executable", "binary"), ("machine.machine_id", "machine")):
            said = at(record, path)
            if said is not None and self._made.setdefault((origin, path), said) != said:
                return f"it is another {whose}'s than the lines above it"
        window = record["row"], record["process"], record["block"], origin
        if window in self._made:
            return f"process {window[1]}, block {window[2]} of {window[0]} is there already"
        self._made[window] = True
        return None

    def parts(self):
        """Itself; or, of a merge of several machines or builds, a run for each: their rows are never under one figure."""
        origins = list(dict.fromkeys(map(origin_of, self.records)))
        if len(origins) < 2:
            return [self]
        parts = [copy.copy(self) for _ in origins]
        for part, origin in zip(parts, origins):
            part.part, part.tail, part.values = origin, f" [{origin}]", {}
            part.bad = self.bad if part is parts[0] else []
            part.records = [r for r in self.records if origin_of(r) == origin]
            part.windows = groups([r for r in part.records if is_result(r)], lambda r: r["row"])
        return parts

    def _config(self):
        path = self.directory / "config.json"
        if not path.exists():
            return {}
        try:
            config = json.loads(path.read_bytes().decode("utf-8"))
        except (ValueError, RecursionError):
            config = None
        if not isinstance(config, dict):
            self.bad.append(f"{path}: not a JSON object: done without")
            return {}
        return config

    @property
    def planned(self):
        """The keys of the plan's rows, in its order; none where the directory does not have it, or has those of several."""
        return [] if self.part else list(self._rank)

    def rank(self, key):
        """A row's place in the plan; those that are not in it are last, by workload, threads, mode and strategy."""
        if key in self._rank:
            return self._rank[key], []
        strategy, *scene = natural(key)
        return len(self._rank), [scene, strategy]

    @property
    def moments(self):
        return self._slimmer.moments

    @property
    def name(self):
        return self.part or self.directory.resolve().name

    @property
    def home(self):
        """What tells it from another of its name."""
        path = self.directory.resolve()
        return path.name if self.part else path.parent.name

    @property
    def origin(self):
        """Where its figures are from, in words: processor, day, revision, how many windows the directory has, be they drawn or not.
        What the records do not say is left out."""
        there = [r for r in self.records if r["status"] in ("ok", "exhausted")]
        said = sorted({f"{m['cpu_model']}, {m['cores']} cores" for m in (r.get("machine", {}) for r in there)
                       if is_a(m.get("cpu_model"), TEXT) and is_a(m.get("cores"), int)})
        day = self.config.get("started")
        said += [day[:10]] if is_a(day, TEXT) else []
        said += sorted({f"tally {r['binary']['git'][:12]}" for r in there if is_a(r.get("binary", {}).get("git"), TEXT)})
        what = "simulated row" if there and all(r["config"]["mode"] == "simulated" for r in there) else "window"
        return "; ".join(said + [f"{len(there)} {what}{'s' if len(there) != 1 else ''} in all"])


class Results:
    """The rows of some results directories. Those of one directory are never mixed with another's: a strategy of two is two."""

    def __init__(self, directories):
        unique = {pathlib.Path(d).resolve(): d for d in reversed(list(directories))}
        self.runs = [part for d in reversed(list(unique.values())) for part in Run(d).parts()]
        self.bad = [sentence for run in self.runs for sentence in run.bad]
        for run in self.runs:
            others = [o for o in self.runs if o is not run]
            if any(key in o.windows for o in others for key in run.windows):
                clash = any(o.name == run.name for o in others)
                run.tail = f" [{run.home}/{run.name}]" if clash else f" [{run.name}]"
        self.ok, self.failed = [], []  # in the order of the plan
        for run in self.runs:
            ranks = {key: run.rank(key) for key in {r["row"] for r in run.records}}
            for row in sorted(run.records, key=lambda r: ranks[r["row"]]):
                row["_run"] = run
                if is_result(row) and row["role"] != "aa":
                    self.ok.append(row)
                elif row["status"] == "error" and row["row"] not in run.windows:
                    self.failed.append(row)
                row["_rank"] = len(self.ok) + len(self.failed)
        self._by_mode = groups(self.ok, lambda r: r["config"]["mode"])
        self._varied = {}
        for row in self.ok + self.failed:
            name, parameters = row["config"]["workload"]["name"], row["config"]["workload"]["parameters"]
            of = self._varied.setdefault(name, {})
            for parameter_name, value in parameters.items():
                of.setdefault(parameter_name, set()).add(str(value))

    @staticmethod
    def order(row):
        """What rows of several selections are sorted by."""
        return row["_rank"]

    def title(self, row, without=()):
        """The workload with those of its parameters that tell it from the others that are there, or are words (a recording's name, how
        it is replayed): its label has none that is at its default."""
        own = row["config"]["workload"]
        first, *words = re.split(r"[ ,]", own["label"])
        words = [w for w in words if w.split("=")[0] not in without]
        told = {w.split("=")[0] for w in words} | set(without)
        return " ".join([first, *words, *(f"{name}={value}" for name, value in own["parameters"].items()
                                          if name not in told and self._in_title(own["name"], name, value))])

    def _in_title(self, workload_name, name, value):
        return len(self._varied[workload_name][name]) > 1 or number_in(value) is None

    def rest(self, rows, without=()):
        """The parameters that no title has, of each workload among these rows: a sentence for the footnote."""
        said = {}
        for row in rows:
            own = row["config"]["workload"]
            if own["name"] in said:
                continue
            told = set(re.findall(r"(\w+)=", own["label"])) | set(without)
            left = [f"{name}={value}" for name, value in own["parameters"].items()
                    if name not in told and not self._in_title(own["name"], name, value)]
            said[own["name"]] = f"{own['name']}: {', '.join(left)}" if left else ""
        return "; ".join(filter(None, said.values()))

    @property
    def origin(self):
        return " | ".join(run.origin for run in self.runs)

    def select(self, workload=None, mode="throughput"):
        return [r for r in self._by_mode.get(mode, []) if not workload or r["config"]["workload"]["name"] == workload]


def plain(row):
    """The variant and its allocator as the harness calls them: atomic, atomic+mimalloc."""
    config = row["config"]
    allocator = config.get("allocator", "system")
    return config["strategy"]["label"] + ("" if allocator == "system" else f"+{allocator}")


def strategy(row):
    """The same, and of which directory, where several have it."""
    return plain(row) + row["_run"].tail


def named(row):
    """As the harness calls it within its scene, with the heap limit: mark_sweep@2x."""
    name = row["row"].split("|")[0]
    return name if name.startswith(plain(row)) else plain(row)


def labelled(row):
    """The same, and of which directory: it tells apart what a plot shows side by side."""
    return named(row) + row["_run"].tail


def workload(row):
    return row["config"]["workload"]["label"]


def measured(row):
    """The mode with its loop, as the row's key has it: throughput, latency, latency@20000/s."""
    scene = row["scene"].split("|")
    return scene[2] if len(scene) == 3 else row["config"]["mode"]


def place(row):
    """What its rivals share with it: workload, threads, mode."""
    return workload(row), row["config"]["threads"], measured(row)


def think(row):
    """Work between its operations, in ns."""
    return row["config"].get("think_ns", 0)


def never_frees(row):
    """Whether its strategy counts nothing and frees nothing."""
    return at(row, "oracle.class") == "never_frees"


def parameter(row, name):
    return row["config"]["workload"]["parameters"].get(name)


def number_in(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def number_of(row, name):
    """A parameter that is a number; None if it isn't one."""
    return number_in(parameter(row, name))


def others(row, parameter):
    """What distinguishes the scene beside a parameter that is stepped: the label without it, and the threads."""
    words = [w for part in workload(row).split()[1:] for w in part.split(",")]
    kept = [w for w in words if not w.startswith(parameter + "=")]
    return ("".join(", " + w for w in kept), row["config"]["threads"])


def metric(row, name):
    m = row["metrics"].get(name)
    return None if m is None else m["value"]


def doubtful(row):
    """Drawn hollow: the threads did not really run against each other, were kept from running, or exceed the processors."""
    if "quality" not in row:
        return False
    return row["quality"]["doubtful"] or row["quality"]["verdict"] == "serial" or row["config"]["oversubscribed"]


def said_of_doubt(rows):
    """How many, and how many of them are as they must be: a run's own count is without these, and of second measurements, too."""
    found = [r for r in rows if doubtful(r)]
    expected = sum(not r["quality"]["doubtful"] for r in found)
    said = f"{len(found)} of {len(rows)} windows are in doubt"
    return said + f" ({expected} only since they are serial or have more threads than processors)" * bool(expected)


def groups(rows, key):
    result = {}
    for r in rows:
        result.setdefault(key(r), []).append(r)
    return result
