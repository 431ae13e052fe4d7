"""What rows say of a variant: lists with one value per round, from which an estimate is made. Rounds are paired by their number."""
import statistics


TIME = "wall_ns_per_op"  # from the first thread's start to the last one's end, over the operations of all


class Absent(Exception):
    """Why there is nothing to say, in words."""


class NotAsked(Exception):
    """The item was not asked for: there is nothing to judge."""


class View:
    def __init__(self, variants, threads):
        self.variants, self.threads = variants, threads
        self.windows = {}   # (variant, workload, threads) -> {process: [metrics of a window]}
        self.errors = {}    # (variant, item) -> why
        self.workloads = {}  # those that ran, in their order

    def add(self, variant, workload, threads, process, metrics):
        self.workloads[workload] = None
        self.windows.setdefault((variant, workload, threads), {}).setdefault(process, []).append(metrics)

    def fail(self, variant, item, why):
        self.errors[variant, item] = why

    def by_process(self, variant, workload, threads, metric):
        """{process: median over its blocks}."""
        windows = self.windows.get((variant, workload, threads))
        if not windows:
            raise self.missing(variant, workload)
        values = {p: [w[metric] for w in blocks if metric in w] for p, blocks in windows.items()}
        if not all(values.values()):
            raise Absent(f"{workload} has no {metric}")
        return {p: statistics.median(of) for p, of in values.items()}

    def missing(self, variant, workload):
        for (failed, item), why in self.errors.items():
            if failed is variant and (workload + "_").startswith(item + "_"):
                return Absent(f"it {why}")
        if any(v is variant for v, _ in self.errors):
            return Absent("it was left alone after other items failed")
        return NotAsked(workload) if workload not in self.workloads else Absent("there is no such window")

    def metric(self, variant, workload, metric):
        """Of the one number of threads that it has."""
        counts = sorted(t for v, w, t in self.windows if (v, w) == (variant, workload))
        return list(self.by_process(variant, workload, counts[-1] if counts else 1, metric).values())

    def speedup(self, variant, workload):
        """How many times one thread's work all threads together do in the same time."""
        if self.threads < 2:
            raise Absent("one thread, or one processor")
        one = self.by_process(variant, workload, 1, TIME)
        many = self.by_process(variant, workload, self.threads, TIME)
        return [one[p] / many[p] for p in sorted(one.keys() & many.keys())]

    def over(self, variant, workload, other, metric, threads=1, variant_of_other=None):
        """A metric over another's, of the same round."""
        upper = self.by_process(variant, workload, threads, metric)
        lower = self.by_process(variant_of_other or variant, other, threads, metric)
        return [upper[p] / lower[p] for p in sorted(upper.keys() & lower.keys()) if lower[p]]

    def default_build(self, variant):
        """(what a free-threaded build is held against, whether that is another program): the default build of its release; without
        one its own, with the lock, which has the same instructions and is weaker evidence."""
        same = [v for v in self.variants if v is not variant and v.release == variant.release]
        for other in [v for v in same if not v.free_threaded and v.identity["optimisation"] == variant.identity["optimisation"]] + \
                     [v for v in same if not v.free_threaded]:
            return other, True
        for other in same:
            if other.path == variant.path and other.gil:
                return other, False
        raise Absent("no default build of %d.%d among the interpreters" % variant.release)
