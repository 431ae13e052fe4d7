"""What the tests of the plots share: the programs that they were called with (TEST TALLY PLOT_SCRIPT), and the package beside the
latter on the path of modules."""
import pathlib
import subprocess
import sys

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
