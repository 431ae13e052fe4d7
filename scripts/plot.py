#!/usr/bin/env python3
"""Draws the comparison plots of one or more results directories into their plots/ folder.

  scripts/plot.py                             results/latest, every plot that its rows allow, PNG and SVG
  scripts/plot.py DIR DIR                     rows of both, drawn together into the first one's plots/
  scripts/plot.py --only cost,latency         some of them (--list names them)
  scripts/plot.py --baseline atomic           costs as multiples of a strategy
  scripts/plot.py SIM --overlay DIR           what DIR measured, on the scaling that SIM (tally sim) predicts
  scripts/plot.py --pdf --width 3.33in        for a paper's column
"""
import argparse
import importlib
import os
import pathlib
import subprocess
import sys

try:
    import matplotlib  # noqa: F401
    import numpy  # noqa: F401
except ModuleNotFoundError as missing:
    for other in ("/usr/bin/python3", "/usr/local/bin/python3"):  # PATH's own may be one without Debian's packages
        try:
            draws = subprocess.run([other, "-c", "import matplotlib, numpy"], stderr=subprocess.DEVNULL).returncode == 0
        except OSError:
            continue
        if draws:
            sys.stdout.flush()
            os.execv(other, [other, *sys.argv])
    sys.exit(f"{sys.executable} has no {missing.name}, nor has /usr/bin/python3: apt-get install python3-matplotlib, or run "
             "scripts/plot.py with a python3 that has it")

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from plots import load, style  # noqa: E402

PLOTS = ["throughput", "cost", "paths", "steps", "latency", "memory", "heap", "transfers", "fields", "scaling", "takers"]


def inches(text):
    for unit, factor in (("in", 1.0), ("cm", 1 / 2.54), ("mm", 1 / 25.4)):
        if text.endswith(unit):
            text, scale = text[:-len(unit)], factor
            break
    else:
        scale = 1.0
    try:
        value = float(text) * scale
    except ValueError:
        value = 0
    if not 2 <= value <= 30:
        raise argparse.ArgumentTypeError("a width between 2in and 30in, as 3.33in or 84mm")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="*", metavar="DIR", help="results directories (default: results/latest)")
    parser.add_argument("--only", metavar="NAMES", help="comma-separated: " + ", ".join(PLOTS))
    parser.add_argument("--baseline", metavar="STRATEGY", help="draw costs as multiples of this strategy's")
    parser.add_argument("--overlay", metavar="DIR", action="append", help="measured rows to draw on predicted scaling")
    parser.add_argument("--pdf", action="store_true", help="write PDF instead of PNG and SVG")
    parser.add_argument("--width", type=inches, help="of a figure: 3.33in, 84mm (default 6.8in)")
    parser.add_argument("--list", action="store_true", help="name the plots and stop")
    options = parser.parse_args()
    if options.list:
        for name in PLOTS:
            print(f"{name:12} {importlib.import_module('plots.' + name).__doc__.strip().splitlines()[0]}")
        return 0
    chosen = options.only.split(",") if options.only else PLOTS
    unknown = [name for name in chosen if name not in PLOTS]
    if unknown:
        parser.error(f"--only {unknown[0]}: there is no such plot; there are {', '.join(PLOTS)}")
    directories = options.directories or ["results/latest"]  # where `tally run` leaves them
    results = load.Results(directories)
    for complaint in results.bad:
        print(complaint, file=sys.stderr)
    if options.baseline and options.baseline not in {load.strategy(r) for r in results.ok}:
        parser.error(f"--baseline {options.baseline}: no row of it in {directories[0]}")
    style.setup()
    target = pathlib.Path(directories[0]) / "plots"
    target.mkdir(exist_ok=True)
    drawn = 0
    for name in chosen:
        for file, figure in importlib.import_module("plots." + name).draw(results, options):
            style.save(figure, target / file, ["pdf"] if options.pdf else ["png", "svg"])
            drawn += 1
    print(f"{drawn} plots in {target}" if drawn else "no plot: the rows allow none of " + ", ".join(chosen))
    return 0 if drawn else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:  # a full disk, a directory that can't be written
        sys.exit(f"plot.py: {error.filename or 'a picture'}: {error.strerror}")
