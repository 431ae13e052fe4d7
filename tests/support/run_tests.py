"""What the end-to-end tests have in common: functions of one argument `cwd` are tests, each in a directory of its own."""
import pathlib
import shutil
import subprocess
import sys
import tempfile


def python_that_draws():
    """The first python3 that has matplotlib."""
    for candidate in ("python3", "/usr/bin/python3"):
        if subprocess.run([candidate, "-c", "import matplotlib, numpy"], stderr=subprocess.DEVNULL).returncode == 0:
            return candidate
    sys.exit("no python3 with matplotlib: see scripts/packages.txt")


def run_tests(names, chosen, prefix):
    """Runs the tests in `names` (a module's globals), or those of them that are `chosen`, and ends the process: 0, or 1."""
    tests = [f for f in names.values() if callable(f) and getattr(f, "__code__", None)
             and f.__code__.co_varnames[:1] == ("cwd",) and f.__code__.co_argcount == 1]
    tests = [t for t in tests if not chosen or t.__name__ in chosen]
    failures = 0
    for test in tests:
        home = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        try:
            test(home)
            print(f"ok      {test.__name__}", flush=True)
        except Exception as error:  # one test's failure is no reason not to run the others
            failures += 1
            print(f"FAILED  {test.__name__}: {type(error).__name__}: {error}", flush=True)
        finally:
            shutil.rmtree(home)
    sys.exit(1 if failures or not tests else 0)
