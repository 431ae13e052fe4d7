#!/usr/bin/env python3
"""Pages of plots: whatever the names, no text leaves the page, no two lie on each other, and the page is not taller than paper; what is
drawn can be told apart, stands in order, and what is not drawn is named.

  plot_pages.py TALLY PLOT_SCRIPT [TEST...]
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import made_up
from plot_program import pictures
from run_tests import run_tests

COLUMN, PAPER = 3.33, 6.8  # inches
TALLEST = 9.5              # of the print area of a page


def texts_of(fig):
    """(text, box) of all that is written and visible, boxes in pixels. What is outside an axis' interval is not drawn."""
    renderer = fig.canvas.get_renderer()
    ticks, there = set(), []
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            shown = [t for t in axis.get_major_ticks() if low - 1e-9 <= t.get_loc() <= high + 1e-9]
            ticks |= {id(t.label1) for t in axis.get_major_ticks() + axis.get_minor_ticks()}
            ticks |= {id(t.label2) for t in axis.get_major_ticks() + axis.get_minor_ticks()}
            there += [t.label1 for t in shown if ax.get_visible()] if axis.get_visible() else []
            there += [t.label2 for t in shown if t.label2.get_visible()]
    import matplotlib.text
    there += [t for t in fig.findobj(matplotlib.text.Text)
              if id(t) not in ticks and t.get_visible() and (t.axes is None or t.axes.get_visible())]
    return [(t.get_text().replace("\N{NO-BREAK SPACE}", " "), t.get_window_extent(renderer)) for t in there if t.get_text().strip()]


def faults_of(fig):
    fig.canvas.draw()
    found = texts_of(fig)
    wide, tall = fig.canvas.get_width_height()
    for text, box in found:
        if box.x0 < -1 or box.y0 < -1 or box.x1 > wide + 1 or box.y1 > tall + 1:
            yield f"{text!r} leaves the page of {wide} x {tall}: {box.extents.round()}"
    for nth, (text, box) in enumerate(found):
        for other, there in found[:nth]:
            over = (min(box.x1, there.x1) - max(box.x0, there.x0), min(box.y1, there.y1) - max(box.y0, there.y0))
            # Two pixels: boxes have the height of letters that a text may not have.
            if over[0] > 1 and over[1] > 2:
                yield f"{text!r} lies on {other!r} by {over[0]:.0f} x {over[1]:.0f}"
    if fig.get_figheight() > TALLEST:
        yield f"it is {fig.get_figheight():.1f} inches high"


def no_text_leaves_the_page_or_lies_on_another(cwd):
    made_up.write(cwd / "r", made_up.crowd(), made_up.FINDINGS)
    made_up.write(cwd / "s", made_up.crowd_simulated())
    judge = str(made_up.judge(cwd, made_up.verdicts()))
    kinds, wrong = set(), []
    for directory, overlay, baseline in (("r", None, None), ("r", None, "atomic"), ("s", "r", None)):
        for width in (COLUMN, PAPER):
            for kind, file, fig in pictures(cwd / directory, width=width, overlay=overlay and cwd / overlay, baseline=baseline, tally=judge):
                kinds.add(kind)
                wrong += [f"{file} at {width} in: {fault}" for fault in faults_of(fig)]
    assert not wrong, f"{len(wrong)} faults:\n  " + "\n  ".join(wrong[:12])
    from tally_plots import plots
    assert kinds == {p.NAME for p in plots.found()}, kinds


def written(directory, only, **options):
    """What is written in the pictures of one plot, by file."""
    return {file: [text for text, _ in texts_of(fig)] for _, file, fig in pictures(directory, only=[only], **options)}


def only_picture(directory, only):
    (_, _, fig), = pictures(directory, only=[only])
    fig.canvas.draw()
    return fig


def panels_and_bars_stand_in_order(cwd):
    scenes = [("chain length=1000", 16), ("chain length=1000", 2), ("chain length=200", 2), ("copy_drop", 1), ("copy_drop", 10), ("copy_drop", 2)]
    records = [r for workload, threads in scenes for r in made_up.scene({"mark_sweep": 9.0, "atomic": 8.0}, workload, threads, processes=1)]
    limited = [r for heap in (10, 1.5, 2) for r in made_up.row("mark_sweep", "copy_drop", heap=heap, processes=1)]
    titles = ["chain length=200, 2 threads", "chain length=1000, 2 threads", "chain length=1000, 16 threads", "copy_drop, 1 thread",
              "copy_drop, 2 threads", "copy_drop, 10 threads"]
    # Without a plan by name and value, whatever order the windows were measured in; with one as it says.
    made_up.write(cwd / "r", records + limited)
    found = written(cwd / "r", "cost")["cost"]
    assert [t for t in found if t in titles] == titles, found
    names = [t for t in found if t.startswith("mark_sweep@")]
    assert names == ["mark_sweep@1.5x", "mark_sweep@2x", "mark_sweep@10x"], names
    keys = list(dict.fromkeys(r["row"] for r in records))
    made_up.write(cwd / "p", records[::-1], {"schema": 1, "rows": keys})
    planned = [f"{w}, {n} thread{'s' if n > 1 else ''}" for w, n in scenes]
    found = written(cwd / "p", "cost")["cost"]
    assert [t for t in found if t in titles] == planned, found


def what_is_not_drawn_is_named_with_its_kind_of_reason(cwd):
    records = made_up.scene({"atomic": 8.0, "biased": 9.0}, "copy_drop", 1) + made_up.scene({"atomic": 8.0, "biased": 9.0}, "copy_drop", 2)
    records += made_up.failed("gil", "copy_drop", 2, reason="worker died: signal 11") + made_up.row("gil", "copy_drop", 1)
    records += made_up.failed("atomic", "graph", 1) + made_up.failed("gil", "graph", 1)  # nothing is left of this one
    records += [made_up.window("atomic", "copy_drop", 1, process=9, status="error")]  # one window of several
    own = made_up.row("deferred", "copy_drop", 1)
    for r in own:
        r["config"]["strategy"]["own_heap"] = True
    plain, same = made_up.skipped("plain", "copy_drop", 2), made_up.skipped("deferred", "copy_drop", 1)
    plain["reason"] = "not thread-safe: its counts are plain words"
    same["skipped"]["allocator"] = "mimalloc"
    made_up.write(cwd / "r", records + own + [plain, same], {"schema": 1, "rows": [*dict.fromkeys(r["row"] for r in records),
                                                                                    "rc_arc|copy_drop|1|throughput"]})
    def told(texts):
        return " ".join(" ".join(t.split()) for t in texts)
    cost = told(written(cwd / "r", "cost")["cost"])
    for words in ("plain (not thread-safe)", "gil (failed: worker died)", "rc_arc (not measured)", "graph, 1 thread",
                  "atomic, gil (failed: the oracle disagrees)"):
        assert words in cost, (words, cost)
    assert "mimalloc" not in cost and cost.count("failed") == 2, cost
    lines = told(written(cwd / "r", "throughput")["throughput-copy_drop"])
    for words in ("plain at 2 threads (not thread-safe)", "gil at 2 threads (failed: worker died)", "rc_arc at 1 thread (not measured)"):
        assert words in lines, (words, lines)


def every_label_has_a_look_of_its_own(cwd):
    from tally_plots import style
    labels = [*made_up.LONG, *(f"atomic:x={n}" for n in range(30)), *(f"new_{n}" for n in range(40))]
    looks = style.looks(labels)
    assert len({tuple(look.values()) for look in looks.values()}) == len(labels)
    variants = ("atomic", "atomic:heap=block", "manual", "manual:heap=block")
    records = [r for s in variants for r in made_up.row(s, "tree_churn", ns=100.0 + len(s))]
    records += [r for heap in (2, 4) for r in made_up.row("mark_sweep", "tree_churn", heap=heap)]
    fig = only_picture(made_up.write(cwd / "r", records), "heap")
    drawn = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in fig.axes[0].lines if line.get_marker() not in ("None", "_")}
    assert len(drawn) == len(variants), drawn


def equal_points_do_not_hide_each_other(cwd):
    records = [r for n in (1, 2) for s in ("atomic", "biased", "gil", "deferred") for r in made_up.row(s, "copy_drop", n, ns=10.0, wander=0)]
    fig = only_picture(made_up.write(cwd / "r", records), "throughput")
    places = [tuple(place) for dots in fig.axes[0].collections for place in dots.get_offsets() if len(dots.get_offsets()) == 2]
    assert len(places) == len(set(places)) == 8, places


def lines_that_are_too_many_are_drawn_on_several_pictures(cwd):
    from tally_plots.plots import throughput
    labels = [*(f"atomic:x={n}" for n in range(throughput.MOST - 3)), "atomic", "biased", "gil"]

    def drawn(labels):
        made_up.write(cwd / "r", [r for n in (1, 2) for s in labels for r in made_up.row(s, "copy_drop", n)])
        return {file: {mark.label for artist in fig.findobj(lambda a: hasattr(a, "stands_for")) for mark in artist.stands_for}
                for _, file, fig in pictures(cwd / "r", only=["throughput"])}
    assert drawn(labels) == {"throughput-copy_drop": set(labels)}
    more = [*labels, "biased:x=1", "gil:x=1"]
    assert drawn(more) == {"throughput-copy_drop": {"atomic", "biased", "gil"}, "throughput-copy_drop-3": {"gil", "gil:x=1"},
                           "throughput-copy_drop-2": {of for of in more if not of.startswith("gil")}}
    alone = [f"strategy_{n}" for n in range(throughput.MOST + 1)]
    assert drawn(alone) == {"throughput-copy_drop": set(alone)}


def values_stand_where_no_line_crosses_them(cwd):
    fig = only_picture(made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop", wander=0.9)), "cost")
    ax = fig.axes[0]
    values = [t for t in ax.texts if t.get_text()[0].isdigit()]
    assert len(values) == 2 and all(t.get_window_extent().x0 >= ax.get_window_extent().x1 for t in values)


def a_logarithmic_axis_has_two_labels_however_short_it_is(cwd):
    from matplotlib.figure import Figure
    from tally_plots import ticks
    for low, high in ((3.1, 4.2), (260.0, 340.0), (1.0, 9000.0), (0.02, 0.03), (1500.0, 2400.0)):
        axis = Figure(figsize=(3, 2)).subplots().yaxis
        axis.axes.set_yscale("log")
        ticks.plain_log(axis)
        axis.axes.set_ylim(low, high)
        shown = [axis.get_major_formatter()(t) for t in axis.get_majorticklocs()]
        assert 2 <= len(set(shown)) == len(shown) and all(low <= t <= high for t in axis.get_majorticklocs()), (low, high, shown)


def bands_lie_under_the_estimates(cwd):
    fig = only_picture(made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop", wander=0)), "floor")
    # The second measurement of the baseline takes 1.01 times as long in every window (made_up.scene).
    ends = [segment[:, 0].tolist() for lines in fig.axes[0].collections if lines.get_zorder() == 0 and hasattr(lines, "get_segments")
            for segment in lines.get_segments()]
    assert any(abs(low - 1 / 1.01) < 1e-9 and abs(high - 1.01) < 1e-9 for low, high in ends), ends


def a_bar_that_would_flatten_the_others_is_cut_off_and_says_so(cwd):
    slow = made_up.window("atomic", "copy_drop", 1, 3, 0, ns=5000.0)
    records = [r for n in (1, 2) for s in ("atomic", "biased", "gil", "deferred", "rc_arc") for r in made_up.row(s, "copy_drop", n, ns=10.0)]
    for r in records:
        if (r["row"], r["process"], r["block"]) == (slow["row"], 3, 0):
            r["metrics"] = slow["metrics"] | {"ops_per_second": made_up.metric(5e11, "1/s")}
    made_up.write(cwd / "r", records)
    fig = only_picture(cwd / "r", "cost")
    assert fig.axes[0].get_xlim()[1] < 50 and any("\u21925\u2009000" in t for t, _ in texts_of(fig)), fig.axes[0].get_xlim()
    fig = only_picture(cwd / "r", "throughput")
    said = " ".join(t for t, _ in texts_of(fig)).replace("\n", " ")
    assert fig.axes[0].get_ylim()[1] < 1000 and "bars cut off: atomic at 1 thread: to 500\u2009000" in said, (fig.axes[0].get_ylim(), said)


def titles_have_what_a_label_leaves_out(cwd):
    records = []
    for workload, share in (("sharing_ladder", "10"), ("sharing_ladder share=50", "50")):
        records += made_up.scene({"atomic": 8.0, "gil": 9.0}, workload, parameters={"bytes": "112", "share": share})
    records += made_up.scene({"atomic": 8.0, "gil": 9.0}, "trace", parameters={"file": "json_cycle", "mode": "single"}, share_last=0.1)
    found = " ".join(written(made_up.write(cwd / "r", records), "cost")["cost"])
    for words in ("sharing_ladder share=10, 1 thread", "sharing_ladder share=50, 1 thread", "trace file=json_cycle mode=single, 1 thread",
                  "sharing_ladder: bytes=112"):
        assert words in found, (words, found)


def a_line_is_read_once_and_a_picture_drawn_once_per_format(cwd):
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from tally_plots import page, records
    made_up.write(cwd / "r", made_up.suite(processes=1, blocks=1))
    counts = {"lines": 0, "drawn": 0, "laid out": 0}

    def counting(name, f):
        def counted(*arguments, **more):
            counts[name] += 1
            return f(*arguments, **more)
        return counted
    originals = records.JSON.decode, Figure.draw, ConstrainedLayoutEngine.execute
    records.JSON.decode, Figure.draw = counting("lines", originals[0]), counting("drawn", originals[1])
    ConstrainedLayoutEngine.execute = counting("laid out", originals[2])
    try:
        figures = 0
        for _, file, fig in pictures(cwd / "r", only=["throughput", "cost", "heap", "latency"]):
            page.save(fig, cwd / file, ["png", "svg"])
            figures += 1
    finally:
        records.JSON.decode, Figure.draw, ConstrainedLayoutEngine.execute = originals
    assert counts["lines"] == len((cwd / "r/rows.jsonl").read_text().splitlines()), counts
    # A second layout only where a title of an axis had to be folded.
    assert figures > 30 and counts["drawn"] == 2 * figures and counts["laid out"] <= 2 * figures, (figures, counts)


def a_picture_that_cannot_be_written_is_told_of_by_whoever_asked(cwd):
    from tally_plots import page, workers
    made_up.write(cwd / "r", made_up.scene({"atomic": 38.0, "biased": 27.0}, "copy_drop"))
    (_, file, fig), = pictures(cwd / "r", only=["cost"])
    here, save = [], page.save
    page.save = lambda fig, path, formats: (here.append(path.name), save(fig, path, formats))
    for most in (1, 2):
        (cwd / f"{most}.png").mkdir()
        try:
            with workers.Workers(most) as them:
                for name in (f"first{most}", f"{most}", f"last{most}"):
                    them.save(fig, cwd / name, ["png"])
        except OSError as error:
            assert error.filename == f"{cwd}/{most}.png" and error.errno, error
        else:
            raise AssertionError(f"{most}: no error")
    page.save = save
    # With several processes the first is drawn by the one that all others inherit fonts and modules from, the others are not.
    assert here == ["first1", "1", "first2"] and (cwd / "last2.png").exists(), here


run_tests(dict(globals()), sys.argv[3:], "tally-plots-")
