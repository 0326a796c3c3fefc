"""Other threads limit BLAS: from before, within or after a fit on, and to before, within or after it."""

import sys
import threading
import time
from itertools import product

import threadpoolctl
from blas import SMALL, digest, fit_in_threads, limits
from threadpoolctl import threadpool_limits

from softglm import SoftmaxGLM
from softglm.data import blas_as_found, one_blas_thread

# From this version on it says whose limits are in force.
TELLS = tuple(map(int, threadpoolctl.__version__.split(".")[:2])) >= (3, 8)


class Other:
    """A thread that has limited BLAS, from when it is made until it is told to end."""

    def __init__(self, n_threads):
        self._n_threads, self._has_begun, self._may_end = n_threads, threading.Event(), threading.Event()
        self.asked = [n_threads] * len(limits())
        self._thread = threading.Thread(target=self._limit)
        self._thread.start()
        self._has_begun.wait()

    def _limit(self):
        with threadpool_limits(self._n_threads, user_api="blas"):
            self._has_begun.set()
            self._may_end.wait()
            self.seen = limits()

    def end(self):
        """End, and return the limits that it had last."""
        self._may_end.set()
        self._thread.join()
        return self.seen


def eventually(expected):
    """Whether BLAS has these limits within a bounded time: who gives them back looks only now and then."""
    ends = time.monotonic() + 30.0
    while limits() != expected and time.monotonic() < ends:
        time.sleep(0.005)
    return limits() == expected


def begins_and_ends_before(work, one, _):
    one.end()
    work()


def begins_before_and_ends_within(work, one, _):
    one_blas_thread(lambda: (work(), one.end(), work()))()


def begins_before_and_ends_after(work, one, _):
    work()
    assert one.end() == one.asked


def begins_and_ends_within(work, one, n_threads):
    def inside():
        work()
        other = Other(n_threads)
        work()
        other.end()
        work()

    one.end()
    one_blas_thread(inside)()


def begins_within_and_ends_after(work, one, n_threads):
    one.end()
    other = one_blas_thread(Other)(n_threads)
    work()
    assert other.end() == other.asked


def begins_within_and_ends_after_the_next(work, one, n_threads):
    one.end()
    other = one_blas_thread(lambda: (work(), Other(n_threads)))()[1]
    one_blas_thread(work)()
    assert other.end() == other.asked


def begins_in_a_callback_and_ends_after(work, one, n_threads):
    one.end()
    other = one_blas_thread(lambda: (work(), blas_as_found(Other)(n_threads)))()[1]
    assert limits() == other.asked
    assert other.end() == other.asked


def ends_within_where_another_begins(work, one, n_threads):
    other = one_blas_thread(lambda: (one.end(), work(), Other(n_threads)))()[2]
    assert other.end() == other.asked


SCENES = [begins_and_ends_before, begins_before_and_ends_after, begins_in_a_callback_and_ends_after]
SCENES_TOLD = [
    begins_before_and_ends_within,
    begins_and_ends_within,
    begins_within_and_ends_after,
    begins_within_and_ends_after_the_next,
    ends_within_where_another_begins,
]
SCENES += SCENES_TOLD if TELLS else []
WORKS = (lambda: SoftmaxGLM().fit(*SMALL), fit_in_threads, lambda: None)

before, bits = limits(), digest()
for scene, n_threads, work in product(SCENES, (1, 2, 3), WORKS):
    scene(work, Other(n_threads), n_threads)
    assert eventually(before), (scene.__name__, n_threads, before, limits())

for n_threads in (1, 2, 3) if TELLS else ():  # what has ended meanwhile does not change a bit of what comes after
    one = Other(n_threads)
    assert one_blas_thread(lambda: (one.end(), digest()))()[1] == bits, n_threads  # noqa: B023 - called at once
    assert eventually(before)
sys.stdout.write(str(len(SCENES)))
