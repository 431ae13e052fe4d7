"""XML documents in xml.dom.minidom, whose nodes know parent, siblings and document: parsed, sorted, merged; every other one unlinked."""
from xml.dom import minidom


def catalogue(first, items):
    rows = "".join(f'<item id="{first + i}" price="{(first + i) * 37 % 100}"><name>part {first + i}</name></item>' for i in range(items))
    return minidom.parseString(f"<catalogue>{rows}</catalogue>")


def sort_by_price(document):
    root = document.documentElement
    for item in sorted(root.childNodes, key=lambda node: int(node.getAttribute("price"))):
        root.appendChild(root.removeChild(item))


def merge(into, document):
    for item in document.getElementsByTagName("item"):
        if int(item.getAttribute("price")) < 50:
            into.documentElement.appendChild(into.importNode(item, deep=True))


merged = minidom.parseString("<catalogue/>")
for batch in range(8):
    document = catalogue(batch * 12, 12)
    sort_by_price(document)
    merge(merged, document)
    if batch % 2:
        document.unlink()
sort_by_price(merged)
print(len(merged.toxml()))
