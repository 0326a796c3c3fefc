"""A cluster in this process, for what is said of clusters of any kind: workers that hold shards, answer and die."""

import pickle

import numpy as np

from softglm.distributed import Engine
from softglm.sources import Source
from softglm.sources.observed_on_cluster import ObservedOnCluster
from softglm.sources.partition import ReadPartition


class ClusterHere(Engine):
    """Workers with names, each of which holds every so manieth shard; what is sent is pickled, there and back.

    Parameters
    ----------
    n_workers : int
    deaths : iterable of int, default=()
        Of the messages sent, from 0, those over which their worker dies: its shards are then held by the next one.
    comes_back : bool, default=True
        Whether another worker takes its place.
    n_silences : int, default=0
        How often nobody says who holds what, each time after a message.
    """

    patience, n_attempts = 0.0, 3

    def __init__(self, n_workers=2, deaths=(), *, comes_back=True, n_silences=0):
        self.workers = {f"worker-{number}": set() for number in range(n_workers)}
        self.messages, self.deaths, self.comes_back = [], set(deaths), comes_back
        self._shards, self._answers, self._n_silences = [], {}, n_silences

    def load(self, make, *columns):
        names, handles = list(self.workers), []
        for row in zip(*columns, strict=True):
            self._shards.append(make(*(self._shards[part.place] if isinstance(part, Here) else part for part in row)))
            handles.append(Here(len(self._shards) - 1))
            self.workers[names[len(handles) % len(names)]].add(handles[-1].place)
        return handles

    def holders(self, handles):
        if self.messages and self._n_silences:
            self._n_silences -= 1
            return {}
        return {
            name: [position for position, handle in enumerate(handles) if handle.place in held]
            for name, held in self.workers.items()
        }

    def run(self, worker, work, handles):
        self.messages.append((worker, len(handles)))
        answer = Here(len(self.messages) - 1)
        if answer.place in self.deaths:
            left = self.workers.pop(worker)
            if self.comes_back:
                self.workers[f"{worker}'"] = left
            elif self.workers:
                next(iter(self.workers.values())).update(left)
            return answer
        work = pickle.loads(pickle.dumps(work))  # noqa: S301 - our own
        self._answers[answer] = pickle.dumps(work([self._shards[handle.place] for handle in handles], 2))
        return answer

    def gather(self, answers, seconds):  # noqa: ARG002 - they have come, or never will
        return {
            position: pickle.loads(self._answers.pop(answer))  # noqa: S301 - our own
            for position, answer in enumerate(answers)
            if answer in self._answers and not self._n_silences
        }


class Here(int):
    """What stands for a shard, or an answer: its place."""

    @property
    def place(self):
        return int(self)


class OnCluster(Source):
    """Arrays in partitions of these lengths, on a cluster in this process."""

    def __init__(self, X, y, sample_weight=None, offset=None, *, lengths=(70, 0, 50, 41), engine=None):
        ends = np.cumsum(lengths)
        self._ends, self.engine = [*ends[ends < X.shape[0]], X.shape[0]], engine or ClusterHere()
        self._columns = [self.split("", part) for part in (X, y, sample_weight, offset)]

    def split(self, name, given):  # noqa: ARG002 - they are as long as X
        if given is None:
            return [None] * len(self._ends)
        return [given[first:last] for first, last in zip([0, *self._ends[:-1]], self._ends, strict=True)]

    def observe(self, *, class_weight, estimator, fitted_classes=None):
        read = ReadPartition(estimator, is_fit=fitted_classes is None)
        partitions = self.engine.load(read, range(len(self._ends)), *self._columns)
        return ObservedOnCluster(
            self.engine, partitions, self.split, class_weight=class_weight, fitted_classes=fitted_classes
        )

    def predictions(self, model, method):
        raise NotImplementedError

    def totals(self, model, method):
        raise NotImplementedError
