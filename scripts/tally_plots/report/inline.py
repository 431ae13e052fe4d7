"""A figure as SVG inside of a page: its own ids, no style that reaches beyond it, and a name on all that can be pointed at."""
import io
import xml.etree.ElementTree as ET

from .. import marks, page

DRAWN = ("use", "path")
FONT = "'DejaVu Sans'"
FONTS = "'DejaVu Sans', Verdana, sans-serif"  # Verdana's letters are as wide


def svg_of(fig, name, label, class_of):
    """(SVG, marks of figures in the order in which they are drawn). `name` is one of its own in the page, `label` what the picture is
    called; class_of(label) is the class of a strategy's parts, or None."""
    found = marks.found(fig)
    for nth, (artist, _) in enumerate(found):
        artist.set_gid(f"mark-{nth}")
    fig.patch.set_visible(False)
    for ax in fig.axes:
        ax.patch.set_visible(False)
    page.settle(fig)
    text = io.StringIO()
    fig.savefig(text, format="svg", **page.SAVED_AS["svg"])
    root = ET.fromstring(text.getvalue())
    plain(root)
    groups = {g.get("id"): g for g in root.iter("g")}
    told = []
    for nth, (artist, of) in enumerate(found):
        if (group := groups.get(f"mark-{nth}")) is not None:
            told += pointed(group, [placed(mark, artist) for mark in of], class_of)
    own_ids(root, name)
    if told:
        first = next(e for e in root.iter() if e.get("tabindex"))
        first.set("tabindex", "0")  # arrow keys go on from there
    for gone in ("width", "height", "version"):
        root.attrib.pop(gone, None)
    root.set("role", "group")
    root.set("aria-label", label)
    return ET.tostring(root, encoding="unicode"), told


def placed(mark, artist):
    """With the title of its axes, where a figure has several."""
    if artist.axes is None or len(artist.figure.axes) < 2 or not marks.is_figure(mark):
        return mark
    return mark._replace(where=", ".join(filter(None, (mark.where, artist.axes.get_title(loc="left")))))


def plain(root):
    """Without namespaces, which HTML has by itself, and without metadata and styles: a rule in there would be the whole page's."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in [k for k in element.attrib if k.startswith("{")]:
            element.set(key.rpartition("}")[2], element.attrib.pop(key))
        if FONT in element.get("style", ""):
            element.set("style", element.get("style").replace(FONT, FONTS))
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in ("metadata", "style")]:
            parent.remove(child)


def pointed(group, of, class_of):
    """Classes and names for a mark's parts; returns the marks that got a name."""
    parts = [group]
    if len(of) > 1:
        defined = {id(e) for defs in group.iter("defs") for e in defs.iter()}
        parts = [e for e in group.iter() if e.tag in DRAWN and id(e) not in defined]
        if len(parts) != len(of):
            return []
    for part, mark in zip(parts, of):
        if mark.label and (name := class_of(mark.label)):
            part.set("class", name)
        if marks.is_figure(mark):
            title = ET.Element("title")
            title.text = marks.spoken(mark)
            part.insert(0, title)
            part.set("tabindex", "-1")
            part.set("role", "img")
    return [mark for mark in of if marks.is_figure(mark)]


def own_ids(root, name):
    """Ids that nothing in the figure refers to are dropped, the others are made its own: numbers, since matplotlib makes some of where an
    object is in memory."""
    used, numbers = set(), {}

    def own(value):
        return f"{name}-{numbers.setdefault(value, len(numbers))}"
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "href" and value.startswith("#"):
                used.add(value[1:])
            elif value.startswith("url(#"):
                used.add(value[5:-1])
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                if value in used:
                    element.set(key, own(value))
                else:
                    del element.attrib[key]
            elif key == "href" and value.startswith("#"):
                element.set(key, f"#{own(value[1:])}")
            elif value.startswith("url(#"):
                element.set(key, f"url(#{own(value[5:-1])})")
