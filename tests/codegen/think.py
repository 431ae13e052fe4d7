#!/usr/bin/env python3
"""The work between operations is on registers, and a step of it is the same instructions every time.

think.py OBJDUMP TALLY [--broken]: of the built program's tally::think(unsigned long), no instruction names memory or calls, and it has
one loop, whose body has no branch but its own: so many instructions for every step. With --broken another function, which does touch
memory, is looked at, and must be refused.
"""
import re
import subprocess
import sys

HEADER = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t(\S+)\s*(.*)$")
BRANCH = re.compile(r"^(j\w+|b|b\..+|cbn?z|tbn?z)$")  # x86-64's and AArch64's

TARGET = re.compile(r"\b([0-9a-f]+) <")


def body_of(objdump, program, name):
    """(address, mnemonic, operands) of each instruction."""
    text = subprocess.run([objdump, "-d", "-C", "--no-show-raw-insn", f"--disassemble={name}", program], check=True, capture_output=True,
                          text=True).stdout
    found, inside = [], False
    for line in text.splitlines():
        if header := HEADER.match(line):
            inside = header.group(2).startswith("tally::")
        elif inside and (m := INSTRUCTION.match(line)):
            found.append((int(m.group(1), 16), m.group(2), m.group(3)))
    return found


def faults_of(body):
    if not body:
        return ["there is no such function"]
    faults = [f"names memory: {what} {on}" for _, what, on in body if re.search(r"\(%|\[\w", on) and not what.startswith("nop")]
    faults += [f"calls: {what} {on}" for _, what, on in body if what.startswith("call") or what in ("bl", "blr")]
    jumps = [(at, int(target.group(1), 16)) for at, what, on in body if BRANCH.match(what) and (target := TARGET.search(on))]
    loops = [(to, at) for at, to in jumps if to <= at]
    if len(loops) != 1:
        return faults + [f"{len(loops)} loops"]
    (first, last), = loops
    faults += [f"a branch inside of the loop, at {at:x}" for at, _ in jumps if first <= at < last]
    step = [what for at, what, _ in body if first <= at <= last]
    if not any("mul" in what or what == "madd" for what in step):
        faults.append("its loop multiplies nothing: " + " ".join(step))
    print(f"{len(step)} instructions per step: {' '.join(step)}")
    return faults


objdump, program, *more = sys.argv[1:]
broken = more == ["--broken"]
faults = faults_of(body_of(objdump, program, "tally::think_of(unsigned long)" if broken else "tally::think(unsigned long)"))
print("\n".join(faults) or "registers alone, and one loop")
sys.exit(bool(faults) != broken)
