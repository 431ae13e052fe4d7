"""What an interpreter is: what it says of itself, and what it does where that tells more."""
import gc
import os
import platform
import sys
import sysconfig
import threading

IMMORTAL = 1 << 30  # no count comes near it by references; immortal objects show more, in every release that has them


def immortalises():
    """Whether a module's functions become immortal when a second thread starts: 3.13t does so to what later releases count otherwise."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    return sys.getrefcount(immortalises) >= IMMORTAL


def optimisation(arguments):
    if arguments is None:
        return "not known"
    words = [word for word, flag in (("pgo", "--enable-optimizations"), ("lto", "--with-lto")) if flag in arguments]
    return "+".join(words) or "plain"


def identity(gil):
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED") or getattr(sys.flags, "nogil", False))
    threshold = gc.get_threshold()
    return {
        "implementation": platform.python_implementation(),
        "executable": os.path.realpath(sys.executable or ""),
        "version": platform.python_version(),
        "build": " ".join(platform.python_build()).strip(),
        "compiler": platform.python_compiler(),
        "optimisation": optimisation(sysconfig.get_config_var("CONFIG_ARGS")),
        "level": " ".join(w for w in (sysconfig.get_config_var("OPT") or "").split() if w[:2] in ("-O", "-D")),
        "debug": bool(sysconfig.get_config_var("Py_DEBUG")),
        "free_threaded": free_threaded,
        "switchable": hasattr(sys, "_is_gil_enabled") and free_threaded,  # takes -X gil=1
        "gil": gil,
        "immortal": sys.getrefcount(None) >= IMMORTAL,
        "immortalises": immortalises(),
        "gc_threshold": list(threshold),
        # A free-threaded build reports a third threshold of 0, too, and has neither.
        "collector": "stop the world" if free_threaded else "generational" if threshold[2] else "incremental",
    }
