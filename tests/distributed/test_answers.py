"""Every shard is worked on once, whoever dies; and who waits in vain is told so."""

from dataclasses import dataclass

import numpy as np
import pytest
from clusters import ClusterHere

from softglm.distributed import ClusterError
from softglm.distributed.answers import answers

N_SHARDS = 7


def number(position):
    return position


@dataclass(frozen=True)
class Listed:
    def __call__(self, shards, n_threads):
        assert n_threads > 0
        return list(shards)


def listed(engine):
    handles = engine.load(number, range(N_SHARDS))
    return sorted(shard for answer in answers(engine, Listed(), handles) for shard in answer)


@pytest.mark.parametrize("n_workers", [1, 2, 3, 9])
def test_each_worker_that_holds_shards_is_sent_one_message(n_workers):
    engine = ClusterHere(n_workers)
    assert listed(engine) == list(range(N_SHARDS))
    assert len(engine.messages) == min(n_workers, N_SHARDS)


@pytest.mark.parametrize("deaths", [[0], [1], [0, 1], [0, 2], [1, 2, 3]])
@pytest.mark.parametrize("comes_back", [True, False])
def test_shards_of_a_worker_that_dies_are_worked_on_elsewhere(deaths, comes_back):
    engine = ClusterHere(4, deaths, comes_back=comes_back)
    assert listed(engine) == list(range(N_SHARDS))
    assert len(engine.messages) >= 4


def test_work_that_kills_worker_after_worker_ends():
    engine = ClusterHere(1, range(100))
    with pytest.raises(ClusterError, match="died 4 times while they worked on partition 0, expected at most 3"):
        listed(engine)
    assert len(engine.messages) == 4


def test_nobody_is_waited_for_longer_than_there_is_patience():
    engine = ClusterHere(2, range(2), comes_back=False)
    with pytest.raises(
        ClusterError, match=r"No worker has answered for 0 seconds, and the partitions .* Start workers"
    ):
        listed(engine)


def test_a_silent_scheduler_is_no_death():
    engine = ClusterHere(2, n_silences=9)
    engine.patience = 60.0
    assert listed(engine) == list(range(N_SHARDS))
    assert len(engine.messages) == 2


def test_a_shard_held_twice_is_worked_on_once():
    engine = ClusterHere(3)
    handles = engine.load(number, range(N_SHARDS))
    for held in engine.workers.values():
        held.update(handles)
    found = np.concatenate(answers(engine, Listed(), handles))
    assert sorted(found.tolist()) == list(range(N_SHARDS))
