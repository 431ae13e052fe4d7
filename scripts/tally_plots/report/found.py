"""What was found, as the program put it (harness/report/verdicts_json.hpp), and the decision map. Nothing is judged here but the map."""
from .. import estimates, load, missing, style
from . import choice as choices, choice_picture
from .html import Piece, folded, joined, listed, section, table, tag

SCALES = {"B": (2.0**-20, "MiB")}  # a unit as people read it


def words_section(words, order, class_of):
    if "missing" in words:
        return section("found", "What was found", tag("p", f"No verdicts: {words['missing']}."))
    scenes = sorted(words["scenes"], key=lambda s: order(s["scene"]))
    by_mode = load.groups(scenes, lambda s: s["mode"])
    parts = [listed(words["overview"])]
    for mode, here in by_mode.items():
        parts.append(tag("h3", f"{mode.capitalize()}, scene by scene"))
        parts += [scene(s, words["citable"], class_of) for s in here]
    return section("found", "What was found", *parts)


def scene(said, citable, class_of):
    scale, unit = SCALES.get(said["unit"], (1.0, said["unit"]))
    rows, classes = [], []
    for row in said["rows"]:
        rows.append((row["label"], span(row, scale), ratio(row["ratio"], citable), ratio(row["behind"], citable),
                     "" if row["behind"] is None or not citable else "yes" if row["apart"] else "no", row["remarks"]))
        classes.append(class_of(row["label"]) or "")
    columns = ("strategy", f"{said['metric']}, {unit}", "times better than the baseline", "times the first one's", "apart from the first", "remarks")
    failed = [f"{row['label']} has no figure: {row['reason']}" for row in said["failed"]]
    allocation = [line.strip() for line in said["allocation"].splitlines()]
    return folded(joined(tag("b", said["title"]), f": {said['headline']}. ", tag("span", f"{said['doubt'].capitalize()}.", class_="doubt") if citable else None),
                  table(columns, rows, said["title"], numbers=(1, 2, 3), classes=classes), listed(failed + allocation) if failed + allocation else None)


def span(figure, scale):
    """A value and its interval."""
    text = style.number(figure["value"] * scale)
    return text if figure["low"] is None else f"{text} [{style.number(figure['low'] * scale)}, {style.number(figure['high'] * scale)}]"


def ratio(figure, citable):
    if figure is None:
        return ""
    return span(figure if citable else {**figure, "low": None}, 1.0)


# The decision map.

MISSING = ("There is no map: it needs two strategies that ran both sharing_ladder and handoff, at the same shares, with two threads or "
           "more. The suite choice has the rows: ")


def map_section(results):
    found = choices.all_of(results)
    if not found:
        return section("choice", "Decision map", tag("p", MISSING, tag("code", "tally run --suite choice"), "."))
    choice = found[0]
    return section("choice", "Decision map",
                   tag("p", f"Which strategy is cheapest for a program on {style.threads(choice.threads)}, by what share of its operations is on "
                            "objects that all threads use, and what share of its objects another thread than the maker's drops."),
                   *(part for of in found for part in maps_of(of, several=len(found) > 1)),
                   tag("p", "Modelled from measured rows, none of which has both: an object costs so many operations of sharing_ladder at the one "
                            "share, and one life of handoff at the other. Points are what was measured (full where one strategy is cheapest), "
                            "and between them costs are interpolated; lines: two cost the same; hatched: too close to call, since intervals "
                            "overlap or the noise is wider.", WORKED if len(found) > 1 else None),
                   left_out(results, choice), tag("h3", "What disqualifies each"), disqualified(results, choice), fed(choice))


WORKED = (" A program that also works between its operations has the map of as much work: it is in every strategy's time, so that differences "
          "that cost most without it are lost in it.")


def maps_of(choice, several):
    """One for each number of references per object, under a heading where there are maps of other amounts of work."""
    maps = []
    for references in choices.REFERENCES:
        name = f"map-{references}" + (f"-work-{choice.think}" if choice.think else "")
        told = choices.sentences(choice, references)
        maps.append(tag("figure", tag("h3", choices.uses_of(references), id=f"{name}-title"),
                        tag("div", choice_picture.picture(choice, references, name), class_="ink"),
                        tag("figcaption", *told), folded("Its points", points_table(choice, references)), id=name,
                        aria_labelledby=f"{name}-title"))
    grid = tag("div", *maps, class_="figures")
    return [tag("h3", f"With {choices.work_of(choice.think)}"), grid] if several else [grid]


def points_table(choice, references):
    columns = ["shared, %", "handed off, %", "verdict", *(f"{s}, ns" for s in choice.contenders)]
    rows = [(f"{p.shared:g}", f"{p.handed:g}", choice_picture.verdict(p), *(cost(p.costs[s]) for s in choice.contenders))
            for p in choice.points(references)]
    return table(columns, rows, f"ns per object, {choices.uses_of(references)}", numbers=(0, 1, *range(3, len(columns))))


def cost(of):
    return span({"value": of.value, "low": of.low if of.sure else None, "high": of.high}, 1.0)


def left_out(results, choice):
    """Strategies that ran somewhere on an axis and are not contenders, with the reason; and what one thread alone may take."""
    said = []
    for place, rows in load.groups(results.select(choices.SHARED.workload), load.place).items():
        if place[1] != 1:
            continue
        alone = {load.strategy(r): estimates.of(r, "ns_per_op") for r in rows if load.number_of(r, choices.SHARED.parameter) == 0
                 and not choices.never_frees({0: r})}
        only = [s for s in style.order(alone) if s not in choice.contenders]
        if only and len(alone) > len(only):
            cheapest = min((s for s in alone if s not in only), key=lambda s: alone[s].median)
            said += [f"On one thread that shares nothing {s} takes {interval(alone[s])} ns per reference, {cheapest} {interval(alone[cheapest])}."
                     for s in only]
            break
    reasons = {}
    for row in (r for run in results.runs for r in run.records if r["status"] == "skipped" and isinstance(r.get("skipped"), dict)):
        if str(row["skipped"].get("workload", "")).split(" ")[0] in (choices.SHARED.workload, choices.HANDED.workload):
            reasons.setdefault(missing.kind(row.get("reason")), []).append(row["skipped"].get("strategy"))
    said += [f"Not on the map: {', '.join(dict.fromkeys(map(str, names)))} ({why})." for why, names in reasons.items()]
    return listed(said) if said else None


def interval(e):
    return span({"value": e.median, "low": e.low if e.interval else None, "high": e.high}, 1.0)


# What a strategy can't do, whatever it costs.

def disqualified(results, choice):
    columns = ("strategy", "cyclic garbage", "owners that are blocked or gone", "memory held back")
    rows = [(s, cyclic(results, s), blocked(results, s), held(results, s)) for s in choice.contenders]
    return table(columns, rows, "What disqualifies each strategy", classes=[choice_picture.css_class(s) for s in choice.contenders])


def of_strategy(rows, strategy):
    return [r for r in rows if load.strategy(r) == strategy]


UNMEASURED = "not measured"


def cyclic(results, strategy):
    """By the rows of the workload `cycles`: the most that was alive, against the least of any strategy in the scene."""
    worst = worst_held([r for r in results.select("cycles", "memory")], strategy)
    if worst is None:
        return UNMEASURED
    times, place = worst
    return f"kept: {style.number(times)} times the memory of what collects it ({place})" if times >= LEAK else "collected"


LEAK = 2.0  # times the least: structures that live make less of a difference than this


def held(results, strategy):
    rows = [r for r in results.select(mode="memory") if r["config"]["workload"]["name"] != "cycles"]
    worst = worst_held(rows, strategy)
    return UNMEASURED if worst is None else f"at most {style.number(worst[0])} times the least of any strategy ({worst[1]})"


def worst_held(rows, strategy):
    """(times, where) of the place where its peak is greatest over the least that any strategy which frees has there."""
    found = []
    for place, here in load.groups(rows, load.place).items():
        freeing = {load.labelled(r): r for r in here if not choices.never_frees({0: r})}  # a window of each row: an estimate is of them all
        peaks = {label: estimates.of(r, "held_bytes_peak").median for label, r in freeing.items()}
        own = [peaks[load.labelled(r)] for r in of_strategy(here, strategy) if load.labelled(r) in peaks]
        if own and min(peaks.values()) > 0:
            found.append((max(own) / min(peaks.values()), f"{place[0]}, {style.threads(place[1])}"))
    return max(found, default=None)


def blocked(results, strategy):
    """A hand-off whose owner is blocked or gone against the same with an owner that runs."""
    rows = of_strategy(results.select("handoff"), strategy)
    whole = [r for r in rows if load.number_of(r, "foreign") == 1]
    running = [r for r in whole if load.parameter(r, "owner") in (None, "running") and not load.think(r)]
    said = []
    for owner in ("blocked", "gone"):
        other = [r for r in whole if load.parameter(r, "owner") == owner and not load.think(r)]
        if running and other:
            times = estimates.of(other[0], "ns_per_op").median / estimates.of(running[0], "ns_per_op").median
            said.append(f"{owner}: {style.number(times)} times the time of a running owner's")
    return "; ".join(said) or UNMEASURED


def fed(choice):
    """Which rows the map rests on."""
    rows = dict.fromkeys(row["row"] for of in choice.rows for s in choice.contenders for row in of[s].values())
    return folded(f"The {len(rows)} rows that feed the map", listed(tag("code", row) for row in rows))


def style_sheet_of(families):
    """A rule for each strategy that can be hidden."""
    return Piece("\n".join(f".hide-{name} .s-{name} {{ display: none; }}" for name in families))
