"""Object programs on CPython: random ones, what an interpreter does with them, and the comparison with `tally watch`.

What an interpreter runs (runner.py, program.py) is plain enough for any CPython from 3.8 on.
"""
