"""The table of all costs against the floor, those of scenes without a heap limit among them."""
from .. import load, overheads, style
from .found import interval
from .html import folded, tag, table

INTRODUCTION = ("The floor of a scene is the least cost of all its rows, the time of their collections taken off. What can't be told from the "
                "program stays in it, so that each figure is a lower bound of what managing memory costs (LBO).")


def overhead_tables(results, class_of):
    """A sentence and the table, if any scene has two rows or more."""
    rows, classes = [], []
    for (_, threads, _), here in load.groups(results.select(), load.place).items():
        each = list({(r["_run"], r["row"]): r for r in reversed(here)}.values())[::-1]
        if len(each) < 2:
            continue
        scene, title = overheads.Scene(here), f"{results.title(here[0])}, {style.threads(threads)}"
        costs = [(r, *(scene.over(r, metric) for metric in (overheads.WALL, overheads.CPU))) for r in each]
        for row, wall, cpu in sorted(costs, key=lambda c: (not c[1].windows, c[1].median if c[1].windows else 0)):
            rows.append((load.labelled(row), title, interval(wall) if wall.windows else "",
                         interval(cpu) if cpu.windows else "", "in doubt" if wall.hollow or cpu.hollow else ""))
            classes.append(class_of(load.labelled(row)) or "")
    if not rows:
        return []
    columns = ("strategy", "scene", "wall time over the floor", "CPU time over the floor", "remark")
    return [tag("p", INTRODUCTION), folded(f"Every scene: {len(rows)} rows", table(columns, rows, "Cost against the floor", (2, 3), classes))]
