#!/usr/bin/env python3
"""However it is called and wherever it lies: hints are commands that can be pasted, bundled files are found or said to be missing,
and `tally micro`.

called.py TALLY SOURCE_DIR OBJDUMP [TEST...]
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from run_tests import run_tests

tally, source, objdump = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
SMALL = "run --strategy plain,atomic --workload copy_drop --threads 1 --duration 2ms --processes 1 --repeat 1".split()


def run(program, *arguments, cwd, expect=0, **environment):
    done = subprocess.run([str(program), *arguments], cwd=cwd, text=True, timeout=120, env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == expect, f"{arguments}: exit {done.returncode}, not {expect}: {done.stdout}"
    return done.stdout


def pasted(command, cwd):
    done = subprocess.run(["bash", "-c", command], cwd=cwd, text=True, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{command}: exit {done.returncode}: {done.stdout}"
    return done.stdout


def install(at):
    """A copy of the program and its files, as `cmake --install` lays them out."""
    share = at / "prefix/share/tally"
    for name, folder in {"traces": "workloads/traces", "counters": "harness/counters/groups", "machines": "harness/sim/machines",
                         "runtimes": "harness/run/runtimes", "findings": "harness/run/findings"}.items():
        shutil.copytree(source / folder, share / name)
    (at / "prefix/bin").mkdir()
    return shutil.copy(tally, at / "prefix/bin/tally"), share


def hints_are_commands_as_the_program_was_called(cwd):
    (cwd / "some where").mkdir()
    (cwd / "some where/tally").symlink_to(tally)
    said = run("some where/tally", *SMALL, "--out", "it's here", cwd=cwd)
    hint = re.search(r"'some where/tally' run --from \S+ \S+(?: --processes \d+)?", said)
    assert hint, said
    assert "rows" in pasted(hint[0].removesuffix(" for") + " --plan", cwd)
    said = run("some where/tally", "describe", "zzzzzzzz", cwd=cwd, expect=64)
    hint = re.search(r"'some where/tally' list", said)
    assert hint and "strategies" in pasted(hint[0], cwd), said
    assert "('some where/tally' list counters)" in run("some where/tally", "run", "--help", cwd=cwd)


def called_by_its_name_it_says_its_name(cwd):
    path = f"{tally.parent}:{os.environ['PATH']}"
    said = run("tally", "describe", "zzzzzzzz", cwd=cwd, expect=64, PATH=path)
    assert "; tally list shows" in said, said


def copied_with_its_files_it_finds_them(cwd):
    install(cwd)
    moved = (cwd / "prefix").rename(cwd / "elsewhere")
    program, share = moved / "bin/tally", moved / "share/tally"
    (share / "machines/mine.machine").write_bytes((share / "machines/xeon-8280.machine").read_bytes())
    assert re.search(r"^mine ", run(program, "list", "machines", cwd=cwd), re.M)
    (moved / "bin/share").mkdir()
    share.rename(moved / "bin/share/tally")  # beside the program
    assert re.search(r"^mine ", run(program, "list", "machines", cwd=cwd), re.M)
    run(program, *SMALL, cwd=cwd)
    run(program, "run", "--workload", "trace:file=json_cycle", "--plan", cwd=cwd)
    assert "ownership:" in run(program, "describe", "ownership", cwd=cwd)


def an_environment_variable_names_the_files(cwd):
    _, share = install(cwd)
    (share / "machines/mine.machine").write_bytes((share / "machines/xeon-8280.machine").read_bytes())
    assert "mine:" in run(tally, "describe", "mine", cwd=cwd, TALLY_DATA=str(share))
    (share / "runtimes/ours.runtime").write_text("# Ours.\nstrategy = biased [PEP703]\nrule = paper [PEP703]\n")
    assert "as biased:rule=paper" in run(tally, "describe", "ours", cwd=cwd, TALLY_DATA=str(share))


def a_runtime_stands_for_its_strategy(cwd):
    names = [line.split()[0] for line in run(tally, "list", "runtimes", cwd=cwd).splitlines()]
    assert {"python-3.12", "python-3.13t", "swift", "rust-arc"} <= set(names), names
    for name in names:
        strategy = re.search(r"^  as (\S+)$", run(tally, "describe", name, cwd=cwd), re.M)[1]
        plan = [run(tally, "run", "--plan", "--threads", "1", "--workload", "copy_drop", "--strategy", s, cwd=cwd) for s in (name, strategy)]
        assert plan[0] == plan[1] and f"  {strategy}" in plan[0], plan
    assert "biased:merge=detached" in run(tally, "run", "--plan", "--workload", "copy_drop", "--strategy",
                                          "python-3.13t:stack=counted,cycles=none,heap=malloc,merge=detached", cwd=cwd)
    said = run(tally, "run", "--plan", "--workload", "copy_drop", "--strategy", "pyhton-3.12", cwd=cwd, expect=64)
    assert "did you mean python-3.12?" in said, said


def findings_are_judged_by_what_was_measured(cwd):
    run(tally, "run", "--suite", "findings.header-grows", "--duration", "5ms", "--processes", "1", "--repeat", "1", "--quiet", "--out", "found", cwd=cwd)
    said = run(tally, "findings", "header-grows", "--results", "found", cwd=cwd)
    assert "\n  reproduced\n" in said and "tally' run" in said.replace("/tally run", "/tally' run"), said
    assert "was not measured" in run(tally, "findings", "--results", "found", cwd=cwd)
    verdicts = {v["finding"]: v["verdict"] for v in json.loads(run(tally, "findings", "--results", "found", "--json", cwd=cwd))}
    assert verdicts["header-grows"] == "reproduced" and verdicts["gil-no-speedup"] == "not testable here", verdicts
    run(tally, "findings", "--results", "found", "--strict", "--quiet", cwd=cwd, expect=1)
    (cwd / "accepted").write_text("\n".join(v for v in verdicts if v != "header-grows") + "  # all of them\n")
    run(tally, "findings", "--results", "found", "--strict", "--quiet", "--expect", "accepted", cwd=cwd)
    # A band of another figure is refuted.
    _, share = install(cwd)
    file = share / "findings/header-grows.finding"
    file.write_text(file.read_text().replace("in 2 .. 2, refuted above 2, below 2", "in 3 .. 4, refuted below 3"))
    said = run(tally, "findings", "--results", "found", cwd=cwd, expect=1, TALLY_DATA=str(share))
    assert re.search(r"^header-grows .* refuted( \*)?$", said, re.M) and "1 refuted" in said, said


def findings_of_many_cores_are_simulated(cwd):
    said = run(tally, "findings", "--simulate", "private-work-on-ten", "--out", "simulated", cwd=cwd)
    assert "\n  reproduced\n" in said and "|10|simulated" in said, said
    assert "instructions are not modelled" in run(tally, "findings", "--simulate", "atomic-count-costs", "--results", "simulated", cwd=cwd)
    # Nothing is simulated for what no simulation answers.
    said = run(tally, "findings", "--simulate", "atomic-count-costs", "blocked-owner-holds-objects", "--out", "none", cwd=cwd)
    assert "instructions are not modelled" in said and "memory is not modelled" in said and not (cwd / "none").exists(), said


def missing_files_are_said_to_be_missing(cwd):
    nowhere = {"TALLY_DATA": "no/where"}
    for code, *arguments in ((3, "list", "machines"), (3, "list", "counters"), (3, "list", "runtimes"), (3, "findings"), (3, "list", "--json"), (64, "describe", "epyc-7742"),
                             (64, "describe", "ownership"), (3, "plot", "--list"), (3, "report"), (3, "trace", "info", "json_cycle"),
                             (3, "run", "--workload", "trace:file=json_cycle", "--plan"),
                             (3, "run", "--workload", "copy_drop", "--counters", "software", "--plan")):
        said = run(tally, *arguments, cwd=cwd, expect=code, **nowhere)
        assert "not found; looked for no/where/" in said and "set TALLY_DATA" in said and said.count("\n") == 1, said
    said = run(tally, "list", cwd=cwd, **nowhere)  # the rest is there
    assert "copy_drop" in said and "looked for no/where/counters" in said and "looked for no/where/machines" in said, said
    run(tally, "describe", "biased", cwd=cwd, **nowhere)
    run(tally, *SMALL, cwd=cwd, **nowhere)


def micro(at, *arguments, expect=0):
    return run(tally, "micro", *arguments, cwd=at, expect=expect)


def has_micro(at):
    return "has no Google Benchmark" not in subprocess.run([tally, "micro", "--help"], cwd=at, text=True, capture_output=True).stderr


def micro_help_has_the_librarys_flags_and_every_operation(cwd):
    if not has_micro(cwd):
        return print("no Google Benchmark in this build")
    said = micro(cwd, "--help")
    assert "--benchmark_filter=<regex>" in said, said
    there = {name.split("/")[0] for name in micro(cwd, "--benchmark_list_tests").splitlines()}
    assert there == set(re.findall(r"^  ([a-z_]+)  ", said, re.M)), there


def what_is_described_for_programs_is_what_lists_have(cwd):
    for section, entries in json.loads(run(tally, "list", "--json", cwd=cwd)).items():
        for entry in entries[:1] + entries[-1:]:
            said = json.loads(run(tally, "describe", entry["name"], "--json", cwd=cwd))
            assert list(said) == [section] and entry in said[section], (section, entry["name"], said)
            assert all(s["name"] == entry["name"] for s in said[section]), said
    biased = json.loads(run(tally, "describe", "biased:merge=detached", "--json", cwd=cwd))["strategies"][0]
    assert biased["name"] == "biased" and "cycles=trial" in biased["not_combined"], biased
    assert biased["oracle"], biased
    file = source / "harness/sim/machines/epyc-7742.machine"
    (cwd / "mine.machine").write_text(file.read_text())
    mine, = json.loads(run(tally, "describe", "mine.machine", "--json", cwd=cwd))["machines"]
    assert mine["cores"] >= 64 and mine["figures"]["clock"]["source"], mine
    assert "did you mean biased?" in run(tally, "describe", "biasd", "--json", cwd=cwd, expect=64)


def micro_runs_every_operation_of_every_strategy(cwd):
    if has_micro(cwd):
        micro(cwd, "--benchmark_min_time=0.00001")
        assert "micro --help lists them" in micro(cwd, "--nosuch", expect=64)


def micros_json_says_what_was_measured_where_and_no_host(cwd):
    if not has_micro(cwd):
        return
    said = micro(cwd, "--benchmark_filter=copy_drop/plain$", "--benchmark_min_time=0.00001", "--benchmark_format=json",
                 "--benchmark_out=out.json")
    for text in (said[said.index("{"):said.rindex("}") + 1], (cwd / "out.json").read_text()):
        context = json.loads(text)["context"]
        assert all(context.get(k) for k in ("tally", "compiler", "flags", "build_type", "cpu_model", "kernel", "machine")), context
        assert context["host_name"] == "not told", context
        assert socket.gethostname() not in text or len(socket.gethostname()) < 4
    assert re.fullmatch(r"[0-9.]+ \(.*\)", context["tally"]), context


def the_floor_of_make_drop_takes_and_gives_back_by_the_calls_of_strategies(cwd):
    if not has_micro(cwd):
        return
    lines = subprocess.run([objdump, "-d", "--no-show-raw-insn", tally], text=True, stdout=subprocess.PIPE, check=True).stdout
    code = re.search(r"^[0-9a-f]+ <\S*micro\S*malloc_freeERN9benchmark5StateE>:\n(.*?)\n\n", lines, re.M | re.S)[1]
    called = set(re.findall(r"call\s+\S+ <(\w+)@plt>", code))
    assert {"malloc", "free"} <= called and "calloc" not in called, called


if __name__ == "__main__":
    run_tests(globals(), sys.argv[4:], "tally-called-")
