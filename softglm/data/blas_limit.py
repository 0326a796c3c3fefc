"""How BLAS is kept to one thread, and why by a limit on the whole process.

With another number of threads OpenBLAS rounds otherwise, in products from 64 x 10 x 1024 on and in every decomposition
of a hundred columns: the shapes of products cannot make the bits. And it has no limit for one thread: its
`openblas_set_num_threads_local` sets the process's. Only where it is built with OpenMP each thread has its own.

So that nobody notices:

- The limit is set by the library's own function. threadpoolctl from 3.8 on obeys one thread, the first to ask, until
  that one is done: elsewhere a fit would set nothing, and after a fit that kept the word nobody else would.
- What was found is given back where the limit still is ours, 1; what others have set since then stays.
- Another thread's `threadpool_limits` may begin meanwhile, and will return to the 1 that it finds. threadpoolctl from
  3.8 on tells whose limits are in force: such a guest keeps what it asked for when we are done, and what we had found
  is given back when it is done. Two things cannot be seen: a guest of an older threadpoolctl, and one that has read our
  1 but not yet set its own limit at the instant when the last fit ends. These leave BLAS at 1.
- What others set while a fit runs is taken again before its next long pass, so that its bits stay the same; what is
  computed until then may round otherwise.
- An interrupt may come at any instruction, also of what cleans up: what is found is noted before it is changed, and
  giving back can be repeated and finished by whoever comes next.
- A fork copies one thread: in the child the windows of the others are closed.

A window in a window, as a fit has them, costs 4 microseconds: what one cost through threadpoolctl 3.8, and a seventh of
what it cost through 3.1.
"""

import contextlib
import ctypes
import os
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import product
from threading import RLock, Thread, current_thread, get_ident, local
from typing import NamedTuple, Protocol, final

from threadpoolctl import ThreadpoolController

# Seconds between looks whether a guest is done: at first, and where it stays.
_SOON, _LATE = 0.005, 0.1


class Library(NamedTuple):
    """How the number of threads of one BLAS is read and set."""

    read: Callable[[], int]
    write: Callable[[int], object]


class Libraries(NamedTuple):
    """Libraries that are limited alike, and what returns the thread whose limits are in force, where that is told."""

    each: Sequence[Library]
    holder: Callable[[], Thread | None] | None = None


@final
class BlasLimit:
    """Libraries kept to one thread while a window is open: the last to close gives back what was found.

    Parameters
    ----------
    find : callable
        Returns the `Libraries`; asked when the first window is opened, since only then all are loaded.
    """

    def __init__(self, find: Callable[[], Libraries]) -> None:
        self._find = find
        self._windows: dict[object, int] = {}
        # What a library gets back, by its position.
        self._found: dict[int, int] = {}
        # Whose limits were in force when the first window was opened, and whose came since. With a guest, `_found` is
        # what it asked for, and `_owed` what there was before.
        self._host: Thread | None = None
        self._guest: Thread | None = None
        self._owed: dict[int, int] = {}
        # What there was when nobody's limits were in force, and whether another number came since the first window.
        self._alone: dict[int, int] = {}
        self._has_changed = False
        self._is_taken = self._is_awaiting = False
        self.lock = RLock()  # the handler of a signal may fit, too

    @property
    def n_threads(self) -> int:
        """How many threads BLAS has, or had when the first window was opened."""
        numbers = (max(library.read(), self._found.get(which, 1)) for which, library in enumerate(self._find().each))
        return max(numbers, default=1)

    def is_open_here(self) -> bool:
        """Whether this thread has opened a window."""
        return get_ident() in list(self._windows.values())

    def windows_of_this_thread(self) -> list[object]:
        return [window for window, thread in list(self._windows.items()) if thread == get_ident()]

    def open(self, window: object) -> None:
        with self.lock:
            self._notice()
            self._windows[window] = get_ident()
            self._take()

    def renew(self) -> None:
        """Keep BLAS to one thread again, if a window is open."""
        if self._windows:
            with self.lock:
                self._notice()
                if self._windows:
                    self._take()

    def close(self, window: object) -> None:
        """Close a window, or finish what an interrupt left of it, or do nothing."""
        if window not in self._windows and not self._is_taken:
            return
        with self.lock:
            self._notice()
            self._windows.pop(window, None)
            if not self._windows:
                self._give_back()

    def close_those_of_others(self) -> None:
        """Close the windows of all threads but this one, which a fork has left behind."""
        self._is_awaiting = False
        self._windows = dict.fromkeys(self.windows_of_this_thread(), get_ident())
        if self._guest is not None and self._guest is not current_thread():
            self._part()
        if not self._windows:
            self._give_back()

    def _take(self) -> None:
        libraries = self._find()
        if self._is_taken and libraries.holder is None:
            return  # another number can be what a guest asked for as well as what a host returned to
        for which, library in enumerate(libraries.each):
            number = library.read()
            if number != 1:
                self._has_changed |= self._is_taken
                self._found[which] = number
                library.write(1)
        self._is_taken = True

    def _give_back(self) -> None:
        for which, library in enumerate(self._find().each):
            if which in self._found:
                if library.read() == 1:
                    library.write(self._found[which])
                self._found.pop(which, None)
        if self._guest is not None and not self._is_awaiting:
            with contextlib.suppress(RuntimeError):  # the interpreter is shutting down, and starts no more threads
                Thread(target=self._await_guest, name="softglm-limits", daemon=True).start()
                self._is_awaiting = True
        self._is_taken = False

    def _notice(self) -> None:
        """See whose limits came and went."""
        tell = self._find().holder
        if tell is None:
            return
        holder = tell()
        if self._guest is not None and holder is not self._guest:
            self._part()
        elif self._guest is not None and not self._guest.is_alive():
            self._guest = None  # it ended without an end of its limits: they were meant to stay
        if not self._windows:
            self._host, self._has_changed = holder, False
            if holder is None and not self._is_taken:
                self._alone = {which: library.read() for which, library in enumerate(self._find().each)}
        elif holder is not self._host:
            if self._host is not None and not self._has_changed:
                # It has returned to what there is now, 1; or it had returned before, or came to a 1 that was ours.
                self._found = dict(self._alone)
            self._host = None
            if holder is not None and self._guest is None and holder.is_alive():
                self._owed, self._found, self._guest = self._found, {}, holder

    def _part(self) -> None:
        # The guest has returned to the 1 that it came to.
        self._found, self._guest = self._owed, None

    def _await_guest(self) -> None:
        pause = _SOON
        while True:
            time.sleep(pause)
            pause = min(2.0 * pause, _LATE)
            with self.lock:
                self._notice()
                if self._guest is None:
                    self._is_awaiting = False
                    if not self._windows:
                        self._give_back()
                    return


class _Controller(Protocol):
    """What threadpoolctl has of a library."""

    filepath: str
    internal_api: str
    num_threads: int

    def set_num_threads(self, num_threads: int) -> object: ...


@cache
def _libraries() -> tuple[Libraries, Libraries]:
    """Return the BLAS libraries with a limit of the process, and those in which each thread has its own."""
    shared, own = list[_Controller](), list[Library]()
    for controller in ThreadpoolController().select(user_api="blas").lib_controllers:
        if getattr(controller, "threading_layer", None) == "openmp":
            functions = _functions(controller, [("omp_get_max_threads", "omp_set_num_threads")])
            if functions is not None:
                own.append(functions)
                continue
        shared.append(controller)
    return Libraries([_library(controller) for controller in shared], _holder(shared)), Libraries(own)


def _library(controller: _Controller) -> Library:
    affixes = product(("", "scipy_"), ("", "64_", "_64"))
    names = [tuple(f"{before}openblas_{do}_num_threads{after}" for do in ("get", "set")) for before, after in affixes]
    functions = _functions(controller, names) if controller.internal_api == "openblas" else None
    return functions or Library(lambda: controller.num_threads, controller.set_num_threads)


def _functions(controller: _Controller, names: Sequence[tuple[str, ...]]) -> Library | None:
    """Return the first pair of functions that a library has."""
    library = ctypes.PyDLL(controller.filepath)  # loaded as it is; a call that keeps the GIL takes a tenth of the time
    for read, write in names:
        if hasattr(library, read) and hasattr(library, write):
            set_number = library[write]
            set_number.argtypes, set_number.restype = [ctypes.c_int], None
            return Library(library[read], set_number)
    return None


def _holder(controllers: Sequence[_Controller]) -> Callable[[], Thread | None] | None:
    """Return what tells the thread whose limits are in force; None where threadpoolctl does not tell."""
    states = {getattr(type(controller), "_SHARED_STATE", None) for controller in controllers}
    state = states.pop() if len(states) == 1 else None
    return partial(getattr, state, "controlling_thread") if hasattr(state, "controlling_thread") else None


_shared = BlasLimit(lambda: _libraries()[0])


class _Here(local):
    """Of each thread."""

    def __init__(self) -> None:
        self.limit = BlasLimit(lambda: _libraries()[1])


_here = _Here()


def own_limits() -> tuple[BlasLimit, ...]:
    """Return what limits BLAS in this thread alone."""
    return (_here.limit,) if _libraries()[1].each else ()


def limits() -> tuple[BlasLimit, ...]:
    """Return all that limits BLAS in this thread, of which the process's comes first."""
    return (_shared, *own_limits())


if hasattr(os, "register_at_fork"):
    # The lock is held meanwhile, so that no thread is in the midst of it; no interrupt comes in between.
    os.register_at_fork(before=_shared.lock.acquire, after_in_child=_shared.close_those_of_others)
    os.register_at_fork(after_in_parent=_shared.lock.release, after_in_child=_shared.lock.release)
