"""functools' lru_cache in its Python form, a dictionary of links in a ring: calls that hit, miss and evict, and caches that are let go."""
import sys
from importlib import util

spec = util.find_spec("functools")
functools = util.module_from_spec(spec)
hidden, sys.modules["_functools"] = sys.modules["_functools"], None  # without the C form
spec.loader.exec_module(functools)
sys.modules["_functools"] = hidden


def table(size):
    @functools.lru_cache(maxsize=size)
    def row(key):
        return [key, {"square": (key, key * key)}]
    return row


state = 1
for size in (8, 16, 32, 64):
    rows = table(size)
    for call in range(400):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        rows(state % (3 * size) if call % 3 else state % size)
    print(rows.cache_info())
