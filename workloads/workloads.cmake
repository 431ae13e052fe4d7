# The workloads of this tree, one line each, in the order in which they are listed. RACES: what a strategy's options change (slots,
# owners, weak refs) races here; sanitizer builds run these with every variant, and the others with a strategy's default.
# CONTENDED: its threads write the same words, so that line hand-offs can be observed. STAMPED: it
# says when an object's last reference is dropped, so that it can be told how promptly objects are freed.
add_workload(trace)
add_workload(copy_drop CONTENDED)
add_workload(tree_churn STAMPED)
add_workload(chain STAMPED)
add_workload(graph)
add_workload(cycles STAMPED)
add_workload(observers)
add_workload(finalizers)
add_workload(call_args)
add_workload(shared_slots RACES CONTENDED)
add_workload(sharing_ladder RACES CONTENDED)
add_workload(publish CONTENDED)
add_workload(task_graph)
add_workload(handoff RACES CONTENDED STAMPED)
add_workload(lru_cache RACES)
add_workload(server CONTENDED STAMPED)
add_workload(interpreter CONTENDED)
