"""Draws the comparison plots of one or more results directories into their plots/ folder.

  scripts/plot.py                             results/latest, every plot that its rows allow, PNG and SVG
  scripts/plot.py DIR DIR                     rows of both, drawn together into the first one's plots/
  scripts/plot.py --only cost,latency         some of them (--list names them)
  scripts/plot.py --baseline atomic           costs as multiples of a strategy's
  scripts/plot.py SIM --overlay DIR           what DIR measured, on the scaling that SIM (tally sim) predicts
  scripts/plot.py --pdf --width 3.33in        for a paper's column
"""
import argparse
import pathlib
import sys

from . import estimates, load, plots, printing, style, workers

LATEST = pathlib.Path("results/latest")  # of the working directory, as `tally run` leaves it


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


def parser_of(names):
    parser = argparse.ArgumentParser(prog="plot.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="*", metavar="DIR", help="results directories (default: results/latest of the working directory)")
    parser.add_argument("--only", metavar="NAMES", help="comma-separated: " + ", ".join(names))
    parser.add_argument("--baseline", metavar="STRATEGY", help="draw costs as multiples of this strategy's")
    parser.add_argument("--overlay", metavar="DIR", action="append", help="measured rows to draw on predicted scaling")
    parser.add_argument("--pdf", action="store_true", help="write PDF instead of PNG and SVG")
    parser.add_argument("--width", type=inches, help="of a figure: 3.33in, 84mm (default 6.8in)")
    parser.add_argument("--tally", metavar="PATH", help="the program that judges findings (default: this tree's build, or PATH's)")
    parser.add_argument("--list", action="store_true", help="name the plots and stop")
    parser.add_argument("--report", metavar="FILE", help="a page of one directory instead (tally report makes it)")
    parser.add_argument("--words", metavar="FILE", help="of the page: the verdicts, as tally report hands them over")
    return parser


def main(arguments=None):
    there = {plot.NAME: plot for plot in plots.found()}
    parser = parser_of(there)
    options = parser.parse_args(arguments)
    chosen = options.only.split(",") if options.only else list(there)
    unknown = [name for name in chosen if name not in there]
    if unknown:
        parser.error(f"--only {unknown[0]}: there is no such plot; there are {', '.join(there)}")
    try:
        if options.list:
            printing.say("\n".join(f"{name:12} {plots.summary(plot)}" for name, plot in there.items()))
            return 0
        if options.report:
            return make_page(parser, options)
        return draw(parser, options, [there[name] for name in chosen])
    except load.Unreadable as error:
        print(error, file=sys.stderr)
    except ModuleNotFoundError as missing:
        print(f"plot.py: {sys.executable} has no {missing.name}: apt-get install python3-matplotlib, or take a python3 that has it",
              file=sys.stderr)
    except OSError as error:  # a full disk, a directory that can't be written
        print(f"plot.py: {error.filename or 'a picture'}: {error.strerror}", file=sys.stderr)
    return 1


def make_page(parser, options):
    if not options.words or len(options.directories) != 1:
        parser.error("--report: tally report DIR makes the page, with the words of its verdicts")
    from . import report
    report.write(options.directories[0], options.report, options.words)
    printing.say(options.report)
    return 0


def called(directory):
    """A directory as it was given, and which one it is if that is a link: results/latest is another one after each run."""
    path = pathlib.Path(directory)
    return f"{directory} ({path.resolve().name})" if path.is_symlink() else str(directory)


def draw(parser, options, chosen):
    directories = options.directories or [str(LATEST)]
    results = load.Results(directories)
    overlay = load.Results(options.overlay) if options.overlay else None
    for of in [results] + ([overlay] if overlay else []):
        for complaint in dict.fromkeys(of.bad + [c for run in of.runs for c in estimates.read(run)]):
            print(complaint, file=sys.stderr)
    if options.baseline and options.baseline not in {load.named(r) for r in results.ok}:
        parser.error(f"--baseline {options.baseline}: no row of it in {directories[0]}")
    options.overlaid = overlay
    options.origin = results.origin
    target = pathlib.Path(directories[0]) / "plots"
    target.mkdir(exist_ok=True)
    drawn = 0
    with style.look(), workers.Workers() as them:
        for plot in chosen:
            for file, figure in plot.draw(results, options):
                them.save(figure, target / file, ["pdf"] if options.pdf else ["png", "svg"])
                drawn += 1
    printing.say(f"{drawn} plot{'s' if drawn > 1 else ''} of {', '.join(map(called, directories))} in {target}" if drawn else "no plot: the rows allow none of " + ", ".join(p.NAME for p in chosen))
    return 0 if drawn else 1
