"""A timer sends SIGINT, at any instant of what limits BLAS and of fits: the limits are as they were at once."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from blas import SMALL, limits

from softglm import SoftmaxGLM
from softglm.data import one_blas_thread

# Of each kind of work: tries, and seconds until the interrupt at most.
nothing = one_blas_thread(lambda: None)
KINDS = (
    (lambda: [nothing() for _ in range(1000)], 800, 2e-3),
    (lambda: [SoftmaxGLM().fit(*SMALL) for _ in range(20)], 500, 4e-3),
)

draw = np.random.default_rng(0)
before, n_interrupts, changed = limits(), 0, []
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born ignoring it
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
for work, n_tries, latest in KINDS:
    work()
    for _ in range(n_tries):
        try:
            signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-6, latest))
            work()
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        except KeyboardInterrupt:
            n_interrupts += 1
        if limits() != before:
            changed.append(limits())
with ThreadPoolExecutor(1) as other:  # nobody has kept a lock
    other.submit(SoftmaxGLM().fit, *SMALL).result(timeout=60.0)
assert not changed, (before, changed)
sys.stdout.write(str(n_interrupts))
