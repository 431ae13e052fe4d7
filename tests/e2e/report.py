#!/usr/bin/env python3
"""The page of `tally report`: its words are the program's and follow the intervals; the map finds planted winners and ties; the HTML is whole,
loads nothing, and has a name for everything.

  report.py TALLY PLOT_SCRIPT [TEST...]
"""
import collections
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import TALLY, interpreter
from run_tests import run_tests
from tally_plots import load
from tally_plots.report import choice, found

VOID = {"meta", "input", "br", "hr", "link", "img"}


class Page(html.parser.HTMLParser):
    """What is in a page, and what is wrong with it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.ids, self.tags, self.words = [], [], collections.Counter(), [], []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag, _ in self.open]

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if len(found) != len(attributes):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.tags.append((tag, found))
        if "id" in found:
            self.ids[found["id"]] += 1
        if tag not in VOID:
            self.open.append((tag, found))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        if not any(tag in ("script", "style") for tag, _ in self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def report(directory, *flags, expect=0):
    done = subprocess.run([TALLY, "report", directory, *flags], capture_output=True, text=True, env={**os.environ, "TALLY_PYTHON": interpreter})
    assert done.returncode == expect, done
    return done


def page(directory):
    done = report(directory)
    assert done.stdout == f"{directory}/report.html\n" and done.stderr == "", done
    return (directory / "report.html").read_text()


LADDER = {"atomic": (15.0, 80.0), "biased": (2.0, 160.0), "deferred": (8.0, 8.2)}
LIVES = {"atomic": (150.0, 160.0), "biased": (100.0, 700.0), "deferred": (170.0, 180.0)}


def rows(**more):
    records = made_up.chosen_among(LADDER, LIVES, **more)
    for mode in ("latency", "memory"):
        records += made_up.scene({"atomic": 100.0, "biased": 104.0, "deferred": 300.0}, "server", 2, mode=mode, **more)
    records += made_up.scene({"atomic": 100.0, "biased": 104.0, "deferred": 20.0}, "cycles", 1, mode="memory", **more)
    for owner in ("blocked", "gone"):
        records += made_up.scene({"atomic": 160.0, "biased": 2100.0, "deferred": 180.0}, f"handoff foreign=1,owner={owner}", 2,
                                 parameters={"foreign": "1", "owner": owner}, **more)
    return records + [made_up.skipped("plain", "handoff foreign=0"), *made_up.failed("gil", "server", 2)]


CONFIG = {"schema": 1, "machine": "0", "binary": {"git": "0", "executable": "0"}, "request": {"seed": 7, "baseline": "atomic"}}


def a_page_is_whole_and_loads_nothing(cwd):
    text = page(made_up.estimated(cwd / "r", rows(), CONFIG))
    it = Page(text)
    assert not it.faults, it.faults[:5]
    doubled = [name for name, n in it.ids.items() if n > 1]
    assert not doubled, doubled
    for tag, attributes in it.tags:
        for name, value in attributes.items():
            if name in ("href", "src", "data", "poster", "action", "srcset"):
                assert value.startswith("#") and value[1:] in it.ids, (tag, name, value)
            for other in value.split() if name in ("aria-labelledby", "for") and value else []:
                assert other in it.ids, (tag, name, other)
    assert not re.search(r"@import|url\((?!#)|https?://(?!www\.w3\.org/)", text)
    for tag in ("link", "img", "iframe", "object", "embed", "base"):
        assert not it.of(tag), tag
    order = [a["id"] for a in it.of("section")]
    assert order == ["found", "choice", "plots", "latency", "overhead", "memory", "environment", "warnings", "commands"], order


def everything_has_a_name(cwd):
    it = Page(page(made_up.estimated(cwd / "r", rows(), CONFIG)))
    assert it.of("html")[0]["lang"] and it.of("title") and len(it.of("h1")) == 1
    pictures = it.of("svg")
    assert len(pictures) > 8 and all(svg["aria-label"] for svg in pictures), pictures[:1]
    for tag in ("section", "figure"):
        assert it.of(tag) and all(a["id"] and a["aria-labelledby"] for a in it.of(tag)), tag
    assert len(it.of("table")) == len(it.of("caption")) and all("width" not in svg for svg in pictures)
    boxes = it.of("input")
    labels = {a["for"] for a in it.of("label")}
    assert {b["data-strategy"] for b in boxes} == {"atomic", "biased", "deferred"} and all(b["id"] in labels for b in boxes)
    # Each picture has one stop of the tabulator key; all that can be pointed at says what it is.
    at, inside, stops = 0, {}, {}
    for tag, attributes in it.tags:
        if tag == "svg":
            at += 1
        elif "tabindex" in attributes and attributes.get("role") == "img":
            inside[at] = inside.get(at, 0) + 1
            stops[at] = stops.get(at, 0) + (attributes["tabindex"] == "0")
    assert len(inside) > 8 and set(stops.values()) == {1}, stops
    points = [words for words in re.findall(r"<title>([^<]*)</title>", (cwd / "r/report.html").read_text())[1:]]
    assert len(points) == sum(inside.values()) and all(points), (len(points), inside)
    assert any("95 % interval" in words for words in points)


def words_are_the_programs_and_follow_the_intervals(cwd):
    records = made_up.scene({"atomic": 40.0, "fast": 10.0, "middling": 20.0}, "copy_drop", 2, wander=0.01)
    told = Page(page(made_up.estimated(cwd / "r", records, CONFIG))).text
    assert re.search(r"copy_drop, 2 threads\s*: fast wins, (3\.9|4)\S* times as fast as atomic\. Differences below \S+ % could not have been seen here\.", told), told[:1500]
    assert "Throughput (1 scene): fast wins 1." in told and re.search(r"wins 1\. Differences below \S+ % could not have been seen\.", told)
    # A planted tie: 1 % apart, where windows wander by 40 %.
    records = made_up.scene({"atomic": 40.0, "one": 10.0, "other": 10.1}, "copy_drop", 2, wander=0.4)
    told = Page(page(made_up.write(cwd / "tie", records, CONFIG))).text
    assert "first and can't be told apart" in told and " wins" not in told, told[:1500]
    # The summary of `tally run` and the page have one source; of results whose windows are too few neither says who wins.
    smoke = made_up.write(cwd / "smoke", made_up.scene({"atomic": 40.0, "fast": 10.0}, "copy_drop", 2, processes=4), CONFIG)
    told = Page(page(smoke)).text
    assert "fast is first, " in told and "(smoke: no verdict)" in told and "not citable" in told, told[:1500]
    assert " wins" not in told and "[" not in told.split("Decision map")[1].split("Cost, throughput")[0], told


def where_there_are_no_words_the_page_says_why(cwd):
    directory = made_up.write(cwd / "r", rows(), CONFIG)
    text = (directory / "rows.jsonl").read_text().splitlines(True)
    (directory / "rows.jsonl").write_text("".join([text[0], "{\n", *text[1:]]))
    it = Page(page(directory))
    assert "line 2 is not a record" in it.text and "line 2 is not JSON: left out" in it.text, it.text[:800]
    assert (directory / "rows.jsonl").read_text().count("\n") == len(text) + 1, "a report changes nothing"
    (directory / "rows.jsonl").write_text("".join(text) + '{"torn')
    assert "is not JSON" in Page(page(directory)).text and (directory / "rows.jsonl").read_text().endswith('{"torn')
    made_up.write(cwd / "sim", [made_up.simulated(s, "copy_drop", n) for s in ("atomic", "biased") for n in (1, 2, 4)])
    assert "No verdicts: the rows are simulated" in Page(page(cwd / "sim")).text


def bad_usage_is_a_line(cwd):
    done = report(cwd / "nowhere", expect=64)
    assert "nowhere: there is no rows.jsonl" in done.stderr and done.stderr.count("\n") == 1, done
    made_up.write(cwd / "r", made_up.scene({"atomic": 40.0, "biased": 10.0}, "copy_drop", 2))
    done = report(cwd / "r", "--out", cwd / "no/where.html", expect=1)
    assert "no/where.html" in done.stderr and "No such file" in done.stderr and done.stderr.count("\n") == 1, done
    assert report(cwd / "r", "--out", cwd / "other.html").stdout == f"{cwd}/other.html\n" and not (cwd / "r/report.html").exists()
    assert Page((cwd / "other.html").read_text()).text.count("There is no map") == 1


def drawn_choice(directory, records, **more):
    return choice.Choice(load.Results([made_up.estimated(directory, records, **more)]))


def the_map_finds_planted_winners(cwd):
    it = drawn_choice(cwd / "r", made_up.chosen_among(LADDER, LIVES, wander=0.001))
    assert it.possible and it.contenders == ["atomic", "biased", "deferred"] and it.steps == [[0, 10, 50, 100], [0, 10, 100]]
    at = {(p.shared, p.handed): p for p in it.points(10)}
    # 10 uses and a life: biased 120 where nothing is shared, deferred 250, atomic 300; all shared and handed off 2300, 262 and 960.
    assert abs(at[0, 0].costs["biased"].value - 120) < 1 and abs(at[100, 100].costs["deferred"].value - 262) < 1
    assert (at[0, 0].cheapest, at[0, 0].close) == ("biased", []) and (at[100, 100].cheapest, at[100, 100].close) == ("deferred", [])
    said = choice.sentences(it, 10)[0]
    assert re.fullmatch(r"With 10 references per object, of 12 points: deferred is cheapest at \d+, biased is cheapest at \d+\.", said), said
    assert choice.sentences(it, 1)[0].startswith("With 1 reference per object, of 12 points: ")


def the_map_has_a_zone_that_is_too_close_to_call(cwd):
    ladder, lives = LADDER | {"twin": (8.0, 8.2)}, LIVES | {"twin": (171.0, 181.0)}
    it = drawn_choice(cwd / "r", made_up.chosen_among(ladder, lives, wander=0.001))
    at = {(p.shared, p.handed): p for p in it.points(10)}
    assert at[100, 100].close and set([at[100, 100].cheapest, *at[100, 100].close]) == {"deferred", "twin"}, at[100, 100]
    assert at[0, 0].close == [] and "are too close to call" in choice.sentences(it, 10)[0]
    # The noise, too, makes a difference none: intervals of nothing, 0.5 % apart, where the baseline differs from itself by 1 %.
    it = drawn_choice(cwd / "n", made_up.chosen_among(LADDER | {"twin": (8.04, 8.24)}, LIVES | {"twin": (170.8, 180.9)}, wander=0.0), half=0.0)
    assert {(p.shared, p.handed): p for p in it.points(10)}[100, 100].close == ["twin"]
    from tally_plots.report import choice_picture
    _, gap = choice_picture.fields(it, 10)
    assert (gap < 0).any() and (gap > 0).any(), gap
    assert "url(#m-hatch)" in choice_picture.picture(it, 10, "m")


def without_intervals_no_point_of_the_map_is_decided(cwd):
    it = choice.Choice(load.Results([made_up.write(cwd / "r", made_up.chosen_among(LADDER, LIVES, processes=4))]))
    assert it.possible and not any(p.decided for p in it.points(10))
    said = choice.sentences(it, 10)[0]
    assert "no point is decided" in said and "cheapest" not in said, said


def of_a_strategy_in_doubt_only_large_differences_count(cwd):
    records = made_up.chosen_among(LADDER, LIVES, wander=0.001)
    for r in records:
        r["quality"]["doubtful"] = r["row"].startswith("biased|handoff foreign=0|")
    it = drawn_choice(cwd / "r", records)
    at = {(p.shared, p.handed): p for p in it.points(10)}
    # Nothing handed off: biased takes 120 ns where nothing is shared, 278 at 10 %, 910 at 50; deferred about 250.
    assert not at[0, 0].decided and at[0, 0].cheapest == "biased", "the cheapest itself is in doubt"
    assert at[10, 0].decided and at[10, 0].cheapest == "deferred" and "biased" in at[10, 0].close, at[10, 0]
    assert at[50, 0].decided and "biased" not in at[50, 0].close, "3.6 times as much is more than what a doubt hides"
    assert all(at[shared, 100].decided for shared in (0, 10, 50, 100))
    told = "".join(choice.sentences(it, 10))
    assert "1 is undecided (rows without an interval, or most windows of the lowest mean in doubt)" in told, told
    assert "a factor of two off: biased at 4." in told, told


def a_serial_row_without_doubt_is_as_good_as_any_on_the_map(cwd):
    records = made_up.chosen_among(LADDER, LIVES, wander=0.001)
    for r in records:
        if "|handoff foreign=0|" in r["row"]:
            r["quality"]["verdict"] = "serial"
    it = drawn_choice(cwd / "r", records)
    assert all(p.decided and all(c.sure for c in p.costs.values()) for p in it.points(10))


def the_map_is_of_strategies_that_have_all_of_its_rows(cwd):
    records = made_up.chosen_among(LADDER | {"none": (0.1, 0.1)}, LIVES | {"none": (1.0, 1.0)})
    for r in records:
        if r["config"]["strategy"]["label"] == "none":
            r["oracle"]["class"] = "never_frees"
    records = [r for r in records if not (r["row"].startswith("biased|handoff") and "foreign=1" in r["row"])]
    it = choice.Choice(load.Results([made_up.write(cwd / "r", records)]))
    assert it.contenders == ["atomic", "deferred"], it.contenders
    assert not choice.Choice(load.Results([made_up.write(cwd / "s", made_up.scene({"atomic": 1.0, "gil": 2.0}, "chain"))])).possible


def what_disqualifies_a_strategy_stands_beside_the_map(cwd):
    results = load.Results([made_up.estimated(cwd / "r", rows(), CONFIG)])
    assert found.cyclic(results, "atomic").startswith("kept: ") and found.cyclic(results, "deferred") == "collected"
    assert found.cyclic(results, "gil") == found.blocked(results, "gil") == found.held(results, "gil") == "not measured"
    times = re.match(r"blocked: (\S+) times", found.blocked(results, "biased"))
    assert abs(float(times[1]) - 3) < 0.1, found.blocked(results, "biased")
    assert re.match(r"at most (2\.9|3)\S* times the least of any strategy \(server, 2\sthreads\)", found.held(results, "deferred")), found.held(results, "deferred")
    told = Page(page(cwd / "r")).text
    assert "Not on the map: plain (made up)." in told and "What disqualifies each" in told


def what_a_service_costs_at_a_rate_is_a_table(cwd):
    at = made_up.scene({"atomic": 100.0, "biased": 104.0}, "server", 2, mode="latency", rate=20000)
    text = page(made_up.estimated(cwd / "r", rows() + at, CONFIG))
    it = Page(text)
    assert not it.faults, it.faults[:5]
    told = text[text.index("Rows at a rate: 2 rows"):].split("</details>")[0]
    for words in ("server, 2\N{NO-BREAK SPACE}threads, latency@20000/s", "latency p999, ns", "cpu ns per operation", "rss peak bytes, B", "rate reached, 1/s"):
        assert words.lower() in told.lower(), (words, told[:2000])
    assert "open loop, 20000/s" in text and "closed loop" in text
    assert "Rows at a rate" not in page(made_up.estimated(cwd / "s", rows(), CONFIG))


def without_whole_words_there_is_no_page(cwd):
    directory = made_up.estimated(cwd / "r", rows(), CONFIG)
    for cut in ("", '{"citable": true, "scenes": ['):
        (cwd / "words").write_text(cut)
        said = subprocess.run([interpreter, sys.argv[2], "--report", cwd / "page.html", "--words", cwd / "words", directory],
                              capture_output=True, text=True)
        assert said.returncode == 1 and said.stderr == f"{directory}: no page: what finds the verdicts has failed\n", said
        assert not (cwd / "page.html").exists()


def doubts_failures_and_commands_are_told(cwd):
    records = rows() + made_up.scene({"atomic": 8.0, "biased": 9.0}, "chain", 2, doubtful=True, reasons=made_up.REASONS[:1])
    it = Page(page(made_up.estimated(cwd / "a b", records, CONFIG)))
    for words in ("windows are in doubt: N other threads were runnable before the row", "gil|server|2|throughput failed in all of its 2 windows",
                  f"tally plot '{cwd}/a b' --only cost", f"tally report '{cwd}/a b'", f"tally run --from '{cwd}/a b'"):
        assert words in it.text, (words, it.text[-2500:])
    listed = json.loads(subprocess.run([interpreter, "-c", "import sys, json; sys.path.insert(0, sys.argv[1]); from tally_plots import plots; "
                                        "print(json.dumps([p.NAME for p in plots.found()]))", pathlib.Path(sys.argv[2]).parent],
                                       capture_output=True, text=True).stdout)
    assert all(name in listed for name in re.findall(r"--only ([a-z_]+)", it.text))


run_tests(dict(globals()), sys.argv[3:], "tally-report-")
