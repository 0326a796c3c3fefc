"""Threads: large sums are made in a few parts at once, everything else with one thread.

NumPy and SciPy each bring a BLAS with threads of its own. After a product these wait busily for the next, and where
cores are few the threads of one BLAS wait on those of the other: fits measured up to ten times slower than with one
thread. So BLAS is kept to one thread, and as many as it had work on parts of the rows instead, which also has the
exponentials and sums share the cores. What is summed, and in which order, does not depend on their number: the result
is the same to the last bit.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache, lru_cache
from threading import Lock
from typing import Any, TypeVar, final

import numpy as np
from threadpoolctl import ThreadpoolController

# Python's own share cannot be shared: more threads than this would wait for each other.
_MOST_THREADS = 8

Part = TypeVar("Part")
Result = TypeVar("Result")


@final
class _OneThread:
    """BLAS kept to one thread while anybody needs it so: the first to come saves what there was, the last restores it.

    Attributes
    ----------
    n_threads : int
        How many BLAS had; 1 where it cannot be told.
    """

    def __init__(self) -> None:
        self._lock, self._depth, self._saved = Lock(), 0, list[int]()
        self.n_threads = 1

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth > 1:
                return
            self._saved = [library.num_threads for library in _blas_libraries()]
            self.n_threads = min(max(self._saved, default=1), _MOST_THREADS)
            if self.n_threads > 1:
                self._set([1] * len(self._saved))

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self.n_threads > 1:
                self._set(self._saved)

    @staticmethod
    def _set(numbers: list[int]) -> None:
        for library, number in zip(_blas_libraries(), numbers, strict=True):
            library.set_num_threads(number)


_one_thread = _OneThread()


@cache
def _blas_libraries() -> list[Any]:
    libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return libraries


@lru_cache(maxsize=4)
def _pool(n_threads: int, process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a fork needs a pool of its own
    return ThreadPoolExecutor(n_threads, thread_name_prefix="softglm")


def one_blas_thread() -> AbstractContextManager[None]:
    """Keep BLAS to one thread, in the whole process."""
    return _one_thread


def in_threads(work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """Yield what `work` returns for each part, in order, with as many parts worked on at once as BLAS has threads."""
    if len(parts) == 1:
        yield work(parts[0])
        return
    with one_blas_thread():
        if _one_thread.n_threads == 1:
            yield from map(work, parts)
            return
        errors = np.geterr()

        def work_alike(part: Part) -> Result:
            with np.errstate(**errors):  # each thread has its own
                return work(part)

        try:
            results = _pool(_one_thread.n_threads, os.getpid()).map(work_alike, parts)
        except RuntimeError:  # the interpreter is shutting down, and starts no more threads
            results = map(work, parts)
        yield from results
