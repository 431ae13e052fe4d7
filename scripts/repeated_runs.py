"""What the scripts that run tally again and again have in common (findings_stability, aa_check): a folder for each run, --judge for those
that are there already, and how they end."""
import argparse
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST = 0.1  # of the runs may say something else than the others


class Failed(Exception):
    """A run that left nothing to judge."""


def folders(out, runs):
    return [out / f"{number:0{max(2, len(str(runs)))}}" for number in range(1, runs + 1)]


def runs_there(out):
    return sorted(folder for folder in out.glob("[0-9]*") if (folder / "rows.jsonl").is_file())


def each_run(chosen, measure, judge):
    """What measure(folder) gives for each new folder, or judge(folder) for those that are there."""
    if chosen.judge:
        there = runs_there(chosen.out)
        if not there:
            raise Failed(f"--out {chosen.out}: there is no folder of a run, such as {folders(chosen.out, 1)[0].name}, with a rows.jsonl")
        return [judge(folder) for folder in there]
    said = []
    for folder in folders(chosen.out, chosen.runs):
        if folder.exists():
            raise Failed(f"{folder} is there already: name another folder with --out, or judge what is in it with --judge")
        sys.stderr.write(f"run {folder.name} of {chosen.runs}\n")
        said.append(measure(folder))
    return said


def from_one(text):
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return number


def parser_of(text, runs, name):
    """Of a script whose docstring this is."""
    parser = argparse.ArgumentParser(description=text.split("\n\n", 1)[0], epilog=text.split("\n\n", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=from_one, default=runs, help="how many (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, help=f"the folder of the runs' folders 01, 02 ... (default: results/<UTC>-{name})")
    parser.add_argument("--judge", action="store_true", help="judge the runs that are in --out; nothing is measured")
    parser.add_argument("--tally", default=str(ROOT / "build/tally"), help="the program (default: build/tally)")
    return parser


def main_of(parser, name, arguments, judged):
    """The exit code: what judged(chosen) returns, 2 where a run failed, 64 where the command line is wrong."""
    try:
        chosen = parser.parse_args(arguments)
        if chosen.judge and not chosen.out:
            parser.error("--judge: say with --out where the runs are")
    except SystemExit as end:
        return 64 if end.code else 0
    chosen.out = chosen.out or pathlib.Path("results") / time.strftime(f"%Y%m%dT%H%M%SZ-{name}", time.gmtime())
    try:
        return judged(chosen)
    except (Failed, OSError) as error:
        sys.stderr.write(f"{pathlib.Path(sys.argv[0]).name}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"{pathlib.Path(sys.argv[0]).name}: interrupted; --judge says what the runs so far came to\n")
        return 130
