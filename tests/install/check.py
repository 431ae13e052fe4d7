#!/usr/bin/env python3
"""Looks at an installed Tally, with nothing else around (tests/install/run).

check.py SCRATCH COMPILER VERSION [sim] [--hidden SOURCE_DIR]     SCRATCH has prefix/, outside/ and install.md
"""
import pathlib
import re
import shutil
import subprocess
import sys

scratch, compiler, version = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
prefix = scratch / "prefix"
HIDDEN = "--hidden" in sys.argv
BUNDLED = ["traces/json_cycle.rct.zst", "counters/cycles.group", "machines/epyc-7742.machine", "runtimes/swift.runtime", "findings/header-grows.finding", "schema.json", "plots/plot.py", "plots/export.py",
           "plots/tally_plots/report/page.css", "plots/tally_plots/report/page.js"]


def run(*command, code=0, **more):
    done = subprocess.run([str(c) for c in command], cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, **more)
    assert done.returncode == code, f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}"
    return done.stdout


def tally(*arguments, **more):
    return run(prefix / "bin" / "tally", *arguments, **more)


def the_tree_is_hidden():
    if not HIDDEN:
        return print("not hidden: not looked at")
    source = pathlib.Path(sys.argv[sys.argv.index("--hidden") + 1])
    assert not list(source.iterdir()), f"{source} has files"


def files_are_where_they_belong():
    for name in BUNDLED:
        assert (prefix / "share/tally" / name).is_file(), f"share/tally/{name} is missing"
    strays = sorted(p.name for p in prefix.iterdir() if p.name not in ("bin", "share", "include", "lib", "lib64"))
    assert not strays, f"beside bin, share, include and lib: {strays}"
    assert not list(prefix.rglob("__pycache__")), "compiled Python was installed"


def the_program_says_its_version():
    said = tally("--version")
    assert re.fullmatch(rf"tally {re.escape(version)} \([^()]+\)\n", said), said


def the_manual_names_every_subcommand():
    page = (prefix / "share/man/man1/tally.1").read_text()
    assert f'"tally {version}"' in page, page.splitlines()[0]
    subcommands = re.findall(r"^  ([a-z]+) ", tally("--help").split("Subcommands:")[1], re.M)
    assert len(subcommands) >= 7, subcommands
    described = re.findall(r"^\.TP\n\.B ([a-z]+)$", page.split(".SH SUBCOMMANDS")[1].split(".SH ")[0], re.M)
    assert described == subcommands, f"described: {described}; there are: {subcommands}"


def shells_find_their_completions():
    assert "--strategy" in (prefix / "share/bash-completion/completions/tally").read_text()
    assert (prefix / "share/zsh/site-functions/_tally").read_text().startswith("#compdef tally")


def bundled_files_are_found():
    assert "ownership" in tally("list", "counters")
    assert "windows" in tally("run", "--suite", "quick", "--plan")
    assert "windows" in tally("run", "--workload", "trace:file=json_cycle", "--plan")
    assert "json_cycle" in tally("trace", "info", "json_cycle")
    assert "atomic:rmw=cas" in tally("run", "--strategy", "swift", "--workload", "copy_drop", "--plan")
    assert "throughput" in tally("plot", "--list")


def the_simulator_finds_its_machines():
    if "sim" not in sys.argv:
        return print("no simulator in this build")
    tally("sim", "--workload", "copy_drop", "--strategy", "atomic", "--cores", "1", "--ops", "10", "--machine", "epyc-7742")
    assert (scratch / "results/latest/rows.jsonl").read_text().count("\n") >= 1


def a_run_is_measured_and_drawn():
    tally("run", "--strategy", "atomic", "--workload", "copy_drop", "--threads", "1,2", "--duration", "5ms", "--processes", "1",
          "--repeat", "1", "--quiet")
    tally("plot", "--only", "throughput")  # of results/latest in the working directory
    assert list((scratch / "results/latest/plots").glob("throughput*.png")), "no picture"
    assert tally("report") == "results/latest/report.html\n"
    assert "Decision map" in (scratch / "results/latest/report.html").read_text()
    (scratch / "results/latest").resolve().rename(scratch / "sim")  # a subcommand's name, too
    tally("plot", "sim", "--only", "throughput")


def what_is_missing_is_named():
    plots = prefix / "share/tally/plots"
    away = plots.rename(scratch / "away")
    try:
        said = tally("plot", "--list", code=3 if HIDDEN else 0)  # the source tree has one
        assert not HIDDEN or (said.startswith("tally: plot: ") and said.count("\n") == 1), said
    finally:
        away.rename(plots)
    said = tally("plot", "--list", code=3, env={"TALLY_PYTHON": "/no/python"})
    assert said == "tally: plot: /no/python: No such file or directory\n", said


def alone_it_says_what_is_missing():
    (scratch / "alone").mkdir()
    program = shutil.copy(prefix / "bin/tally", scratch / "alone/tally")
    if not HIDDEN:
        return print("not hidden: the source tree has the files")
    said = run(program, "list")
    for folder in ("machines", "counters"):
        assert f"not found; looked for {scratch}/share/tally/{folder}, {scratch}/alone/share/tally/{folder};" in said, said
    run(program, "run", "--strategy", "atomic", "--workload", "copy_drop", "--threads", "1", "--duration", "5ms", "--processes", "1",
        "--repeat", "1", "--quiet")
    shutil.copytree(prefix / "share", scratch / "alone/share")
    assert "epyc-7742" in run(program, "list", "machines")


def installed_headers_include_installed_headers_only():
    include = prefix / "include/tally"
    headers = [p.relative_to(include) for p in sorted(include.rglob("*.hpp"))
               if "bdwgc" not in p.name  # that library may be absent
               and "Included by " not in p.read_text()[:800]]  # the second half of another header
    assert any(h.name == "biased.hpp" for h in headers), headers
    text = "".join(f"#include <{h}>\n" for h in headers)
    run(compiler, "-std=c++20", "-Wall", "-Wextra", "-fsyntax-only", "-x", "c++", "-I", include, "-", input=text)


def a_program_outside_counts_with_the_installed_headers():
    build = scratch / "outside/build"
    run("cmake", "-S", scratch / "outside", "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build, "-j", "1")
    print(run(build / "counts"), run(build / "passes"), sep="", end="")


def the_documents_program_works():
    text = re.search(r"^```cpp\n(.*?)^```$", (scratch / "install.md").read_text(), re.M | re.S)[1]
    (scratch / "shown.cpp").write_text(text)
    run(compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", "-I", prefix / "include/tally", "shown.cpp", "-o", "shown",
        "-pthread")
    run(scratch / "shown")


failed = 0
for check in (the_tree_is_hidden, files_are_where_they_belong, the_program_says_its_version, the_manual_names_every_subcommand,
              bundled_files_are_found, the_simulator_finds_its_machines, a_run_is_measured_and_drawn,
              what_is_missing_is_named, alone_it_says_what_is_missing, installed_headers_include_installed_headers_only,
              a_program_outside_counts_with_the_installed_headers, the_documents_program_works):
    try:
        check()
        print(f"ok      {check.__name__}", flush=True)
    except Exception as error:  # one's failure is no reason not to make the others
        failed += 1
        print(f"FAILED  {check.__name__}: {error}", flush=True)
sys.exit(1 if failed else 0)
