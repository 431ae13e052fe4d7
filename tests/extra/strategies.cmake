# A strategy from outside the tree: cmake -DTALLY_EXTRA=<this folder>.
add_strategy(saturating)
