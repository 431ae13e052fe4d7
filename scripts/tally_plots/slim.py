"""Records that take less memory: tens of thousands of them would fill it otherwise."""
import array
import sys

from .records import HISTOGRAMS, at

# What no reader of a record looks at; and of some parts what alone is looked at.
UNREAD = ("lanes", "counters", "handoffs", "attempts", "notes")
READ = {"oracle": ("class",), "quality": ("doubtful", "verdict", "reasons")}
# What all windows of a row, of a process, or of a file have alike.
ALIKE = ("config", "machine", "binary", *READ)


class Slimmer:
    """Of one file's records, each made slim as it is read. `moments` is what the first and the last say of the machine's state, {before,
    after} each; None where none does."""

    def __init__(self):
        self.moments, self._last, self._alike = None, {}, {}

    def slim(self, record):
        """The record without what is not read, with one object for what is equal, and histograms packed (unpacked() has their buckets)."""
        for name in UNREAD:
            record.pop(name, None)
        for name, wanted in READ.items():
            if isinstance(record.get(name), dict):
                record[name] = {sys.intern(key): record[name][key] for key in wanted if key in record[name]}
        for name in ALIKE:
            if name in record:
                record[name] = self._one(name, record["row"] if name == "config" else "", record[name])
        if "environment" in record:
            self.moments = (self.moments or (record["environment"],))[0], record.pop("environment")
        if isinstance(record.get("metrics"), dict):
            record["metrics"] = {sys.intern(name): self._metric(m) for name, m in record["metrics"].items()}
        if record["status"] in ("ok", "exhausted"):  # of others nobody has looked whether they are whole
            for path in HISTOGRAMS:
                if at(record, f"{path}.buckets"):
                    part = at(record, path)
                    part["buckets"] = array.array("q", (n for bucket in part["buckets"] for n in bucket))
        return record

    def _one(self, name, row, part):
        """The part, or one that is equal: mostly the last record's, since a process writes its records one after the other."""
        last = self._last.get((name, row))
        if last != part:
            last = self._last[name, row] = self._alike.setdefault((name, repr(part)), part)
        return last

    def _metric(self, metric):
        if not isinstance(metric, dict):
            return metric
        if metric.get("value") is None:  # absent, for the same reason over and over
            try:
                return self._alike.setdefault(("absent", *metric.items()), metric)
            except TypeError:  # one that says more than texts and numbers is kept as it is
                return metric
        for name, value in metric.items():
            if type(value) is str:
                metric[name] = sys.intern(value)
        return metric


def unpacked(buckets):
    """(low, high, count) of each bucket of a histogram, as an array with three columns."""
    import numpy as np
    return np.asarray(buckets, dtype=float).reshape(-1, 3)
