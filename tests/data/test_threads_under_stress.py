"""Real threads, forks and signals, each in a process of its own: see the scripts in `stress`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Seconds: a deadlock fails, and does not wait for ever.
LONGEST = 240.0
SCRIPTS = Path(__file__).parent / "stress"


def said_by(script, n_threads):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(n_threads), "MKL_NUM_THREADS": str(n_threads)}
    command = [sys.executable, SCRIPTS / script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=LONGEST)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_fits_have_the_same_bits_in_any_thread_beside_others_and_at_any_setting_of_blas():
    assert len({said_by("threads.py", n_threads) for n_threads in (1, 2, 3)}) == 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer that sends signals")
def test_an_interrupt_at_any_instant_leaves_blas_as_it_was():
    assert int(said_by("interrupts.py", 2)) > 500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork")
def test_forks_while_threads_fit_leave_children_that_fit_and_blas_as_it_was():
    assert int(said_by("forks.py", 2)) == 25


@pytest.mark.parametrize("n_threads", [1, 2])
def test_limits_of_other_threads_hold_and_end_whether_they_begin_and_end_before_within_or_after_a_fit(n_threads):
    assert int(said_by("others.py", n_threads)) >= 3
