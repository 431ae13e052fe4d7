"""Where objects end, what handing them over costs, and how long a thread waits for another's lock."""
import gc
import queue
import sys
import threading
import time

from . import lanes

BLOCK_S = 0.2
GIVE_UP_S = 5


class Watched(object):
    """Tells in which thread it ended, and when. Not by a weak reference, which would change the state of its count."""
    __slots__ = ("ends",)

    def __init__(self, ends):
        self.ends = ends

    def __del__(self):
        self.ends.append((threading.get_ident(), time.perf_counter_ns()))


def spin(done):
    while not done.is_set():
        pass


class Death(object):
    """One object whose last reference another thread drops than the one that made it."""

    def __init__(self, owner_does):
        self.box, self.ends, self.done, self.made = [], [], threading.Event(), threading.Event()
        self.owner_does, self.until = owner_does, None

    def own(self, _):
        self.owner = threading.get_ident()
        self.box.append(Watched(self.ends))
        if self.owner_does == "blocked":
            self.until = time.perf_counter_ns() + int(BLOCK_S * 1e9)
        self.made.set()
        if self.owner_does == "blocked":
            time.sleep(BLOCK_S)
        elif self.owner_does == "running":
            spin(self.done)

    def drop(self, _):
        self.made.wait()
        if self.owner_does == "blocked":
            time.sleep(BLOCK_S / 10)  # it sleeps by now
        self.dropper, self.dropped = threading.get_ident(), time.perf_counter_ns()
        self.box.pop()
        limit = time.monotonic() + GIVE_UP_S
        while not self.ends and time.monotonic() < limit:
            time.sleep(0.0002)
        self.done.set()

    def told(self):
        """(which thread, delay in ns, share of the time that the owner was still blocked)."""
        if not self.ends:
            return "nobody", int(GIVE_UP_S * 1e9), None
        thread, at = self.ends[0]
        # Of an owner that has exited the identifier may be the dropper's now: it ended in the dropper in any case.
        who = "dropper" if thread == self.dropper else "owner" if thread == self.owner else "other"
        delay = at - self.dropped
        return who, delay, delay / (self.until - self.dropped) if self.until else None


def middle(values):
    return sorted(values)[len(values) // 2]


def foreign_end(request):
    """The last reference dropped in another thread than the owner's, which runs, is blocked, or has exited."""
    gc.disable()
    windows = []
    for does, repeats in (("running", 5), ("blocked", 1), ("exited", 5)):
        deaths, spans = [], []
        for _ in range(1 if request["quick"] else repeats):
            death = Death(does)
            if does == "exited":
                spans += lanes.run([death.own], 1, request["cpus"])
                spans += lanes.run([death.drop], 1, request["cpus"])
            else:
                spans += lanes.run([death.own, death.drop], 1, request["cpus"])
            deaths.append(death.told())
        metrics = {who + "_share": sum(d[0] == who for d in deaths) / len(deaths) for who in ("owner", "dropper", "other", "nobody")}
        metrics["delay_ms"] = middle([d[1] for d in deaths]) / 1e6
        if does == "blocked":
            metrics["delay_of_block"] = max(0.0, deaths[0][2] or 0.0)
        windows.append(lanes.window("foreign_end_" + does, spans, metrics=metrics, operations=len(deaths)))
    return windows


def handoff(request):
    """Fresh tuples through a queue.SimpleQueue, from one thread to another."""
    gc.disable()
    items = queue.SimpleQueue()

    def produce(n):
        for i in range(n):
            items.put((i, i))

    def consume(n):
        for _ in range(n):
            items.get()

    amount = 200 if request["quick"] else 100000
    return [lanes.window("handoff", lanes.run([produce, consume], amount, request["cpus"]), block, operations=amount)
            for block in range(1 if request["quick"] else lanes.BLOCKS)]


def wakeup(request):
    """How late a sleeper wakes up beside a thread that computes."""
    before, windows = sys.getswitchinterval(), []
    for interval_ms in (5, 20):
        done, late = threading.Event(), []

        def sleep(n):
            for _ in range(n):
                due = time.perf_counter_ns() + 1000000
                time.sleep(0.001)
                late.append(time.perf_counter_ns() - due)
            done.set()

        sys.setswitchinterval(interval_ms / 1000)
        times = lanes.run([sleep, lambda _: spin(done)], 2 if request["quick"] else 15, request["cpus"])
        windows.append(lanes.window("wakeup_%dms" % interval_ms, times, operations=len(late),
                                    metrics={"late_ms": middle(late) / 1e6, "late_of_interval": middle(late) / 1e6 / interval_ms}))
    sys.setswitchinterval(before)
    return windows


class Link(object):
    __slots__ = ("next",)


def tuples(depth):
    chain = ()
    for _ in range(depth):
        chain = (chain,)
    return [chain]


def links(depth):
    chain = None
    for _ in range(depth):
        link = Link()
        link.next = chain
        chain = link
    return [chain]


def deep_chain(request):
    """The end of a chain of a million nested tuples and of linked instances, against one of 250,000."""
    gc.disable()
    windows = []
    for name, make in (("tuples", tuples), ("instances", links)):
        rate = {}
        # Neither fits into a core's own cache: what differs is the depth.
        for depth in (3000, 10000) if request["quick"] else (250000, 1000000):
            held = []

            def build(n):
                held.extend(make(n))

            lanes.run([build], depth, request["cpus"][:1])
            times = lanes.run([lambda _: held.clear()], depth, request["cpus"][:1])
            rate[depth] = lanes.wall_ns(times) / depth
        windows.append(lanes.window("deep_chain_" + name, times, metrics={"growth": rate[max(rate)] / rate[min(rate)]}))
    return windows


ITEMS = {f.__name__: f for f in (foreign_end, handoff, wakeup, deep_chain)}
