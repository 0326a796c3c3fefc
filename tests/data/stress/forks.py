"""Forks while two threads fit: children have the limits that there were, fit the same bits, and none waits for ever."""

import faulthandler
import os
import signal
import sys
import threading
import time

from blas import LARGE, SMALL, limits

from softglm import SoftmaxGLM
from softglm.data import one_blas_thread

N_FORKS, MOST_SECONDS = 25, 30.0
RIGHT, WRONG = 0, 7


def coefficients():
    return [SoftmaxGLM().fit(*problem).coef_.tobytes() for problem in (SMALL, LARGE)]


def child():
    """Never returns: what the parent has registered for its end is not the child's to do."""
    is_right = False
    faulthandler.dump_traceback_later(MOST_SECONDS / 2.0)  # of what waits for ever, where
    try:
        is_right = limits() == before and coefficients() == expected and limits() == before
    finally:
        os._exit(RIGHT if is_right else WRONG)


def ending_of(process):
    ends = time.monotonic() + MOST_SECONDS
    while time.monotonic() < ends:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def keep_fitting():
    while not enough.is_set():
        SoftmaxGLM().fit(*LARGE)


def child_that_is_itself_within():
    process = os.fork()
    return process, limits() if process == 0 else None


before, expected, enough, endings = limits(), coefficients(), threading.Event(), []
threads = [threading.Thread(target=keep_fitting) for _ in range(2)]
for thread in threads:
    thread.start()
for which in range(N_FORKS):
    time.sleep(0.001 * (which % 10))
    process = os.fork()
    if process == 0:
        child()
    endings.append(ending_of(process))
    if endings[-1] != RIGHT:
        break
enough.set()
for thread in threads:
    thread.join()
process, within = one_blas_thread(child_that_is_itself_within)()
if process == 0:
    os._exit(RIGHT if within == [1] * len(before) and limits() == before else WRONG)
assert ending_of(process) == RIGHT
assert endings == [RIGHT] * N_FORKS, endings
assert limits() == before, (before, limits())
sys.stdout.write(str(len(endings)))
