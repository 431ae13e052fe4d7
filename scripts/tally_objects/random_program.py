#!/usr/bin/env python3
"""Prints a random object program (docs/object-programs.md). The same seed gives the same program everywhere.

  random_program.py [--harsh] SEED [STATEMENTS]
"""
import random
import sys

VARIABLES = [f"v{i}" for i in range(8)]
LEAVES = ["l0", "l1"]


class Names:
    """Draws what statements name."""

    def __init__(self, draw, weaks, slots):
        self.draw, self.weaks, self.slots = draw, [f"w{i}" for i in range(weaks)], slots

    def var(self):
        return self.draw.choice(VARIABLES)

    def slot(self):
        return f"{self.var()}.{self.draw.randrange(self.slots)}"

    def leaf(self):
        return self.draw.choice(LEAVES)

    def weak(self):
        return self.draw.choice(self.weaks)


def common(n):
    """Statements by weight, of both profiles."""
    return [
        (22, lambda: f"new {n.var()} {n.slots}"), (5, lambda: f"new {n.var()} {n.slots} note"),
        (2, lambda: f"new {n.var()} {n.slots} revive {n.var()}"), (4, lambda: f"leaf {n.leaf()}"),
        (10, lambda: f"let {n.var()} {n.var()}"), (10, lambda: f"get {n.var()} {n.slot()}"),
        (30, lambda: f"set {n.slot()} {n.var()}"), (4, lambda: f"set {n.slot()} l0"), (6, lambda: f"clear {n.slot()}"),
        (8, lambda: f"del {n.var()}"), (4, lambda: f"weak {n.weak()} {n.var()}"), (4, lambda: f"up {n.var()} {n.weak()}"),
        (1, lambda: f"collect {n.draw.randrange(3)}"), (3, lambda: f"count {n.var()}"), (1, lambda: "state"),
        (0.2, lambda: "freeze"), (0.1, lambda: "unfreeze")]


def rare(n):
    """What the harsh profile adds: many weak references and revivals, a collector that is steered all the time, and in grow()
    structures that are deeper than statements drawn one by one make."""
    choice = n.draw.choice
    return [
        (8, lambda: f"new {n.var()} {n.slots} revive {n.var()}"), (8, lambda: f"new {n.var()} {n.slots} note"),
        (16, lambda: f"weak {n.weak()} {n.var()}"), (8, lambda: f"up {n.var()} {n.weak()}"), (4, lambda: f"del {n.weak()}"),
        (1, lambda: f"threshold {choice((0, 1, 2, 5, 20, 100))} {choice((0, 1, 3))} {choice((0, 1, 2))}"),
        (0.5, lambda: "disable"), (1, lambda: "enable"), (1, lambda: "freeze"), (0.7, lambda: "unfreeze"),
        (2, lambda: f"collect {n.draw.randrange(3)}"), (1, lambda: "collect"), (2, lambda: grow(n)), (1, lambda: burst(n))]


def grow(n):
    """A chain, sometimes closed to a ring, sometimes with a weak reference to each."""
    head, tail, kind = *n.draw.sample(VARIABLES, 2), n.draw.choice(("", "", " note"))
    lines = [f"new {tail} {n.slots}", f"let {head} {tail}", f"repeat {n.draw.choice((3, 20, 60, 150))}",
             f"new {head}x {n.slots}{kind}", f"set {head}x.0 {head}", f"let {head} {head}x", f"del {head}x"]
    if n.draw.random() < 0.3:
        lines.append(f"weak {n.weak()} {head}")
    lines.append("end")
    if n.draw.random() < 0.5:
        lines.append(f"set {tail}.{n.draw.randrange(n.slots)} {head}")
    return "\n".join(lines)


def burst(n):
    """Many new objects that live through a few statements, so that collections come by themselves in all generations."""
    var, other = n.draw.sample(VARIABLES, 2)
    return "\n".join([f"repeat {n.draw.choice((10, 100, 1000))}", f"new {var} {n.slots}", f"set {var}.0 {var}", f"set {var}.1 {other}",
                      f"get {other} {other}.1", "end"])


def statements(seed, count, harsh=False):
    draw = random.Random(seed)
    n = Names(draw, weaks=8 if harsh else 4, slots=3)
    yield "collect 0"
    yield f"threshold {draw.choice((5, 20, 50))} {draw.choice((2, 4))} {draw.choice((2, 3))}"
    weights, makers = zip(*common(n), *(rare(n) if harsh else []))
    for _ in range(count):
        yield draw.choices(makers, weights)[0]()
    for name in VARIABLES + LEAVES:
        yield f"del {name}"
    yield "unfreeze"
    yield "collect"
    yield "state"


def text(seed, count, harsh=False):
    return "\n".join(statements(seed, count, harsh)) + "\n"


def main(arguments):
    harsh = arguments[:1] == ["--harsh"]
    numbers = arguments[harsh:]
    if not 1 <= len(numbers) <= 2 or not all(word.isdecimal() for word in numbers):
        sys.stderr.write(__doc__)
        return 64
    seed, count = [*map(int, numbers), 400][:2]
    sys.stdout.write(text(seed, count, harsh))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
