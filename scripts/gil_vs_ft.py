#!/usr/bin/env python3
"""The command of the package beside it, tally_gil: scripts/gil_vs_ft.py --help says what it measures."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tally_gil import command

if __name__ == "__main__":
    sys.exit(command.main())
