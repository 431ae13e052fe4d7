"""The tables that are printed: Markdown, so that they can be pasted into a review."""
from . import claims, intervals
from .view import TIME, Absent, NotAsked


def table(header, rows):
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in [header, ["---"] * len(header), *rows])


def interpreters(variants):
    rows = []
    for v in variants:
        i = v.identity
        rows.append((v.name, f"{i['implementation']} {i['version']}", "free-threaded" if v.free_threaded else "default",
                     "on" if v.gil else "off", f"{i['optimisation']} {i['level']}".strip(), f"{i['collector']} {tuple(i['gc_threshold'])}",
                     i["build"], i["compiler"]))
    return table(("name", "version", "build", "GIL", "optimisation", "collector", "built", "compiler"), rows)


def said(figure):
    try:
        return intervals.Estimate(figure()).text()
    except (Absent, NotAsked, IndexError):
        return "-"


def scaling_of(view):
    """Workloads that were run by one thread and by all."""
    both = {w for _, w, t in view.windows if t == view.threads} & {w for _, w, t in view.windows if t == 1}
    return [w for w in view.workloads if w in both] if view.threads > 1 else []


def timed(view):
    """Workloads whose time is what they are for; of others it is in the rows."""
    return [w for w in view.workloads if w in scaling_of(view) or not said_besides(view, w)]


def said_besides(view, workload):
    """The names of the figures that a workload has besides its time."""
    return sorted({m for (_, w, _), rounds in view.windows.items() if w == workload for blocks in rounds.values() for b in blocks
                   for m in b if m != TIME})


def times(view):
    """Of each workload one thread's time, and how many times as much all threads do in the same time."""
    scaled = scaling_of(view)
    rows = []
    for workload in timed(view):
        counts = {t for _, w, t in view.windows if w == workload}
        row = [workload]
        for v in view.variants:
            row.append(said(lambda: list(view.by_process(v, workload, min(counts), TIME).values())))
            if scaled:
                row.append(said(lambda: view.speedup(v, workload)) if workload in scaled else "")
        rows.append(row)
    header = ["item"]
    for v in view.variants:
        header += [f"{v.name}, ns"] + ([f"x{view.threads}"] if scaled else [])
    return table(header, rows)


def comparison(view):
    """Each variant's time over the first one's, by one thread and by all; None with one variant."""
    first, *rest = view.variants
    if not rest:
        return None
    rows = []
    for workload in timed(view):
        for threads in sorted({t for _, w, t in view.windows if w == workload}):
            rows.append([workload, threads] + [said(lambda: view.over(v, workload, workload, TIME, threads, first)) for v in rest])
    return table(["item", "threads"] + [f"{v.name} / {first.name}" for v in rest], rows)


def figures(view):
    """What items say besides times."""
    return table(["item", "figure"] + [v.name for v in view.variants],
                 [[w, m] + [said(lambda: view.metric(v, w, m)) for v in view.variants] for w in view.workloads for m in said_besides(view, w)])


def band(claim, threads):
    least, most, below, above = claims.bounds(claim, threads)
    low, high = intervals.number(least), intervals.number(most)
    text = low if least == most else f"at least {low}" if most == claims.INFINITE else f"{low} to {high}"
    beyond = [f"{side} {intervals.number(bound)}" for side, bound in (("below", below), ("above", above)) if bound is not None]
    return text, " or ".join(beyond) or "-"


def judged(view, quick, doubt):
    """[(claim, variant, verdict)] of the claims of the items that were asked for."""
    made = []
    for claim in claims.CLAIMS:
        for variant in filter(claim.applies, view.variants):
            try:
                made.append((claim, variant, claims.judge(claim, view, variant, quick, doubt)))
            except NotAsked:
                pass
    return made


def verdicts(judgements, threads):
    rows = []
    for claim, variant, verdict in judgements:
        seen = verdict.estimate.text() if verdict.estimate else "-"
        word = verdict.word + (f": {verdict.why}" if verdict.why else "")
        rows.append([claim.finding, claim.what, *band(claim, threads), variant.name, seen, word])
    return table(["finding", "claim", "band", "refuted", "interpreter", "seen", "verdict"], rows)


def beside(rows):
    """Of model.compared()."""
    return table(["finding", "claim", "the model", "interpreter", "seen", "directions agree"], rows)


def summary(judgements):
    words = (claims.REPRODUCED, claims.DIRECTION, claims.REFUTED, claims.UNTESTABLE)
    return ", ".join(f"{sum(v.word == word for _, _, v in judgements)} {word}" for word in words)
