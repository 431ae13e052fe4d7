#!/usr/bin/env python3
"""What `tally export` runs: a results directory in the formats of other tools, by the package beside it, tally_plots.

  export.py FORMAT DIR FILE     csv, parquet, latex, gbench or pyperf; without a file to standard output
"""
import pathlib
import sys


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    from tally_plots import export
    return export.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
