import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from softglm import SoftmaxGLM
from softglm.data import RowsInMemory, blas_as_found, one_blas_thread
from softglm.families import Categorical
from softglm.fit import fit
from softglm.model import Ridge
from softglm.tuning import Tuning

BLAS = ThreadpoolController().select(user_api="blas").lib_controllers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 5))
CODES = RNG.integers(0, 3, size=len(X)).astype(np.int32)


# Short passes count as long ones, and blocks are small.
LONG_PASSES = Tuning(long_pass=1, least_rows=100, most_rows=100)


def threads_now():
    return [library.num_threads for library in BLAS]


inside = one_blas_thread(threads_now)


def test_blas_has_one_thread_inside_and_its_own_again_outside():
    with threadpool_limits(2):
        before = threads_now()
        assert one_blas_thread(lambda: (threads_now(), inside(), threads_now()))() == ([1] * len(BLAS),) * 3
        assert threads_now() == before


def test_what_users_have_called_sees_blas_as_it_was():
    with threadpool_limits(2):
        before = threads_now()
        seen = one_blas_thread(lambda: (inside(), blas_as_found(threads_now)(), threads_now()))()
        assert seen == ([1] * len(BLAS), before, [1] * len(BLAS))
        assert threads_now() == before


@pytest.mark.parametrize("wrap", [lambda work: work, blas_as_found, one_blas_thread])
def test_an_error_inside_leaves_blas_as_it_was(wrap):
    def fail():
        raise ZeroDivisionError

    with threadpool_limits(2):
        before = threads_now()
        with pytest.raises(ZeroDivisionError):
            one_blas_thread(wrap(fail))()
        assert threads_now() == before


def test_fits_in_several_threads_leave_blas_as_it_was():
    with threadpool_limits(2):
        before = threads_now()
        fits = [threading.Thread(target=lambda: SoftmaxGLM().fit(X, CODES)) for _ in range(4)]
        for one in fits:
            one.start()
        for one in fits:
            one.join()
        assert threads_now() == before


def test_the_result_has_the_same_bits_whatever_the_number_of_threads():
    fitted = []
    for n_threads in (1, 2, 5):
        with threadpool_limits(n_threads):
            rows = RowsInMemory(X, CODES, tuning=LONG_PASSES)
            fitted.append(fit(rows, Categorical(3), Ridge.on_coefficients(1e-3, 5, fit_intercept=True), tol=1e-10))
    for other in fitted[1:]:
        np.testing.assert_array_equal(other.coef, fitted[0].coef)
        assert other.loss == fitted[0].loss


def test_parts_are_worked_on_by_several_threads_and_come_in_order():
    rows = RowsInMemory(X, CODES, tuning=LONG_PASSES)
    meeting = threading.Barrier(2, timeout=10.0)

    def statistic(block):
        if block.X is first or block.X is last:
            meeting.wait()  # would wait for ever in a single thread
        return (block.X.T.copy(),)

    blocks = []
    list(rows.map(lambda block: blocks.append(block) or ()))
    # The first blocks of the first two of eight parts.
    first, last = blocks[0].X, blocks[len(blocks) // 8].X
    with threadpool_limits(2):
        if max(threads_now(), default=1) < 2:
            pytest.skip("BLAS has no threads that can be told")
        (found,) = rows.concatenate(statistic)
    np.testing.assert_array_equal(found.T, X)


def test_threads_pass_on_errors_and_how_arithmetic_errors_are_treated():
    rows = RowsInMemory(X, CODES, tuning=LONG_PASSES)

    def overflowing(block):
        return (block.X.sum(keepdims=True)[0] * 0.0 + np.exp(np.full(1, 1e4)),)

    with threadpool_limits(2), warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="ignore"):
            assert np.isinf(rows.sum(overflowing)[0]).all()
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            rows.sum(overflowing)


def test_a_fit_while_the_interpreter_shuts_down():
    code = (
        "import atexit, numpy as np\n"
        "from softglm import SoftmaxGLM\n"
        "X = np.random.default_rng(0).normal(size=(60_000, 40))\n"
        "atexit.register(lambda: print(SoftmaxGLM().fit(X, X[:, 0] > 0.1 * X[:, 1]).converged_))\n"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert done.stdout == "True\n"
