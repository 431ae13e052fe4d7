"""The program as tests call it, and the files it writes, held against the schema."""
import functools
import json
import pathlib
import subprocess

import jsonschema


def runner(tally):
    """run(*arguments, cwd, expect): what is printed to both outputs; the exit code is the expected one."""
    program = str(pathlib.Path(tally).resolve())

    def run(*arguments, cwd, expect=0, timeout=120, **more):
        done = subprocess.run([program, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=timeout, **more)
        assert done.returncode == expect, f"exit {done.returncode}, not {expect}: {done.stdout}{done.stderr}"
        return done.stdout, done.stderr

    return run


def lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


class Schema:
    def __init__(self, source):
        self.schema = json.loads((pathlib.Path(source) / "results/schema.json").read_text())

    @functools.cached_property
    def of_records(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)
        return jsonschema.Draft202012Validator(self.schema)

    @functools.cached_property
    def of_estimates(self):
        return jsonschema.Draft202012Validator(self.schema["$defs"]["estimate"])

    def records(self, directory):
        return valid(self.of_records, lines(pathlib.Path(directory) / "rows.jsonl"))

    def estimates(self, directory):
        return valid(self.of_estimates, lines(pathlib.Path(directory) / "estimates.jsonl"))


def valid(validator, found):
    for line in found:
        for error in validator.iter_errors(line):
            raise AssertionError(f"{line['row']}: {'/'.join(map(str, error.path))}: {error.message[:300]}")
    return found
