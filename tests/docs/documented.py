"""The programs that documents call, as tests/docs/commands has them called: each does what can be done quickly, and refuses what the
real one would. Which it is says the name that it is called by.

    documented.py NAME ARGUMENT...

    tally              lists, describes, draws. A run or a simulation is planned; a small one, or one that names a directory for its
                       results, is made with the shortest windows. Calibration takes a shipped machine: whether the host is quiet
                       enough to be measured is chance
    cmake              looks at options, presets, targets; "builds" a folder in which `tally` is this program
    ctest              lists, and there must be something
    ninja              looks at targets
    quickstart, test   their arguments; what they build, as cmake does
    podman, docker     `build` has its file; `run` is tally with the arguments
    conform_*, model_* are known by their strategy
    python3            itself, where pandas is installed
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

CALLED = pathlib.Path(sys.argv[1])
ARGUMENTS = sys.argv[2:]
TREE, BUILD, SCRATCH = (pathlib.Path(os.environ["DOCUMENTED_" + name]) for name in ("TREE", "BUILD", "SCRATCH"))
PATH = os.environ["DOCUMENTED_PATH"]
IN_TEXT = "DOCUMENTED_IN_TEXT" in os.environ  # a mention: names and flags are looked at
MOST_ROWS = {"run": 40, "sim": 20}  # of what is not only planned: some seconds
ON_DIRECTORIES = {"compare": (0, 1, 2), "merge": (0,), "export": (0,)}  # what reads results directories, and its exit codes where nothing is wrong with the command
VALUED = ("--gate", "--metric", "--out")  # flags of theirs whose value is no directory to be read
SHORTEST = {"run": ["--duration", "1ms", "--processes", "1", "--repeat", "1"], "sim": ["--ops", "20"]}


def refuse(why):
    sys.exit(f"{CALLED.name}: {why}")


def real(*command, **more):
    return subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "PATH": PATH}, **more)


def passed_on(*command):
    done = real(*command)
    print(done.stdout, end="")
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout


# -- what a build folder was configured with ----------------------------------------------------------------------------------

def strategies_in(folder):
    return re.findall(r"^add_strategy\((\w+)", (folder / "strategies.cmake").read_text(), re.M)


def made(folder):
    """What is known of the build folder; refuses one that no command has made."""
    known = pathlib.Path(folder) / "made.json"
    if not known.is_file():
        refuse(f"{folder}: no command before this one configures it")
    return json.loads(known.read_text())


def check_options(options):
    listed = (TREE / "CMakeLists.txt").read_text()
    ours = re.findall(r"^\s*(?:option\(|set\((?=\w+ [^\n]*CACHE (?!INTERNAL)))(TALLY_\w+)", listed, re.M)
    for name in options:
        if name not in ours and (name.startswith("TALLY_") or real("cmake", "--help-variable", name).returncode != 0):
            refuse(f"-D{name}: no such option of CMakeLists.txt, and no variable of cmake's")
    if "TALLY_BUILT" in options and not IN_TEXT:
        made(options["TALLY_BUILT"])
    there = strategies_in(TREE / "strategies")
    if extra := options.get("TALLY_EXTRA"):
        if IN_TEXT:
            return there
        there += strategies_in(pathlib.Path(extra))
    only = [s for s in options.get("TALLY_ONLY", "").split(";") if s and not (IN_TEXT and s.isupper())]
    for name in only:
        if name not in there:
            refuse(f"-DTALLY_ONLY={name}: no such strategy")
    return only or there


def configure(folder, options):
    known = pathlib.Path(folder) / "made.json"
    if known.is_file():
        options = {**json.loads(known.read_text())["options"], **options}
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps({"options": options, "strategies": check_options(options)}))


def build(folder, targets):
    there = made(folder)
    names = (BUILD / "build.ninja").read_text()
    for target in targets:
        strategy = re.fullmatch(r"(?:conform|model|fault)_(\w+)", target)
        if not (strategy and strategy[1] in there["strategies"]) and not re.search(rf"^build {re.escape(target)}(?: \|[^:]*)?: ", names, re.M):
            refuse(f"--target {target}: there is no such target")
    place = pathlib.Path(folder)
    (place / "tests").mkdir(exist_ok=True)
    programs = [f"tests/{kind}_{s}" for kind in ("conform", "model") for s in there["strategies"]]
    for program in ["tally", "tests/sim_published", *programs]:
        if not (place / program).exists():
            (place / program).symlink_to(SCRATCH / "bin/stand_in")


# -- the programs -------------------------------------------------------------------------------------------------------------

def cmake(arguments):
    presets = json.loads((TREE / "CMakePresets.json").read_text())
    values, options, rest = {}, {}, []
    words = iter(arguments)
    for word in words:
        if word.startswith("-D"):
            name, _, value = (word[2:] or next(words)).partition("=")
            options[name.partition(":")[0]] = value
        elif word in ("-S", "-B", "-G", "-j", "--preset", "--prefix"):
            values[word] = next(words, "")
        elif word == "--target":
            values[word] = rest_of(words)
        elif word in ("--build", "--install"):
            values[word] = ""
        elif word.startswith("-"):
            refuse(f"{word}: not a flag that this test knows")
        else:
            rest.append(word)
    if IN_TEXT:
        return check_options(options)
    preset = values.get("--preset")
    if preset is not None:
        of_kind = [p for p in presets["buildPresets" if "--build" in values else "configurePresets"] if p["name"] == preset]
        if not of_kind:
            refuse(f"--preset {preset}: CMakePresets.json has none of that name")
        folders = {p["name"]: p["binaryDir"] for p in presets["configurePresets"]}
        rest, options = [folders[preset]], {**of_kind[0].get("cacheVariables", {}), **options}
    if "-G" in values and values["-G"] != "Ninja":
        refuse(f"-G {values['-G']}: not what is tested")
    folder = values.get("-B") or (rest or ["."])[0]
    if "--install" in values:
        made(folder)
        return pathlib.Path(values.get("--prefix", "")).is_absolute() or refuse(f"--prefix {values.get('--prefix')}: not absolute")
    if "--build" in values:
        return build(folder, values.get("--target", []))
    if "-B" not in values and preset is None:
        made(folder)
    elif preset is None and not (pathlib.Path(values.get("-S", ".")) / "CMakeLists.txt").is_file():
        refuse(f"-S {values.get('-S')}: no source tree")
    return configure(folder, options)


def rest_of(words):
    return [w for w in words if not w.startswith("-")]


def ctest(arguments):
    if "--test-dir" in arguments:
        at = arguments.index("--test-dir")
        if arguments[at + 1] != "build/test":
            refuse(f"--test-dir {arguments[at + 1]}: not the folder of the preset that has the tests")
        arguments = arguments[:at] + arguments[at + 2:]
    # Not in the build itself, where a ctest that runs this test keeps its log.
    listing = SCRATCH / "build/listing"
    listing.mkdir(exist_ok=True)
    (listing / "CTestTestfile.cmake").write_text(f'subdirs("{BUILD}")\n')
    said = real("ctest", "--test-dir", listing, "-N", *[a for a in arguments if a != "-N"])
    if said.returncode != 0 or "Total Tests: 0" in said.stdout:
        refuse(f"{' '.join(arguments)}: no test is selected")


def value_of(flag, arguments):
    return arguments[arguments.index(flag) + 1] if flag in arguments else None


def tally(arguments):
    """With the real program; called by its place in a build folder it has what that was configured with."""
    program = BUILD / "tally"
    folder = CALLED.parent
    what = arguments[0] if arguments else ""
    if IN_TEXT:
        return mentioned(program, arguments)
    if folder != SCRATCH / "bin" and what in ("run", "sim"):
        there = made(folder)
        if what == "sim" and there["options"].get("TALLY_SIM") == "OFF":
            refuse(f"{folder} was configured with -DTALLY_SIM=OFF")
        arguments = with_known_names(arguments, there)
    if what == "sim" and "--calibrate" in arguments:
        if len(arguments) != 3:
            refuse("--calibrate stands alone")
        return shutil.copy(TREE / "harness/sim/machines/xeon-8280.machine", arguments[2])
    if what in ("run", "sim") and "--plan" not in arguments:
        rows = int(re.search(r"^(\d+) rows?,", passed_on(program, *arguments, "--plan"), re.M)[1])
        if rows > MOST_ROWS[what] and (what == "sim" or "--out" not in arguments):
            return None
        if {"--until", "--budget"} & set(arguments):  # its processes are as many as intervals take
            return None
        return made_shortly(program, what, [*arguments, *SHORTEST[what], "--quiet"])
    if what == "findings" and "--simulate" not in arguments:
        return judged_shortly(program, arguments[1:])
    if what in ON_DIRECTORIES:
        return read_shortly(program, what, arguments[1:])
    if what == "micro":
        arguments += ["--benchmark_min_time=0.00001"]
    return passed_on(program, *arguments)


def made_shortly(program, what, arguments):
    done = real(program, *arguments)
    out = pathlib.Path(value_of("--out", arguments) or "results/latest") / "rows.jsonl"
    rows = [json.loads(line) for line in out.read_text().splitlines()] if done.returncode == 3 and out.is_file() else []
    reasons = {r["reason"] for r in rows if r["status"] == "error"}
    # On a busy machine a thread may not run in so short a window: that is no fault of the command.
    if done.returncode != 0 and not (reasons and all(r.startswith("no operation ended inside the window") for r in reasons)):
        refuse(f"{what}: exit {done.returncode}: {done.stdout.strip()} {'; '.join(sorted(reasons))}")


def judged_shortly(program, arguments):
    """In windows that are too short for any verdict but that the rows are there: a finding may be refuted."""
    slugs = [a for a in arguments if not a.startswith("-")] if "--results" not in arguments else []
    if "--results" not in arguments:
        made_shortly(program, "run", ["run", "--suite", ".".join(["findings", *(["+".join(slugs)] if slugs else [])]), *SHORTEST["run"], "--quiet"])
        arguments = [*slugs, "--results", "results/latest"]
    done = real(program, "findings", *arguments)
    if done.returncode not in (0, 1) or slugs and "was not measured" in done.stdout:
        refuse(f"findings: exit {done.returncode}: {done.stdout.strip()}")


def read_shortly(program, what, arguments):
    """Of directories that no command before this one has made, a small run makes them: what is looked at is the command. So small a run
    says nothing, which is an exit code of its own."""
    for name in [a for n, a in enumerate(arguments) if not a.startswith("-") and (n == 0 or arguments[n - 1] not in VALUED)]:
        if not pathlib.Path(name, "rows.jsonl").is_file():
            made_shortly(program, "run", ["run", "--workload", "copy_drop", "--threads", "1", "--out", name, *SHORTEST["run"], "--quiet"])
    done = real(program, what, *arguments)
    print(done.stdout, end="")
    if done.returncode not in ON_DIRECTORIES[what]:
        refuse(f"{what}: exit {done.returncode}: {done.stdout.strip()}")


def with_known_names(arguments, there):
    """A strategy of the reader's own is, to the real program, a shipped one; one that was left out is refused."""
    shipped = strategies_in(TREE / "strategies")
    wanted = (value_of("--strategy", arguments) or "*").split(",") + [value_of("--baseline", arguments) or "atomic"]
    for name in {re.split("[:*]", w)[0] for w in wanted} - {""}:
        if name not in there["strategies"]:
            refuse(f"{name} is not built in {CALLED.parent} (-DTALLY_ONLY); atomic is the baseline unless --baseline says another")
    own = [s for s in there["strategies"] if s not in shipped]
    return [re.sub(rf"\b({'|'.join(own)})\b", "atomic", a) if own and not a.startswith("-") else a for a in arguments]


def mentioned(program, arguments):
    words = [a for a in arguments if not a.startswith("-") and "=" not in a]
    help_of = real(program, *words[:1], "--help")
    if help_of.returncode != 0:
        refuse(f"{words[0]}: no such subcommand")
    flags = re.findall(r"--[\w-]+", help_of.stdout)
    for flag in (a.split("=")[0] for a in arguments if a.startswith("--")):
        if flag not in flags:
            refuse(f"{words[0]} {flag}: no such flag")


def container(arguments):
    if arguments[0] == "build":
        return (SCRATCH / "Containerfile").is_file() or refuse("there is no Containerfile")
    if arguments[0] != "run":
        refuse(f"{arguments[0]}: not a subcommand that this test knows")
    return tally(arguments[arguments.index("tally") + 1:])


def python3(arguments):
    for candidate in ("/usr/bin/python3", sys.executable):
        if real(candidate, "-c", "import pandas").returncode == 0:
            return passed_on(candidate, *arguments)
    return print("no pandas here: not run")


def quickstart(arguments):
    configure(SCRATCH / "build/release", dict(re.findall(r"-D(\w+)=(\w+)", (TREE / "scripts/quickstart").read_text())))
    build(SCRATCH / "build/release", [])
    passed_on(BUILD / "tally", "run", "--suite", "quick", *arguments, "--plan")
    made_shortly(BUILD / "tally", "run", ["run", "--workload", "copy_drop", *SHORTEST["run"], "--quiet"])  # what later commands draw


def test(arguments):
    if arguments not in ([], ["quick"]):
        refuse(f"{' '.join(arguments)}: it knows quick only")
    configure(SCRATCH / "build/test", {})
    build(SCRATCH / "build/test", [])


def ninja(arguments):
    if arguments[:1] != ["-C"]:
        refuse("no -C")
    build(arguments[1], rest_of(arguments[2:]))


PROGRAMS = {"tally": tally, "cmake": cmake, "ctest": ctest, "ninja": ninja, "podman": container, "docker": container,
            "python3": python3, "quickstart": quickstart, "test": test}
if CALLED.name in PROGRAMS:
    PROGRAMS[CALLED.name](ARGUMENTS)
elif unknown := [a for a in ARGUMENTS if not a.startswith("--gtest_")]:
    refuse(f"{unknown[0]}: not a flag of a test")
