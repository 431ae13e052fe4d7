"""Object programs (docs/object-programs.md) as Python source."""

SHAPES = {"new": (2, 4), "leaf": (1, 1), "let": (2, 2), "get": (2, 2), "set": (2, 2), "clear": (1, 1), "del": (1, 1), "weak": (2, 2),
          "up": (2, 2), "collect": (0, 1), "threshold": (3, 3), "disable": (0, 0), "enable": (0, 0), "freeze": (0, 0),
          "unfreeze": (0, 0), "repeat": (1, 1), "end": (0, 0), "count": (1, 1), "state": (0, 0)}


class Unreadable(Exception):
    """What is wrong with a program, and in which line."""


def parse(text):
    """The statements as lists of words."""
    statements, open_loops = [], []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        least, most = SHAPES.get(words[0], (None, None))
        if least is None:
            raise Unreadable(f"line {number}: no statement {words[0]!r}; there are {', '.join(SHAPES)}")
        if not least <= len(words) - 1 <= most:
            raise Unreadable(f"line {number}: {words[0]} takes {least if least == most else f'{least} to {most}'} words, not {len(words) - 1}")
        if words[0] == "repeat":
            open_loops.append(number)
        if words[0] == "end":
            if not open_loops:
                raise Unreadable(f"line {number}: end without repeat")
            open_loops.pop()
        statements.append(words)
    if open_loops:
        raise Unreadable(f"line {open_loops[-1]}: repeat without end")
    return statements


def class_of(words):
    """What tells the class of a `new` from others: kind, slots, and for finalisers the names. Each has a class of its own, so that an
    object has its name from its birth on: a collection may come before any further step."""
    _, name, slots, *rest = words
    if not rest:
        return ("plain", slots)
    return (rest[0], slots, name, *rest[1:])


def variables(statements):
    return {word.partition(".")[0] for words in statements for word in words[1:] if word[0].isalpha() and word not in ("note", "revive")}


def translate(statements):
    """Source at module level: variables are globals, loops are loops, every statement counts itself in _step. A loop's last step needs
    no reference of its own, and no line makes an object but those that say so."""
    lines, depth = [], 0
    for words in statements:
        if words[0] == "end":
            depth -= 1
            continue
        indent = " " * depth
        if words[0] == "repeat":
            lines.append(f"{indent}for _i{depth} in _range({int(words[1])}):")
            depth += 1
            if int(words[1]) >= 0:
                lines.append(" " * depth + "pass")  # an empty loop
            continue
        lines += [f"{indent}_step += 1", indent + statement(words)]
    return "\n".join(lines) + "\n"


def statement(words):
    op, *rest = words
    if op == "new":
        return f"{rest[0]} = _{'_'.join(class_of(words))}()"
    if op == "leaf":
        return f"{rest[0]} = _leaf()"
    if op == "let":
        return f"{rest[0]} = {rest[1]}"
    if op == "get":
        return has_slots(rest[1], f"{rest[0]} = {slot(rest[1])}")
    if op == "set":
        return has_slots(rest[0], f"{slot(rest[0])} = {rest[1]}")
    if op == "clear":
        return has_slots(rest[0], f"{slot(rest[0])} = None")
    if op == "del":
        return f"{rest[0]} = None"
    if op == "weak":
        return has_slots(rest[1], f"{rest[0]} = _ref({rest[1]}, _gone_{rest[0]})")
    if op == "up":
        return f"{rest[0]} = {rest[1]}() if {rest[1]} is not None else None"
    if op == "collect":
        return f"_collect({' '.join(rest)})"
    if op == "threshold":
        return f"_gc.set_threshold({', '.join(rest)})"
    if op == "count":
        return f"_say(f'{{_step}} count {rest[0]} {{_count({rest[0]}) if {rest[0]} is not None else 0}}\\n')"
    if op == "state":
        return "_state()"
    return f"_gc.{op}()"


def slot(word):
    name, _, index = word.partition(".")
    return f"{name}.s{int(index)}"


def has_slots(word, line):
    name = word.partition(".")[0]
    return f"if {name} is not None and _type({name}) is not _leaf: {line}"
