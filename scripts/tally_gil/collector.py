"""The cyclic collector: how its work grows, how long it stops others, how often it comes."""
import gc
import math
import threading
import time

from . import lanes


def timed(body, amount, request):
    return lanes.run([body], amount, request["cpus"][:1])


def keep_tuples(n):
    kept = []
    for i in range(n):
        kept.append((i, i))
    return kept


def gc_tuples(request):
    """Small tuples that are kept, with the collector on: four times as many against some."""
    some = 2000 if request["quick"] else 100000
    gc.enable()
    few = lanes.wall_ns(timed(keep_tuples, some, request))
    gc.collect()
    times = timed(keep_tuples, 4 * some, request)
    gc.disable()
    off = lanes.wall_ns(timed(keep_tuples, 4 * some, request))
    many = lanes.wall_ns(times)
    return [lanes.window("gc_tuples", times, metrics={"growth": many / few, "on_over_off": many / off})]


def pause(objects, request):
    """A full collection with that many lists alive, and the largest gap of a thread that only looks at the clock meanwhile."""
    kept = [[] for _ in range(objects)]
    began, done, span, gap = threading.Event(), threading.Event(), [], []

    def collect(_):
        began.wait()
        begin = time.perf_counter_ns()
        gc.collect()
        span.append(time.perf_counter_ns() - begin)
        done.set()

    def look(_):
        last, largest = time.perf_counter_ns(), 0
        began.set()
        while not done.is_set():
            now = time.perf_counter_ns()
            largest, last = max(largest, now - last), now
        gap.append(max(largest, time.perf_counter_ns() - last))

    times = lanes.run([collect, look], 1, request["cpus"])
    del kept[:]
    return times, span[0], gap[0]


def gc_pause(request):
    """A full collection, with 50,000 and 500,000 lists alive, and what another thread notices of it."""
    gc.disable()
    few, many = (500, 5000) if request["quick"] else (50000, 500000)
    _, short, _ = pause(few, request)
    times, long, gap = pause(many, request)
    metrics = {"exponent": math.log(long / short) / math.log(many / few), "stall_of_pause": gap / long, "pause_ms": long / 1e6}
    return [lanes.window("gc_pause", times, metrics=metrics, operations=1)]


def gc_count(request):
    """Collections while a million lists are made and kept, against one per threshold of generation 0."""
    seen = []

    def listen(phase, info):
        if phase == "stop":
            seen.append(info)

    def keep(n):
        kept = []
        for _ in range(n):
            kept.append([])

    objects = 20000 if request["quick"] else 1000000
    gc.collect()
    gc.enable()
    gc.callbacks.append(listen)
    times = timed(keep, objects, request)
    gc.callbacks.remove(listen)
    return [lanes.window("gc_count", times, metrics={"collections": len(seen),
                                                     "fewer": objects / gc.get_threshold()[0] / max(1, len(seen))})]


ITEMS = {f.__name__: f for f in (gc_tuples, gc_pause, gc_count)}
