"""Figures are written by processes of their own while the next ones are made: as many as there are processors."""
import os
import pickle
import sys
import traceback
import warnings

from . import page


class Workers:
    """with Workers() as them: them.save(...) as page.save(); leaving it waits for all. Raises the first OSError of any."""

    def __init__(self, most=None):
        self.most = most or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        if not hasattr(os, "fork"):
            self.most = 1
        self.running, self.warm = {}, False

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        while self.running:
            try:
                self.wait()
            except OSError:
                if kind is None:
                    self.__exit__(OSError)
                    raise

    def save(self, fig, path, formats):
        if self.most < 2 or not self.warm:
            self.warm = True  # by the first picture, for all children: what is imported to write one, and fonts
            return page.save(fig, path, formats)
        if len(self.running) >= self.most:
            self.wait()
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which numpy may have made: none of them draws
            child = os.fork()
        if child == 0:
            os.close(reader)
            write(fig, path, formats, writer)
        os.close(writer)
        self.running[child] = path, reader

    def wait(self):
        child = next(iter(self.running))  # the oldest; others may have children of their own here
        path, reader = self.running.pop(child)
        with os.fdopen(reader, "rb") as told:
            wrong = told.read()
        _, status = os.waitpid(child, 0)
        if wrong:
            raise OSError(*pickle.loads(wrong))
        if status:
            raise RuntimeError(f"{path}: its process ended with status {status}")


def write(fig, path, formats, writer):
    """The child's part; does not return."""
    code = 1
    try:
        page.save(fig, path, formats)
        code = 0
    except OSError as error:
        os.write(writer, pickle.dumps((error.errno, error.strerror, error.filename)))
    except KeyboardInterrupt:
        pass
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)
