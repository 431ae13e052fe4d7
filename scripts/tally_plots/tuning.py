"""Whether defaults are the best numbers: each row with one run-time number of its strategy at another value, beside the row that has
the defaults.

A strategy whose default loses is compared unfairly wherever it has that default. It loses to a value whose time over the default's has an
interval below 1, and is less than what the scene's baseline may differ from itself by (estimates.noise); windows in doubt back no claim.
"""
from collections import namedtuple

from . import estimates, load, style

METRIC = "ns_per_op"

# `row` has `number` at another value than the row `default`; `ratio` (estimates.Estimate) is its time over the default's, `noise` the
# scene's or None, `loses` whether the default does.
Trial = namedtuple("Trial", "row default number ratio noise loses")


def trials(results):
    """By place (load.place), in the order of the rows; those without a window beside their default's are not there."""
    found = {}
    for (place, _), rows in load.groups(results.select(), lambda r: (load.place(r), r["_run"])).items():
        first = {r["row"]: r for r in reversed(rows)}
        by_setting = load.groups(list(first.values())[::-1], setting)
        for of, here in by_setting.items():
            default = next((r for r in here if not tunables(r)), None)
            for row in here if default else ():
                ratio = estimates.quotient(row, default, METRIC) if len(tunables(row)) == 1 else None
                if ratio:
                    found.setdefault(place, []).append(trial(row, default, ratio))
    return found


def tunables(row):
    return load.at(row, "config.strategy.tunables") or {}


def setting(row):
    """All that a row has in common with the one that has its strategy's defaults."""
    strategy, config = row["config"]["strategy"], row["config"]
    return (strategy["name"], tuple(sorted((load.at(strategy, "options") or {}).items())), tuple(sorted(config["heap"].items(), key=str)),
            config.get("allocator", "system"))


def trial(row, default, ratio):
    noise = estimates.noise(default, METRIC)
    sure = ratio.interval and not ratio.hollow and noise is not None
    return Trial(row, default, next(iter(tunables(row))), ratio, noise, sure and ratio.high < 1 and ratio.median < 1 / (1 + noise))


def losses(every):
    """Of each default that loses, the trial that it loses to most."""
    lost = load.groups([t for t in every if t.loses], lambda t: (t.default["_run"], t.default["row"]))
    return [min(of, key=lambda t: t.ratio.median) for of in lost.values()]


def sentences(results):
    """What the trials say: of each default that loses what it loses to, and what all others come to."""
    every = [t for of in trials(results).values() for t in of]
    if not every:
        return []
    if not any(t.ratio.interval for t in every):
        return [f"Values that were tried beside defaults: {len(every)}, of which nothing can be said, since there are no intervals."]
    lost = losses(every)
    alike = {load.labelled(t.default) for t in every} - {load.labelled(t.default) for t in lost}
    said = [f"{load.labelled(t.default)} is compared unfairly at its default: {load.labelled(t.row)} takes {style.number(t.ratio.median)} "
            f"[{style.number(t.ratio.low)}, {style.number(t.ratio.high)}] times the default's time in {results.title(t.row)}, "
            f"{style.threads(t.row['config']['threads'])}, where the noise is {style.number(100 * t.noise)} %." for t in lost]
    return said + ([f"No value that was tried of {', '.join(style.order(alike))} beats the default by more than the noise."] if alike else [])
