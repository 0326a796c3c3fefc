"""What a fit asks of a cluster: four methods, behind which there may be any library."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Handle: TypeAlias = Any
"""What stands here for something that lives on a worker. Only its engine knows what it is."""

Work: TypeAlias = Callable[[Sequence[Any], int], Any]
"""Called where shards are, as ``work(shards, n_threads)``. It is pickled: a frozen dataclass."""


class ClusterError(RuntimeError):
    """A cluster cannot go on: its workers or its scheduler are gone, or what they held is; the message says what to do.

    A worker that dies is none: its partitions are read again by others, or by the one that comes in its place, and the
    fit goes on to the same bits. Where none is left a fit waits for some, 60 seconds, or as many as
    ``dask.config.set({"softglm.patience": seconds})`` says. A worker that is stopped, and not dead, is waited for until
    its scheduler gives it up: set ``distributed.scheduler.worker-ttl`` of Dask, 5 minutes by default. Work that kills
    its workers ends after as many deaths as ``distributed.scheduler.allowed-failures`` allows.

    Examples
    --------
    >>> from softglm import ClusterError
    >>> issubclass(ClusterError, RuntimeError)
    True
    """


class Engine(ABC):
    """A cluster of workers, each with memory and threads of its own.

    What is loaded stays with the cluster: when a worker dies, what it held is made again from where it came, by the
    engine, on another worker or on one that comes in its place. What was being worked on is not: `answers` asks again.

    Attributes
    ----------
    patience : float
        For how many seconds there may be no worker before it is given up.
    n_attempts : int
        How often a worker may die over the same shard before that is what it dies of.
    """

    patience: float
    n_attempts: int

    @abstractmethod
    def load(self, make: Callable[..., Any], *columns: Sequence[Any]) -> list[Handle]:
        """Begin to make a shard of each row of these columns, and keep it in the memory of some worker.

        Parameters
        ----------
        make : callable
            Importable, called with an entry of each column.
        columns : sequences of the same length
            Values, handles, or what the engine reads data from.
        """

    @abstractmethod
    def holders(self, handles: Sequence[Handle]) -> Mapping[str, Sequence[int]]:
        """Return the workers that hold some of these now, and which, by position; if nobody does, those there are.

        Those that are still being made, or made again, are held by nobody. No workers if the cluster does not answer.

        Raises
        ------
        ClusterError
            If one of them will never be.
        """

    @abstractmethod
    def run(self, worker: str, work: Work, handles: Sequence[Handle]) -> Handle:
        """Send work to a worker that holds these, in one message, and return what stands for its answer."""

    @abstractmethod
    def gather(self, answers: Sequence[Handle], seconds: float) -> Mapping[int, Any]:
        """Return the answers that have come, by position, as soon as there are some: after so many seconds, none.

        An answer that its worker took along when it died does not come.

        Raises
        ------
        Exception
            What the work has raised.
        """
