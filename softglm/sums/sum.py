"""What every sum over rows is: a value that holds arrays and a family, called with a block."""

from abc import ABC, abstractmethod

from softglm.data import Block
from softglm.data.rows import Arrays


class Sum(ABC):
    """What is summed, maximised or joined over blocks of rows.

    A frozen dataclass of arrays, numbers and a family. It never holds rows, nor anything that does: so it pickles to
    little more than its arrays, and can be sent to where the rows are.
    """

    @abstractmethod
    def __call__(self, block: Block) -> Arrays:
        """Return fresh arrays: of shapes that every block shares, or to be joined along the last axis, the rows."""
