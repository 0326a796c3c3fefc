"""Threads: large sums are made in a few parts at once, everything else with one thread.

NumPy and SciPy each bring a BLAS with threads of its own. After a product these wait busily for the next, and where
cores are few the threads of one BLAS wait on those of the other: fits measured up to ten times slower than with one
thread. So BLAS is kept to one thread, and as many as it had work on parts of the rows instead, which also has the
exponentials and sums share the cores. What is summed, and in which order, does not depend on their number: the result
is the same to the last bit. `blas_limit` says how, and why it takes a limit on the whole process.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

import numpy as np

from softglm.data.blas_limit import BlasLimit, limits, own_limits

# Python's own share cannot be shared: more threads than this would wait for each other.
_MOST_THREADS = 8

Part = TypeVar("Part")
Result = TypeVar("Result")
Given = ParamSpec("Given")


def one_blas_thread(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return the function with BLAS kept to one thread while it works, and given back however it ends."""
    return _limited(work, limits)


def blas_as_found(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return the function with BLAS as it was before this thread limited it: for what users have us call."""

    @wraps(work)
    def unlimited(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        windows = [(limit, window) for limit in limits() for window in limit.windows_of_this_thread()]
        for limit, window in windows:
            limit.close(window)
        result = work(*args, **kwargs)
        for limit, window in windows:  # after an error they stay closed: it ends what opened them
            limit.open(window)
        return result

    return unlimited


def renew_one_blas_thread() -> None:
    """Keep BLAS to one thread again, where it was, and another thread's limits have come to an end since."""
    for limit in limits():
        limit.renew()


def in_threads(work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """Yield what `work` returns for each part, in order, with as many parts worked on at once as BLAS has threads."""
    n_threads = min(max(limit.n_threads for limit in limits()), _MOST_THREADS)
    if len(parts) == 1 or n_threads == 1:
        return map(work, parts)
    # Within a fit its own window holds for the process; what an interrupt leaves running must not prolong it.
    is_within = any(limit.is_open_here() for limit in limits())
    limited = _limited(work, own_limits if is_within else limits)
    errors = np.geterr()

    def work_alike(part: Part) -> Result:
        with np.errstate(**errors):  # each thread has its own
            return limited(part)

    try:
        return _pool(n_threads, os.getpid()).map(work_alike, parts)
    except RuntimeError:  # the interpreter is shutting down, and starts no more threads
        return map(limited, parts)


@lru_cache(maxsize=4)
def _pool(n_threads: int, process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a fork needs a pool of its own
    return ThreadPoolExecutor(n_threads, thread_name_prefix="softglm")


def _limited(work: Callable[Given, Result], in_force: Callable[[], tuple[BlasLimit, ...]]) -> Callable[Given, Result]:
    @wraps(work)
    def limited(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        window, limits_here = object(), in_force()
        if any(limit.is_open_here() for limit in limits_here):
            return work(*args, **kwargs)
        try:
            try:
                for limit in limits_here:
                    limit.open(window)
                return work(*args, **kwargs)
            finally:
                _close(window, limits_here)
        finally:  # an interrupt of the first leaves the rest to this one
            _close(window, limits_here)

    return limited


def _close(window: object, limits_here: tuple[BlasLimit, ...]) -> None:
    for limit in limits_here:
        limit.close(window)
