"""Cost against the floor over the heap limit: how many times the least that any strategy needs without its collections (LBO)."""
from .. import limits, overheads

NAME = "overhead"
ORDER = 72


def draw(results, options):
    def measured(rows):
        scene = overheads.Scene(rows)
        return scene.over, scene.about()
    yield from limits.draw(results, options, "overhead", "Cost against the floor, a lower bound of the overhead", measured,
                           lambda name: "times the floor")
