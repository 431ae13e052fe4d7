# The strategies of this tree, one line each, in the order in which they are listed.
add_strategy(none)
add_strategy(plain)
add_strategy(atomic)
add_strategy(shared_ptr)
add_strategy(biased)
add_strategy(deferred)
add_strategy(mark_sweep)
