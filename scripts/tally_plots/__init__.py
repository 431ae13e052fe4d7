"""The results of `tally run` and `tally sim`, as pictures and as a table. Importing it reads, draws and changes nothing.

  import tally_plots                            # with scripts/ on the path: PYTHONPATH=scripts python3
  df = tally_plots.frame("results/latest")      # one line per record (pandas)
  tally_plots.main(["results/latest"])          # what `scripts/plot.py results/latest` does
"""


def frame(directory):
    """The records of a results directory as a pandas DataFrame; tally_plots.table has its columns."""
    from . import table
    return table.frame(directory)


def main(arguments=None):
    """The command line; returns the exit code."""
    from . import command
    return command.main(arguments)
