"""A process for each solver: its memory and its threads are its own, and it can be stopped in mid-fit."""

import gc
import multiprocessing
import os
import signal
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.objective import find_reference, value
from benchmarks.timing import quiet, seconds_of

# The rows are inherited, not sent. Nothing but NumPy runs in the parent, whose threads a fork would not survive.
_FORK = multiprocessing.get_context("fork")
_PREPARE_SECONDS = 600.0
MOST_CALLS = 20
DEFAULT_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Timed:
    """Fits at one tolerance: the median seconds, and f at the solution."""

    seconds: float
    value: float


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The solver was still running when its time was up."""


class Failed(Exception):  # noqa: N818
    """The solver raised; the message is its own."""


class Worker:
    """One solver on one problem."""

    def __init__(self, problem, rival, threads):
        self._pipe, theirs = _FORK.Pipe()
        arguments = (theirs, problem, rival, threads, os.getpid())
        self._process = _FORK.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._answer(_PREPARE_SECONDS)
        except (Stopped, Failed):
            self.stop()
            raise

    def fit(self, tol, limit, budget=0.0):
        """Return `Timed` fits at a tolerance; raise Stopped if one takes longer than the limit, in seconds."""
        self._pipe.send(("fit", tol, budget))
        self._answer(limit if not budget else 2.0 * (limit + budget))
        return self._answer(_PREPARE_SECONDS)

    def reference(self, limit):
        """Return the minimum, found by softglm and checked."""
        return self._ask(("reference",), limit)

    def facts(self, limit):
        """Return what softglm says about its fit at the default tolerance."""
        return self._ask(("facts",), limit)

    def _ask(self, request, limit):
        self._pipe.send(request)
        return self._answer(limit)

    def _answer(self, limit):
        if not self._pipe.poll(limit):
            self.stop()
            raise Stopped
        try:
            kind, answer = self._pipe.recv()
        except EOFError:
            self.stop()
            raise Failed("the process died, of memory perhaps") from None
        if kind == "error":
            raise Failed(answer)
        return answer

    def stop(self):
        """End the process, and R with it."""
        if self._process.is_alive():
            # The worker leads a group of its own, in which only it and its R are.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()
        self._pipe.close()


def _serve(pipe, problem, rival, threads, parent):
    os.setsid()
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads), quiet():
        try:
            rival.prepare(problem, threads)
            _warm(problem, rival)
            gc.collect()
            gc.freeze()  # what is loaded by now is not searched again before every fit
            pipe.send(("ready", None))
        except Exception:  # noqa: BLE001 - whatever a rival raises is reported
            pipe.send(("error", _last_line()))
            return
        while True:
            try:
                request = pipe.recv()
            except EOFError:
                break
            try:
                for answer in _ACTIONS[request[0]](problem, rival, *request[1:]):
                    pipe.send(("answer", answer))
            except Exception:  # noqa: BLE001
                pipe.send(("error", _last_line()))
    if hasattr(rival, "close"):
        rival.close()


def _die_with(parent):
    """End this group once the parent is gone, however it ended: other workers may hold its end of the pipe open."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.killpg(0, signal.SIGKILL)


def _last_line():
    return traceback.format_exc().strip().splitlines()[-1]


def _warm(problem, rival):
    """Make a tiny fit, so that what happens once per process is not timed. R has its rows already."""
    if hasattr(rival, "close"):
        return
    tiny = np.concatenate([np.flatnonzero(problem.y == k)[:3] for k in range(problem.n_classes)])
    rival.fit(type(problem)(problem.X[tiny][:, :5], problem.y[tiny], problem.n_classes, 1.0), 1e-1)


def _fit(problem, rival, tol, budget):
    """Yield the seconds, at which the parent looks at its watch, and then what the solution is worth."""
    gc.collect()
    taken, fitted = [], None
    while not taken or (sum(taken) < budget and len(taken) < MOST_CALLS):
        seconds, fitted = seconds_of(lambda: rival.fit(problem, tol))
        taken.append(seconds if fitted.seconds is None else fitted.seconds)
    yield median(taken)
    yield Timed(median(taken), value(problem, fitted.coef, fitted.intercept))


def _facts(problem, rival):
    model = rival.model(problem, DEFAULT_TOLERANCE)
    yield {
        "converged": bool(model.converged_),
        "gap_kind": model.gap_kind_,
        "iterations": int(model.n_iter_[0]),
        "evaluations": int(model.n_evaluations_),
        "passes": int(model.n_passes_),
        "status": model.status_,
        "value": value(problem, model.coef_, model.intercept_),
    }


def _reference(problem, _):
    yield find_reference(problem)


_ACTIONS = {"fit": _fit, "facts": _facts, "reference": _reference}
