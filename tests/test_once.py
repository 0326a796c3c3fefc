import threading
from dataclasses import dataclass

from softglm.once import cached_property


@dataclass(frozen=True)
class Meeting:
    """Two that wait for each other: with a lock of their class they would wait for ever."""

    barrier: threading.Barrier

    @cached_property
    def place(self):
        return self.barrier.wait(timeout=30.0), object()


def test_a_value_is_computed_once_and_the_class_shows_the_property():
    meeting = Meeting(threading.Barrier(1))
    assert meeting.place is meeting.place
    assert isinstance(Meeting.place, cached_property)


def test_instances_do_not_wait_for_each_other():
    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=lambda: Meeting(barrier).place) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not barrier.broken
