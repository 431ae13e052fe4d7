"""Threads that work at the same time, each with its own clock, and windows: what they took.

Timestamps are taken inside the threads: a launcher that loses its processor to them would time its own absence.
"""
import os
import resource
import threading
import time


class Lane(threading.Thread):
    def __init__(self, body, amount, cpu, line):
        threading.Thread.__init__(self, daemon=True)
        self.body, self.amount, self.cpu, self.line = body, amount, cpu, line
        self.times, self.failed = None, None

    def run(self):
        try:
            if self.cpu is not None and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, [self.cpu])  # of this thread
            self.line.wait()
            before, cpu = resource.getrusage(resource.RUSAGE_THREAD), time.thread_time_ns()
            begin = time.perf_counter_ns()
            self.body(self.amount)
            end = time.perf_counter_ns()
            cpu, after = time.thread_time_ns() - cpu, resource.getrusage(resource.RUSAGE_THREAD)
            self.times = {"operations": self.amount, "begin_ns": begin, "end_ns": end, "cpu_ns": cpu,
                          "voluntary_switches": after.ru_nvcsw - before.ru_nvcsw,
                          "involuntary_switches": after.ru_nivcsw - before.ru_nivcsw}
        except BaseException as error:
            self.failed = error
            self.line.abort()


def run(bodies, amount, cpus):
    """Runs each body in a thread of its own, none of them the main one; returns the threads' times."""
    line = threading.Barrier(len(bodies))
    lanes = [Lane(body, amount, cpus[i % len(cpus)] if cpus else None, line) for i, body in enumerate(bodies)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    failed = [lane.failed for lane in lanes if lane.failed]
    if failed:
        raise [f for f in failed if not isinstance(f, threading.BrokenBarrierError)][0]
    return [lane.times for lane in lanes]


def wall_ns(times):
    return max(t["end_ns"] for t in times) - min(t["begin_ns"] for t in times)


def window(workload, times, block=0, metrics=None, operations=None):
    """`operations`: what a thousandth of a second is divided by; all that the lanes did unless one operation takes several lanes."""
    return {"workload": workload, "lanes": times, "block": block, "metrics": metrics or {},
            "operations": operations or sum(t["operations"] for t in times), "wall_ns": wall_ns(times)}


def calibrated(body, target_ns, cpus):
    """How much work takes one thread that long."""
    amount = 64
    while True:
        took = wall_ns(run([body], amount, cpus))
        if took * 4 >= target_ns:
            return max(1, amount * target_ns // max(took, 1))
        amount *= 4


BLOCKS = 2


def target_ns(request):
    return 200000 if request["quick"] else 15000000


def in_threads(name, body, request):
    """Windows of one thread and of all, alternating: the same work for each thread."""
    cpus = request["cpus"]
    amount = calibrated(body, target_ns(request), cpus)
    windows = []
    for block in range(1 if request["quick"] else BLOCKS):
        for threads in sorted({1, request["threads"]}):
            windows.append(window(name, run([body] * threads, amount, cpus), block))
    return windows
