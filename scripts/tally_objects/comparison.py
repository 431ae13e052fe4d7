"""Runs object programs on the Pythons found and on `tally watch --events`, and compares what they print, line by line.

  scripts/against_python                                       300 random programs, on every Python found
  scripts/against_python --seeds 1..10000 --jobs 4             more of them
  scripts/against_python --harsh                               deeper structures, weak references, revivals, thresholds
  scripts/against_python --seeds 1..20 --statements 100000     long ones
  scripts/against_python --python python3.12 --programs DIR    programs of one's own, DIR/*.objects, and no random ones
"""
import argparse
import concurrent.futures
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from . import interpreters, random_program

RUNNER = pathlib.Path(__file__).resolve().with_name("runner.py")
ROOT = RUNNER.parents[2]
BATCH = 50        # programs per process of an interpreter, which forks for each: starting one costs more than a program of 400 does
STEERING = (["threshold"], ["disable"], ["enable"], ["freeze"], ["unfreeze"])
SHOWN = 3         # differences per interpreter that are printed
HEADER = re.compile(r"^(?=# python )", re.MULTILINE)


class Broken(Exception):
    """A side that did not run."""


def seeds(text):
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if first > last:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seeds: A..B with A <= B, or one number")
    return range(first, last + 1)


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"{self.prog}: {message}; --help lists what there is\n")


def parser():
    made = Parser(prog="against_python", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--python", metavar="PATH", nargs="+", help="interpreters (default: those of PATH, pyenv and uv)")
    made.add_argument("--seeds", metavar="A..B", type=seeds, default=range(1, 301), help="of random programs (default: 1..300)")
    made.add_argument("--statements", metavar="N", type=positive, default=400, help="of a random program (default: 400)")
    made.add_argument("--harsh", action="store_true", help="random programs of the harsh profile")
    made.add_argument("--programs", metavar="DIR", type=pathlib.Path, help="compare its *.objects instead of random programs")
    made.add_argument("--tally", metavar="PATH", default=str(ROOT / "build" / "tally"), help="the program (default: build/tally)")
    made.add_argument("--jobs", metavar="N", type=positive, default=os.cpu_count() or 1, help="processes at a time (default: the processors)")
    return made


def named(paths):
    """The interpreters to ask; what was found is told."""
    try:
        found = [interpreters.Interpreter(path) for path in paths] if paths else interpreters.find()
    except interpreters.Unusable as error:
        raise Broken(f"{error}; name one with --python") from error
    for interpreter in found:
        print(f"{interpreter}: " + (f"rule={interpreter.rule}" if interpreter.rule else f"left out, {interpreter.why}"))
    return [interpreter for interpreter in found if interpreter.rule]


def python_events(interpreter, files):
    """Of each file the lines that the interpreter printed."""
    done = subprocess.run([interpreter.path, *interpreters.FLAGS, str(RUNNER), *map(str, files)], capture_output=True, text=True)
    outputs = HEADER.split(done.stdout)[1:]
    if done.returncode or len(outputs) != len(files):
        raise Broken(f"{interpreter} ended with {done.returncode}: {done.stderr.strip() or 'it says nothing'}")
    return [output.splitlines() for output in outputs]


def tally_events(tally, rule, file):
    command = [tally, "watch", "--events", "--strategy", interpreters.strategy(rule), str(file)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Broken(f"{tally} does not run: {error.strerror}; build it, or name it with --tally") from error
    if done.returncode:
        raise Broken(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip() or 'it says nothing'}")
    return done.stdout.splitlines()


def difference(python, tally):
    """Where two lists of lines part, or None."""
    for number, (ours, theirs) in enumerate(itertools.zip_longest(python, tally, fillvalue="(nothing more)"), 1):
        if ours != theirs:
            return number, ours, theirs
    return None


def compare(interpreter, tally, files):
    """[(file, difference or None)] of a batch."""
    if interpreter.rule == interpreters.STOP:
        return compare_stops(interpreter, tally, files)
    return [(file, difference(events, tally_events(tally, interpreter.rule, file)))
            for file, events in zip(files, python_events(interpreter, files))]


def compare_stops(interpreter, tally, files):
    """With a collector that stops all threads, the programs with collections on request only: when one comes by itself depends on
    what the interpreter allocates, by 512 containers. It finds objects by where they lie, so that what one statement brings about has
    no order that a program could rely on."""
    with tempfile.TemporaryDirectory(prefix="against_python") as folder:
        asked = [pathlib.Path(folder) / file.name for file in files]
        for file, program in zip(files, asked):
            program.write_text("disable\n" + "".join(line for line in file.read_text().splitlines(True) if line.split()[:1] not in STEERING))
        return [(file, difference(by_step(events), by_step(tally_events(tally, interpreter.rule, program))))
                for file, program, events in zip(files, asked, python_events(interpreter, asked))]


def by_step(events):
    told = (line.partition(" generations ")[0] for line in events if not line.startswith("#"))
    return sorted(told, key=lambda line: (int(line.split()[0]), line))


def written(options, folder):
    """The programs as files."""
    if options.programs:
        files = sorted(options.programs.glob("*.objects"))
        if not files:
            raise Broken(f"--programs {options.programs}: no *.objects there")
        return files
    files = []
    for seed in options.seeds:
        files.append(folder / f"seed-{seed}.objects")
        files[-1].write_text(random_program.text(seed, options.statements, options.harsh))
    return files


def run(options, folder):
    asked = named(options.python)
    if not asked:
        print(f"no Python here follows a rule that is known ({', '.join(interpreters.RULES)}): nothing is compared")
        return 0
    files = written(options, folder)
    size = max(1, min(BATCH, 200000 // options.statements))
    batches = [(one, files[at:at + size]) for at in range(0, len(files), size) for one in asked]
    results = {one: [] for one in asked}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(compare, one, options.tally, batch): one for one, batch in batches}
        try:
            for done, future in enumerate(concurrent.futures.as_completed(running), 1):
                results[running[future]] += future.result()
                if sys.stderr.isatty():
                    print(f"\r{done} of {len(batches)} batches", end="", file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return told(results)


def told(results):
    failed = False
    for interpreter, compared in results.items():
        different = sorted(((file, at) for file, at in compared if at), key=lambda pair: str(pair[0]))
        for file, (number, python, tally) in different[:SHOWN]:
            print(f"{file.stem}, line {number} of the events:\n  Python {interpreter.version}: {python}\n  tally: {tally}")
        print(f"{interpreter}: {len(compared)} programs, {len(different)} differences")
        failed = failed or bool(different)
    return int(failed)


def main(arguments=None):
    options = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="against_python") as folder:
        try:
            return run(options, pathlib.Path(folder))
        except Broken as error:
            print(f"against_python: {error}", file=sys.stderr)
            return 64
