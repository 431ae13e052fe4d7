"""Which rows are not in a picture, and what kind of reason each has: no strategy leaves one without a word."""
import functools
import re

from . import load


def kind(reason):
    """Of a reason that is a sentence: up to a colon, N for its figures, without the name of an errno."""
    return kind_of(str(reason))


@functools.lru_cache(maxsize=2**16)  # tens of thousands of windows say the same over and over
def kind_of(reason):
    words = re.split("[:;]", re.sub(r"^E[A-Z]+: ", "", reason))[0]
    return re.sub(r"\d+(\.\d+)?", "N", words).strip()


def at(results, place):
    """Names and kinds of reasons of the rows of a place (load.place) that have no window to draw."""
    return {name + run.tail: why for run in results.runs for name, why in gaps(run).get(place, {}).items()}


def without(rows, metric):
    """The same of rows whose windows all lack a metric."""
    found = {}
    for name, windows in load.groups(rows, load.labelled).items():
        if all(load.metric(r, metric) is None for r in windows):
            reasons = [r["metrics"].get(metric, {}).get("reason") for r in windows]
            found[name] = kind(next(filter(None, reasons), "not in its records"))
    return found


def sentence(by_place):
    """For a footnote: of [(what the place is called, {name: kind})], all that a picture shows."""
    told = {}
    for place, names in by_place:
        for name, why in names.items():
            told.setdefault(why, {}).setdefault(name, []).append(place)
    said = []
    for why, names in told.items():
        words = [name if len(places) == len(by_place) else f"{name} at {', '.join(places)}" for name, places in names.items()]
        said.append(f"{', '.join(words)} ({why})")
    return "not drawn: " + "; ".join(said) if said else ""


def gaps(run):
    """Of a run: {place: {name: kind}}, made once."""
    if not hasattr(run, "gaps"):
        run.gaps = {}
        drawn = load.groups([rows[0] for rows in run.windows.values()], load.place)
        for record in run.records:
            if record["status"] == "error" and record["row"] not in run.windows and record["role"] != "aa":
                note(run, load.place(record), load.named(record), "failed: " + kind(record.get("reason", "no reason")), drawn)
            elif load.unsettled(record):
                note(run, load.place(record), load.named(record), "not settled", drawn)
            elif record["status"] == "skipped" and isinstance(record.get("skipped"), dict):
                refused(run, record, drawn)
        measured = {r["row"] for r in run.records}
        for key in run.planned:
            name, *place = key.split("|")
            if key not in measured and len(place) == 3 and place[1].isdigit():  # four parts are a baseline's second measurement
                note(run, (place[0], int(place[1]), place[2]), name, "not measured", drawn)
    return run.gaps


def refused(run, record, drawn):
    """A row that the harness skipped; of any number of threads, if it says none."""
    s = {name: record["skipped"].get(name) or "" for name in ("strategy", "workload", "threads", "mode", "heap", "allocator")}
    name = s["strategy"] + (f"+{s['allocator']}" if s["allocator"] else "") + (f"@{s['heap']}" if s["heap"] else "")
    for place, rows in drawn.items() if name else ():
        if (s["workload"] or place[0], s["threads"] or place[1], s["mode"] or place[2]) != place:
            continue
        same = [r for r in rows if r["config"]["strategy"]["label"] == s["strategy"]]
        # What has a heap of its own is the same under every allocator, and there already.
        if not (s["allocator"] and any(r["config"]["strategy"].get("own_heap") for r in same)):
            note(run, place, name, kind(record.get("reason")), drawn)


def note(run, place, name, why, drawn):
    if name not in {load.named(r) for r in drawn.get(place, [])}:
        run.gaps.setdefault(place, {}).setdefault(name, why)
