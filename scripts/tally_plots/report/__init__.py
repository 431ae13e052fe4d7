"""A results directory as one page: what was found, the decision map, the plots with the tables behind them, the environment. It loads
nothing, and says the same without a script.
"""
import json
import pathlib
import shlex

from .. import estimates, load, metrics, plots, style, tuning
from ..plots import delays
from . import figures, found, overhead, surroundings
from .html import Piece, folded, joined, section, table, tag

HERE = pathlib.Path(__file__).parent

# Plots that have a section of their own; those of no other are in the first.
SECTIONS = [("plots", "Cost, throughput and more", None), ("latency", "Latency percentiles", {"latency", "delays"}),
            ("overhead", "Cost against the floor", {"overhead"}), ("tuning", "Tuning", {"tuning"}),
            ("memory", "Memory", {"memory", "heap"}), ("promptness", "Promptness", {"promptness", "pauses"}),
            ("doubts", "Windows in doubt", {"quality"})]
# What promptness is told by, of the rows that have it.
PROMPT = [*(f"latency_{cause}_{what}" for cause in delays.LOOKS for what in ("p50", "p99", "max")), "pause_p50", "pause_p99",
          "pause_max", "pause_share"]
# What rows at a rate are told by: what a request takes and what a million of them cost.
AT_A_RATE = ["rate_reached", "latency_p50", "latency_p99", "latency_p999", "latency_max", "service_p999", "late_share", "cpu_ns_per_op",
             "rss_peak_bytes"]


def write(directory, target, words):
    """Makes the page at `target`, whole or not at all; `words` is the file of verdicts, a pipe's end while they are being found. Raises
    load.Unreadable, OSError."""
    results = load.Results([directory])
    for run in results.runs:
        estimates.read(run)
    page = page_of(results, directory, words)
    new = pathlib.Path(f"{target}.new")
    try:
        new.write_text(page, encoding="utf-8")
        new.replace(target)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(target)) from None


def named(directory):
    """As it was given; what results/latest points to may be another one soon."""
    path = pathlib.Path(directory)
    return str(path.parent / path.resolve().name) if path.is_symlink() else str(directory)


def verdicts_in(words, directory):
    try:
        return json.loads(pathlib.Path(words).read_bytes())
    except ValueError:  # empty, or cut
        raise load.Unreadable(f"{directory}: no page: what finds the verdicts has failed") from None


def page_of(results, directory, words):
    families = [f for f in style.order({style.family(load.named(r)) for r in results.ok})]
    names = {f: style.slug(f) for f in families}

    def class_of(label):
        name = names.get(style.family(label))
        return name and f"s-{name}"
    shell = shlex.quote(named(directory))
    ranks = {}
    for row in results.ok:
        ranks.setdefault(row["scene"], row["_rank"])
    with figures.drawing(results, class_of) as wait:  # meanwhile all that is no picture; the verdicts, which are being found, last
        beside = {"latency": at_a_rate(results, class_of), "promptness": promptness(results, class_of),
                  "overhead": overhead.overhead_tables(results, class_of),
                  "tuning": [tag("p", sentence) for sentence in tuning.sentences(results)]}
        choice = found.map_section(results)
        around = [surroundings.environment_section(results), surroundings.warnings_section(results)]
        told = verdicts_in(words, directory)
        drawn = wait()
    sections = [found.words_section(told, lambda scene: ranks.get(scene, len(results.ok)), class_of), choice]
    for name, title, of in SECTIONS:
        own = of if of is not None else set(drawn) - set().union(*(s[2] for s in SECTIONS if s[2]))
        parts = [part for plot in drawn if plot in own for part in plot_parts(plot, drawn[plot], shell, class_of)] + list(beside.get(name, []))
        if parts:
            sections.append(section(name, title, *parts))
    return document(results, told, names, [*sections, *around, commands(drawn, shell)])


def plot_parts(plot, drawn, shell, class_of):
    """Its heading and figures, each with its table."""
    if not drawn:
        return
    module = next(p for p in plots.found() if p.NAME == plot)
    yield tag("h3", plots.summary(module).rstrip("."))
    yield tag("p", "Redraw: ", tag("code", f"tally plot {shell} --only {plot}"), class_="command")
    yield tag("div", *(figure(f, class_of) for f in drawn), class_="figures")


def figure(drawn, class_of):
    name = f"figure-{style.slug(drawn.file)}"
    columns, rows, numbers, labels = figures.table_of(drawn)
    behind = folded(f"Table: {len(rows)} figures", table(columns, rows, ", ".join(drawn.title), numbers,
                                                         [class_of(label) or "" for label in labels])) if rows else None
    return tag("figure", tag("h4", drawn.title[-1], id=f"{name}-title"),
               tag("div", Piece(drawn.svg), class_="ink"), tag("figcaption", drawn.note), behind, id=name, aria_labelledby=f"{name}-title")


def at_a_rate(results, class_of):
    return table_of(results, class_of, [r for r in results.ok if load.metric(r, "rate_reached") is not None], AT_A_RATE, "Rows at a rate",
                    "Rows at a rate, means of medians")


def promptness(results, class_of):
    return table_of(results, class_of, results.ok, PROMPT, "How long collections and finalisers took", "Collections and finalisers, means of medians")


def table_of(results, class_of, of, wanted, title, caption):
    """A folded table of these metrics, of the rows that have any; nothing if none has."""
    said, having = {}, {}  # units of those that any window has; a window of each row that has any
    for window in reversed(of):
        for name in wanted:
            if load.metric(window, name) is not None:
                said[name] = window["metrics"][name].get("unit") or said.get(name, "")
                having[window["row"]] = window
    there = [name for name in wanted if name in said]
    if not there:
        return []
    rows, classes = [], []
    for row in having.values():
        told = [estimates.of(row, name) for name in there]
        rows.append((load.labelled(row), f"{results.title(row)}, {style.threads(row['config']['threads'])}, {load.measured(row)}",
                     *(style.number(e.median) if e.windows else "" for e in told)))
        classes.append(class_of(load.labelled(row)) or "")
    units = {name: metrics.of(results, name).unit or said[name] for name in there}
    columns = ["strategy", "row", *(metrics.words_of(name) + (f", {unit}" if unit not in ("", "1", "1/op", "ratio") else "")
                                    for name, unit in units.items())]
    return [folded(f"{title}: {len(rows)} rows", table(columns, rows[::-1], caption, range(2, len(columns)), classes[::-1]))]


def commands(drawn, shell):
    rows = [(plot, tag("code", f"tally plot {shell} --only {plot}"), len(of)) for plot, of in drawn.items() if of]
    rows.append(("this page", tag("code", f"tally report {shell}"), 1))
    rows.append(("all of it, measured again", tag("code", f"tally run --from {shell}"), ""))
    return section("commands", "Commands", table(("what", "command", "figures"), rows, "What makes each figure again", (2,)))


def document(results, words, names, sections):
    origin = results.origin
    title = f"Tally: {', '.join(run.name for run in results.runs)}"
    smoke = not words.get("citable", True)
    swatch = [tag("label", tag("input", type="checkbox", checked=True, data_strategy=name, id=f"show-{name}"),
                  tag("span", class_="swatch ink", style=f"background:{style.colour(family)}"), f" {family}", for_=f"show-{name}")
              for family, name in names.items()]
    links = [tag("a", s.title, href=f"#{s.name}") for s in sections]
    head = joined(tag("meta", charset="utf-8"), tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
                  tag("meta", name="color-scheme", content="light dark"), tag("title", title),
                  tag("style", Piece((HERE / "page.css").read_text(encoding="utf-8") + found.style_sheet_of(names.values()))))
    body = joined(tag("a", "To what was found", href="#found", class_="skip"),
                  tag("header", tag("h1", title), tag("p", origin),
                      tag("p", "Smoke run: fewer than five processes, no intervals, not citable.", class_="smoke", role="note") if smoke else None,
                      tag("nav", *links, aria_label="Contents")),
                  tag("fieldset", tag("legend", "Strategies that are shown"), *swatch, id="filter", hidden=True),
                  tag("main", *(s.piece for s in sections)), tag("div", id="tip", role="status", hidden=True),
                  tag("script", Piece((HERE / "page.js").read_text(encoding="utf-8"))))
    return "<!DOCTYPE html>\n" + tag("html", tag("head", head), tag("body", body), lang="en") + "\n"

