"""Tuning: each number of a strategy at a quarter of its default and at four times it, over the default."""
from .. import load, missing, page, panels, style, tuning

NAME = "tuning"
ORDER = 73


def draw(results, options):
    found = tuning.trials(results)
    lost = any(t.loses for of in found.values() for t in of)
    yield from panels.draw([panel(results, place, of) for place, of in found.items()], options, "tuning",
                           ["Tuning: time over that of the same strategy at its defaults"],
                           page.notes("left of the line a value is better than the default; grey: within what the baseline differs from itself by",
                                      "best: the default loses to it by more than that, and is compared unfairly elsewhere" if lost else ""),
                           line_at=1.0)


def panel(results, place, trials):
    by_label = {load.labelled(t.row): t for t in trials}
    drawn = [(label, by_label[label]) for label in style.order(by_label)]
    best = {load.labelled(t.row) for t in tuning.losses(trials)}
    noises = [t.noise or 0 for _, t in drawn]
    return panels.Panel(f"{results.title(trials[0].row)}, {style.threads(place[1])}", [(label, t.ratio) for label, t in drawn],
                        missing.at(results, place), bands=[(1 / (1 + noise), 1 + noise) for noise in noises],
                        values=[style.number(t.ratio.median) + (" best" if label in best else "") for label, t in drawn],
                        rest=results.rest([t.row for t in trials]))
