#!/usr/bin/env python3
"""Holds the generated code of strategies against hand-written functions.

compare.py OBJDUMP OBJECT [--worse NAME] [--verbose]: for every function check_X in the object file there must be a hand_X, and
check_X may not have an instruction more. Parts that the compiler split off (X.cold) count with X; padding does not. Pairs named
by --worse must be found wanting: they show that the comparison can fail. Counts lines of objdump's output, and so works on any
architecture that objdump knows.
"""

import argparse
import re
import subprocess
import sys

HEADER = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\t(.*)$")
# What assemblers fill gaps with, and landing pads of control-flow protection that both sides have or not by their linkage.
PADDING = re.compile(r"^((data16|cs|rex\.W)\s+)*(nop|nopw|nopl|int3|endbr64|bti)\b|^xchg\s+%ax,%ax|^udf\b")


def functions(objdump, path):
    text = subprocess.run([objdump, "-d", "-r", "--no-show-raw-insn", path], check=True, capture_output=True,
                          text=True).stdout
    found, name = {}, None
    for line in text.splitlines():
        if m := HEADER.match(line):
            name = m.group(1).split(".")[0]
            found.setdefault(name, [])
        elif name and (m := INSTRUCTION.match(line)):
            body = m.group(1).strip()
            if body and not PADDING.match(body) and not body.startswith("R_"):
                found[name].append(body)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("objdump")
    parser.add_argument("object")
    parser.add_argument("--worse", action="append", default=[], metavar="NAME")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    found = functions(args.objdump, args.object)
    names = sorted(n.removeprefix("check_") for n in found if n.startswith("check_"))
    failed = False
    if not set(args.worse) < set(names):
        sys.exit("no functions, or a pair that must differ is missing: " + ", ".join(names))
    for name in names:
        mine, hand = found["check_" + name], found.get("hand_" + name)
        if not hand or not mine:
            print(f"{name}: no hand-written function of that name, or an empty one")
            failed = True
            continue
        more = len(mine) > len(hand)
        wanted = name in args.worse
        ok = more == wanted
        failed |= not ok
        says = "more than by hand" if more else "no more than by hand"
        print(f"{'ok  ' if ok else 'FAIL'} {name}: {len(mine)} instructions, by hand {len(hand)}: {says}"
              + (", as it must" if wanted and ok else ""))
        if not ok or args.verbose:
            for title, listing in (("the strategy's", mine), ("by hand", hand)):
                print(f"  {title}:")
                for line in listing:
                    print(f"    {line}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
