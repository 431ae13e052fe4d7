"""The GIL against free-threading on real interpreters: scripts/gil_vs_ft.py --help says what is measured.

Two sides: what an interpreter under test runs (worker, lanes, scaling, lives, memory, collector), plain enough for any CPython from 3.9
on, and what asks and judges (command, interpreters, records, intervals, claims, report), for 3.11 and later.
"""
