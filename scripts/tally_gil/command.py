"""Asks on real interpreters what the models answer for made-up ones: what reference counts cost with the GIL and without it.

  scripts/gil_vs_ft.py                                         the Pythons of PATH, pyenv and uv
  scripts/gil_vs_ft.py --python python3.13 python3.13t         these two; a free-threaded build is run with its GIL on, too
  scripts/gil_vs_ft.py --python old=PATH new=PATH              A and B of a patch, with an interval for each ratio
  scripts/gil_vs_ft.py --only pymethod,shared_attribute        some items; --list has them
  scripts/gil_vs_ft.py --out DIR                               the rows, too: DIR/NAME/rows.jsonl (results/schema.json)
  scripts/gil_vs_ft.py --model DIR                             beside the model: what `tally findings --out DIR` measured

Exit code: 0; 1 a claim is refuted; 2 an interpreter failed, whatever was refuted, or there is none; 64 the command line is wrong;
130 it was interrupted, and told what it had.
"""
import argparse
import os
import pathlib
import random
import re
import sys
import time

from . import interpreters, items, model, records, report
from .view import View

SEVERAL = {"header_size": 1, "deep_chain": 3, "gc_tuples": 3, "gc_count": 3, **{name: 3 for name in items.ITEMS if name.startswith("resident_")}}
MOST_FAILURES = 2  # items, after which an interpreter is left alone: each may have cost a whole --timeout
INTERRUPTED = 130  # a shell's 128 + SIGINT
BUSY = 0.5         # load per processor, above which others took time that these measurements needed


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"{self.prog}: {message}; --help lists what there is\n")


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def chosen(text):
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in items.ITEMS:
            raise argparse.ArgumentTypeError(f"there is no item {name!r}; there are {', '.join(items.ITEMS)}")
    if not names:
        raise argparse.ArgumentTypeError("names no item")
    return list(dict.fromkeys(names))


def interpreter(text):
    """(name or None, path)."""
    name, equals, path = text.partition("=")
    if not equals or os.path.exists(text):
        return None, text
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise argparse.ArgumentTypeError(f"{name!r} in {text!r} is no name: letters, digits, '.', '+', '-' and '_'")
    return name, path


def parser():
    made = Parser(prog="gil_vs_ft.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--python", metavar="[NAME=]PATH", nargs="+", type=interpreter, action="extend",
                      help="interpreters, the baseline first (default: those of PATH, pyenv and uv, 3.11 to 3.15 and free-threaded ones)")
    made.add_argument("--only", metavar="ITEM,...", type=chosen, default=list(items.ITEMS), help="these items (default: all)")
    made.add_argument("--threads", metavar="N", type=positive, help="of the loops (default: 2; the published bands are for 2)")
    made.add_argument("--rounds", metavar="N", type=positive, default=7, help="processes per item (default: 7; an interval needs 6)")
    made.add_argument("--timeout", metavar="S", type=seconds, default=60, help="for one process (default: 60)")
    made.add_argument("--seed", metavar="N", type=positive, default=1, help="of the order of interpreters in a round (default: 1)")
    made.add_argument("--quick", action="store_true", help="a round of tiny work: does it run at all? Times are not judged")
    made.add_argument("--out", metavar="DIR", type=pathlib.Path, help="write the rows there; DIR must be new or empty")
    made.add_argument("--model", metavar="DIR", type=pathlib.Path, help="results of `tally findings`: do their directions agree?")
    made.add_argument("--tally", metavar="PATH", help="the program that judges them (default: this tree's build, or PATH's)")
    made.add_argument("--list", action="store_true", help="print the items and end")
    return made


def named(paths, timeout):
    """(variants, complaints) of what the command line names."""
    variants, failed = [], []
    for name, path in paths:
        try:
            variants += interpreters.variants_of(path, timeout, name)
        except interpreters.Failed as error:
            failed.append(f"{path} {error}")
    return interpreters.distinct(variants), failed


class Machine:
    """How busy others keep it."""

    def __init__(self):
        self.cpus = os.cpu_count() or 1  # as the kernel counts load
        self.began, self.load, self.busy = time.monotonic(), os.getloadavg()[0], self.ticks()

    @staticmethod
    def ticks():
        """Seconds of all processors that were not idle, less those of this process and its children."""
        with open("/proc/stat") as file:
            fields = list(map(int, file.readline().split()[1:9]))
        own = sum(os.times()[:4])
        return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK") - own

    def doubt(self):
        """A sentence if others were busy; else nothing."""
        others = (self.ticks() - self.busy) / max(0.01, time.monotonic() - self.began)
        if max(self.load, others) <= BUSY * self.cpus:
            return ""
        return (f"the machine was busy (load {self.load:.1f} at the start, others kept {max(0, others):.1f} of {self.cpus} processors "
                "busy meanwhile)")


class Run:
    def __init__(self, options, variants):
        self.options, self.variants = options, variants
        cpus = records.distinct_cores()
        self.threads = options.threads or min(2, len(cpus))
        self.cpus, self.machine = cpus, records.machine()
        self.view, self.draw = View(variants, self.threads), random.Random(options.seed)
        self.complaints, self.order, self.refusing = [], 0, set()
        self.last, self.done = max(self.rounds(item) for item in options.only), 0

    def rounds(self, item):
        return 1 if self.options.quick else min(self.options.rounds, SEVERAL.get(item, self.options.rounds))

    def everything(self):
        """Each round asks each item of all variants, in an order that is drawn: what drifts meets all of them alike."""
        last = self.last
        for process in range(last):
            for item in self.options.only:
                if process < self.rounds(item):
                    for variant in self.draw.sample(self.variants, len(self.variants)):
                        if not self.given_up(variant, item):
                            self.one(variant, item, process)
            self.done = process + 1
            if sys.stderr.isatty():
                print(f"\rround {self.done} of {last}", end="\n" if self.done == last else "", file=sys.stderr, flush=True)

    def given_up(self, variant, item):
        failed = [i for v, i in self.view.errors if v is variant]
        return item in failed or variant in self.refusing or len(failed) >= MOST_FAILURES

    def one(self, variant, item, process):
        self.order += 1
        plan = {"process": process, "order": self.order, "seed": self.options.seed, "cpus": self.cpus, "machine": self.machine,
                "role": "baseline" if variant is self.variants[0] else "measured", "threads": self.threads}
        request = {"item": item, "threads": self.threads, "cpus": self.cpus[:max(2, self.threads)], "quick": self.options.quick}
        before = os.getloadavg()[0]
        try:
            answer = variant.ask(request, self.options.timeout)
        except interpreters.Failed as error:
            self.failed(variant, item, plan, error)
            return
        rows = [records.row(variant, w, plan, answer, (before, os.getloadavg()[0])) for w in answer["windows"]]
        for window, row in zip(answer["windows"], rows):
            metrics = {name: row["metrics"][name]["value"] for name in (*window["metrics"], report.TIME)}
            self.view.add(variant, window["workload"], len(window["lanes"]), process, metrics)
        self.write(variant, rows)

    def failed(self, variant, item, plan, error):
        self.view.fail(variant, item, str(error))
        if error.refuses:
            self.refusing.add(variant)
        rest = "; its other items are left out" if self.given_up(variant, "") else ""
        self.complaints.append(f"{variant.name} ({variant.path}), {item}: it {error}{rest}")
        self.write(variant, [records.error_row(variant, item, plan, str(error))])

    def write(self, variant, rows):
        if self.options.out:
            records.write(self.options.out, variant, rows)


def printed(run, machine, lacking, checks):
    """The report, with the model's `checks` if there are any. Returns whether a claim is refuted."""
    view, options = run.view, run.options
    doubt = machine.doubt()
    if report.timed(view):
        print(f"\n## Times\n\nns per operation of one thread, and how many times as much {run.threads} threads do in the same time; "
              f"median of up to {run.rounds('fib')} processes, [95 % interval] or (least to greatest)\n\n{report.times(view)}")
        if len(view.variants) > 1:
            print(f"\n## Against {view.variants[0].name}\n\ntime over its time, by round; above 1 is slower\n\n{report.comparison(view)}")
    if view.windows:
        print(f"\n## Other figures\n\n{report.figures(view)}")
    judgements = report.judged(view, options.quick, doubt)
    print(f"\n## Claims\n\n{report.verdicts(judgements, run.threads)}\n\n{report.summary(judgements)}")
    if checks:
        print(f"\n## Beside the model\n\n{report.beside(model.compared(view, checks))}")
    if lacking:
        print("\n## Not here\n\n" + "\n".join(f"- {one}" for one in lacking))
    for note in filter(None, (doubt and doubt[0].upper() + doubt[1:] + ": figures are rough, and no time refutes anything.",
                              run.threads > len(run.cpus) and f"{run.threads} threads share {len(run.cpus)} processors.")):
        print(f"\nNote: {note}")
    return any(verdict.word == report.claims.REFUTED for _, _, verdict in judgements)


def unfit(options):
    if options.out and options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        return f"--out {options.out}: it is there and not an empty folder; name a new one"
    return ""


def interrupted(run):
    """What is told of a run that was."""
    if sys.stderr.isatty():
        print(file=sys.stderr)
    done = f"after {run.done} of {run.last} rounds; what is told is of these and of a part of the next" if run else "before anything was measured"
    print(f"gil_vs_ft.py: interrupted {done}", file=sys.stderr)
    return INTERRUPTED


def main(arguments=None):
    try:
        return asked(parser().parse_args(arguments))
    except KeyboardInterrupt:  # while it told what it had, or before there was anything
        return INTERRUPTED


def asked(options):
    if options.list:
        for name, item in items.ITEMS.items():
            print(f"{name:<20}{item.__doc__.splitlines()[0]}")
        return 0
    if wrong := unfit(options):
        print(f"gil_vs_ft.py: {wrong}", file=sys.stderr)
        return 64
    try:
        checks = model.judged(options.model, options.tally) if options.model else {}
    except model.Unusable as why:
        print(f"gil_vs_ft.py: --model {options.model}: {why}", file=sys.stderr)
        return 64
    machine, run, code = Machine(), None, None
    try:
        variants, failed = named(options.python, options.timeout) if options.python else (interpreters.found(options.timeout), [])
        if variants:
            print(f"## Interpreters\n\n{report.interpreters(variants)}", flush=True)
            run = Run(options, variants)
            run.everything()
    except KeyboardInterrupt:
        code = interrupted(run)
        if not run:
            return code
    refuted = False
    if run:
        if options.out:
            records.write_estimates(options.out, run.view)
        refuted = printed(run, machine, interpreters.missing(variants), checks)
    else:
        failed.append("there is no interpreter to ask; name one with --python")
    complaints = failed + (run.complaints if run else [])
    for complaint in complaints:
        print(f"gil_vs_ft.py: {complaint}", file=sys.stderr)
    return code or (2 if complaints else int(refuted))
