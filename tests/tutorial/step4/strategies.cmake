# cmake -DTALLY_EXTRA=<this folder>
add_strategy(refcount)
