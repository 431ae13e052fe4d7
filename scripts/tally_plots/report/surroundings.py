"""Where and under which circumstances it was measured, and what to be careful about."""
from .. import estimates, load, missing
from ..plots import quality
from .html import folded, joined, listed, section, table, tag

SIDES = ("before", "after")


def flat(value, path=""):
    """(path, text) of all that a record says, deep inside."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        for nth, inner in enumerate(value):
            yield from flat(inner, f"{path}.{nth}")
    else:
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else "not visible" if value is None else str(value)


def environment_section(results):
    parts = []
    for run in results.runs:
        there = [r for r in run.records if load.is_a(r.get("machine"), dict)]
        if not there:
            continue
        first = there[0]
        for name in ("machine", "binary"):
            parts.append(table((name, ""), list(flat(first.get(name) or {})), f"The {name}{run.tail}"))
        moments = [dict(flat(load.at(state, side) or {})) for state, side in zip(run.moments or ({}, {}), SIDES)]
        rows = [(path, *(m.get(path, "") for m in moments)) for path in dict.fromkeys([*moments[0], *moments[1]])]
        if rows:
            parts.append(folded("Before the first window and after the last", table(("", *SIDES), rows, f"The machine's state{run.tail}")))
        asked = run.config.get("request")
        if load.is_a(asked, dict):
            parts.append(folded("What was asked for", table(("flag", "value"), list(flat(asked)), f"The request{run.tail}")))
    return section("environment", "Environment", *(parts or [tag("p", "The records do not say it.")]))


def warnings_section(results):
    rows = [r for r in results.ok if "quality" in r]
    doubtful = [r for r in rows if load.doubtful(r)]
    said = list(dict.fromkeys(results.bad + [complaint for run in results.runs for complaint in estimates.read(run)]))
    if doubtful:
        said.append(joined(f"{load.said_of_doubt(rows)}: ", *reasons(doubtful)))
    for (name, why), windows in load.groups(results.failed, lambda r: (r["row"], missing.kind(r.get("reason", "no reason")))).items():
        said.append(f"{name} failed in all of its {len(windows)} windows: {why}")
    skipped = load.groups([r for run in results.runs for r in run.records if r["status"] == "skipped"], lambda r: missing.kind(r.get("reason")))
    parts = [listed(said) if said else tag("p", "None.")]
    if skipped:
        parts.append(folded(f"Rows that were not tried: {sum(map(len, skipped.values()))}", listed(
            joined(f"{why}: ", ", ".join(dict.fromkeys(r["row"] for r in of))) for why, of in skipped.items())))
    return section("warnings", "Warnings", *parts)


def reasons(rows):
    """The kinds of reasons, the most frequent first; a window may have several."""
    counts = {}
    for row in rows:
        for why in {missing.kind(why) for why in quality.why_doubtful(row)}:
            counts[why] = counts.get(why, 0) + 1
    return ["; ".join(f"{why} ({n})" for why, n in sorted(counts.items(), key=lambda c: (-c[1], c[0])))]
