"""All items by name: functions of a request that return windows. An item's first line of documentation is what --list prints."""
from . import collector, lives, memory, scaling

ITEMS = {}
for module in (scaling, lives, memory, collector):
    ITEMS.update(module.ITEMS)
