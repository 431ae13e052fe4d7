"""Standard output, which may be a full disk or a pipe that nobody reads: what does not arrive is an error."""
import os
import sys


def say(text):
    """All of it; raises OSError that names standard output."""
    try:
        print(text, flush=True)
    except OSError as error:
        give_up()
        raise OSError(error.errno, error.strerror, "standard output") from None


def give_up():
    """What is left in the buffer is dropped: Python would try again when it ends, and complain in its own words."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
