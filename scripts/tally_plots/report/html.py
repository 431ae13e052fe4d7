"""Pieces of a page: whatever is put in is text unless it is a piece itself."""
import html
from collections import namedtuple

VOID = {"meta", "input", "br", "hr"}


class Piece(str):
    """Text of the page as it stands."""


def text(content):
    return content if isinstance(content, Piece) else Piece(html.escape(str(content), quote=False))


def joined(*pieces):
    return Piece("".join(text(p) for p in pieces if p is not None))


def tag(name, /, *content, **attributes):
    """<name attributes>content</name>. Attributes: `class_` is class, other underscores are hyphens; None and False leave one out."""
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        words.append(key if value is True else f'{key}="{html.escape(str(value))}"')
    opening = f"<{' '.join(words)}>"
    return Piece(opening if name in VOID else f"{opening}{joined(*content)}</{name}>")


def table(columns, rows, caption, numbers=(), classes=()):
    """In a box of its own that scrolls; `numbers` are the columns that are set as figures, `classes` a class (or "") for each row."""
    def cells(row, kind="td"):
        for nth, cell in enumerate(row):
            first = kind == "td" and nth == 0
            yield tag("th" if first else kind, cell, scope="row" if first else "col" if kind == "th" else None,
                      class_="number" if nth in numbers else None)
    head = tag("thead", tag("tr", *cells(columns, "th")))
    body = tag("tbody", *(tag("tr", *cells(row), class_=(classes[nth] if classes else "") or None) for nth, row in enumerate(rows)))
    return tag("div", tag("table", tag("caption", caption), head, body), class_="scroll", tabindex="0", role="region", aria_label=caption)


def folded(summary, *content, **attributes):
    """What is seen when it is asked for."""
    return tag("details", tag("summary", summary), *content, **attributes)


Section = namedtuple("Section", "name title piece")


def section(name, title, *content):
    return Section(name, title, tag("section", tag("h2", title, id=f"{name}-title"), *content, id=name, aria_labelledby=f"{name}-title"))


def listed(items):
    return tag("ul", *(tag("li", item) for item in items))
