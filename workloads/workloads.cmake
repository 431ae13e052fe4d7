# The workloads of this tree, one line each, in the order in which they are listed.
add_workload(copy_drop)
add_workload(tree_churn)
add_workload(chain)
add_workload(graph)
add_workload(call_args)
add_workload(shared_slots)
add_workload(sharing_ladder)
add_workload(publish)
