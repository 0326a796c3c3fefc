"""In which order the answers of many shards are combined: the same, whoever combines them.

Rounding makes sums depend on their order. So the shards are the leaves of a binary tree, which their number alone
determines, and an entry is always combined with its neighbour: a worker combines what lies side by side among its own,
and whoever collects the answers of the workers combines the rest. The bits are the same whatever shards each of them
held; and a worker that holds a run of neighbours sends few entries instead of one for each.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

Entry = TypeVar("Entry")


class Node(NamedTuple):
    """A place in the tree: node k of a level covers the leaves from k 2**level on, 2**level of them or what is left."""

    level: int
    position: int


def combined_in_tree(
    entries: Mapping[Node, Entry], n_leaves: int, combine: Callable[[Entry, Entry], Entry]
) -> dict[Node, Entry]:
    """Combine neighbours as far up as the given entries allow; with all leaves the root is left, ``Node(depth, 0)``.

    Parameters
    ----------
    entries : mapping
        Of leaves, ``Node(0, shard)``, or of nodes higher up, none below another.
    n_leaves : int
    combine : callable
        Of two entries, the one of the lower leaves first. It may overwrite the first.
    """
    left, width, level = dict(entries), n_leaves, 0
    while width > 1:
        for node in [node for node in left if node.level == level and node.position % 2 == 0]:
            above, beside = Node(level + 1, node.position // 2), Node(level, node.position + 1)
            if beside.position == width:  # the last of an odd number has no neighbour
                left[above] = left.pop(node)
            elif beside in left:
                left[above] = combine(left.pop(node), left.pop(beside))
        width, level = (width + 1) // 2, level + 1
    return left


def depth_of(n_leaves: int) -> int:
    """Return how many levels there are above the leaves."""
    return (n_leaves - 1).bit_length()
