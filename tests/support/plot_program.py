"""What the tests of the plots share: the programs that they were called with (TEST TALLY PLOT_SCRIPT), and the package beside the
latter on the path of modules."""
import pathlib
import subprocess
import sys
import types

from run_tests import python_that_draws

TALLY, SCRIPT = (str(pathlib.Path(a).resolve()) for a in sys.argv[1:3])
SOURCE = pathlib.Path(SCRIPT).parents[1]
sys.path.insert(0, str(SOURCE / "scripts"))
interpreter = python_that_draws()


def draw(*arguments):
    return subprocess.run([interpreter, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


def texts(picture):
    """What is written in an SVG."""
    return picture.read_text()


def pictures(directory, width=None, overlay=None, baseline=None, only=None, tally=None):
    """(plot's name, file's name, figure laid out) of all that the package draws of a directory, without a file."""
    from tally_plots import load, page, plots, style
    results = load.Results([directory])
    options = types.SimpleNamespace(width=width, baseline=baseline, origin=results.origin, tally=tally,
                                    overlaid=load.Results([overlay]) if overlay else None)
    with style.look():
        for plot in plots.found():
            for file, figure in plot.draw(results, options) if only is None or plot.NAME in only else ():
                page.settle(figure)
                yield plot.NAME, file, figure
