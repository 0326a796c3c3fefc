"""Libraries that are not loaded here: each thread has a limit of its own, or they are interrupted where we like."""

import threading
from itertools import count

import numpy as np
import pytest

from softglm.data import RowsInMemory, blas_limit, one_blas_thread
from softglm.data.blas_limit import BlasLimit, Libraries, Library
from softglm.tuning import Tuning

X = np.random.default_rng(0).normal(size=(1000, 3))
CODES = np.zeros(len(X), dtype=np.int32)


class FakeLibrary:
    """Of the process; its call number `interrupted_at` raises KeyboardInterrupt, before or after its work."""

    def __init__(self, n_threads):
        self.n_threads, self.interrupted_at, self.is_after, self._calls = n_threads, -1, False, count()

    def _call(self, work):
        is_now = next(self._calls) == self.interrupted_at
        if is_now and not self.is_after:
            raise KeyboardInterrupt
        result = work()
        if is_now:
            raise KeyboardInterrupt
        return result

    def read(self):
        return self._call(lambda: self.n_threads)

    def write(self, number):
        self._call(lambda: setattr(self, "n_threads", number))


class OwnOfEachThread(threading.local):
    """A library as OpenMP has it."""

    n_threads = 4

    def read(self):
        return self.n_threads

    def write(self, number):
        self.n_threads = number


def as_loaded(monkeypatch, shared=(), own=()):
    """Let these be the libraries of the process, with limits that are new."""

    def libraries(fakes):
        return Libraries([Library(fake.read, fake.write) for fake in fakes])

    found = libraries(shared), libraries(own)
    monkeypatch.setattr(blas_limit, "_libraries", lambda: found)
    monkeypatch.setattr(blas_limit, "_shared", BlasLimit(lambda: found[0]))


@pytest.mark.parametrize("is_after", [False, True])
def test_an_interrupt_of_any_call_gives_back_what_was_found(monkeypatch, is_after):
    n_interrupts = 0
    for which, at in ((which, at) for which in range(2) for at in range(8)):
        fakes = [FakeLibrary(2), FakeLibrary(3)]
        fakes[which].interrupted_at, fakes[which].is_after = at, is_after
        as_loaded(monkeypatch, shared=fakes)
        try:
            one_blas_thread(lambda: None)()
        except KeyboardInterrupt:
            n_interrupts += 1
        fakes[which].interrupted_at = -1
        assert [fake.read() for fake in fakes] == [2, 3]
        seen = one_blas_thread(lambda fakes=fakes: [fake.read() for fake in fakes])()
        assert seen == [1, 1]  # and the next finds everything as it should be
        assert [fake.read() for fake in fakes] == [2, 3]
    assert n_interrupts >= 8


@pytest.mark.parametrize("is_within", [False, True])
def test_where_each_thread_has_its_own_limit_those_that_work_on_parts_keep_to_one_too(monkeypatch, is_within):
    library, blas = OwnOfEachThread(), FakeLibrary(4)
    as_loaded(monkeypatch, shared=[blas], own=[library])
    rows = RowsInMemory(X, CODES, tuning=Tuning(long_pass=1, least_rows=100, most_rows=100))
    seen, afterwards = [], []

    def statistic(block):
        seen.append((threading.get_ident(), library.read(), blas.read()))
        return (block.X.sum(axis=0),)

    def work():
        return rows.sum(statistic)

    (one_blas_thread(work) if is_within else work)()
    assert {(own, shared) for _, own, shared in seen} == {(1, 1)}
    assert threading.get_ident() not in {thread for thread, _, _ in seen}
    thread = threading.Thread(target=lambda: afterwards.append(library.read()))
    thread.start()
    thread.join()
    assert [library.read(), blas.read(), *afterwards] == [4, 4, 4]


def test_without_a_library_that_can_be_told_everything_works_in_one_thread(monkeypatch):
    as_loaded(monkeypatch)
    rows = RowsInMemory(X, CODES, tuning=Tuning(long_pass=1, least_rows=100, most_rows=100))
    threads = set()
    total = one_blas_thread(rows.sum)(lambda block: threads.add(threading.get_ident()) or (block.X.sum(axis=0),))
    np.testing.assert_allclose(total[0], X.sum(axis=0))
    assert threads == {threading.get_ident()}
