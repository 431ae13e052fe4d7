"""Records that take less memory: tens of thousands of them would fill it otherwise."""
import sys

# What no reader of a record looks at, and what all windows of a row, or all of a file, have alike.
UNREAD = ("lanes", "counters", "handoffs", "attempts")
ALIKE = ("config", "machine", "binary")


class Slimmer:
    """Of one file's records, each made slim as it is read. `moments` is what the first and the last say of the machine's state, {before,
    after} each; None where none does."""

    def __init__(self):
        self.moments, self._alike = None, {}

    def slim(self, record):
        """The record without what is not read, and with one object for what is equal."""
        for name in UNREAD:
            record.pop(name, None)
        for name in ALIKE:
            if name in record:
                have = self._alike.setdefault((name, record["row"] if name == "config" else ""), record[name])
                record[name] = have if have == record[name] else record[name]
        if "environment" in record:
            self.moments = (self.moments or (record["environment"],))[0], record.pop("environment")
        if isinstance(record.get("metrics"), dict):
            record["metrics"] = {sys.intern(name): self._metric(m) for name, m in record["metrics"].items()}
        return record

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
