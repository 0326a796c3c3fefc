"""What is combined with what depends on the number of leaves alone, and on nobody who combines."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from softglm.distributed.tree import Node, combined_in_tree, depth_of

SHARES = st.integers(1, 40).flatmap(lambda n: st.lists(st.integers(0, 3), min_size=n, max_size=n))


def order_of(one, other):
    """A combination that tells in which order it was made."""
    return f"({one} {other})"


def leaves(chosen):
    return {Node(0, leaf): str(leaf) for leaf in chosen}


@given(SHARES)
def test_whoever_holds_which_leaves_the_order_is_the_same(holders):
    n_leaves, nodes = len(holders), {}
    for worker in set(holders):
        own = leaves(leaf for leaf, holder in enumerate(holders) if holder == worker)
        nodes |= combined_in_tree(own, n_leaves, order_of)
    ((root, order),) = combined_in_tree(nodes, n_leaves, order_of).items()
    assert root == Node(depth_of(n_leaves), 0)
    assert {root: order} == combined_in_tree(leaves(range(n_leaves)), n_leaves, order_of)
    assert order.replace("(", "").replace(")", "").split() == [str(leaf) for leaf in range(n_leaves)]


@pytest.mark.parametrize(("n_leaves", "order"), [(1, "0"), (3, "((0 1) 2)"), (6, "(((0 1) (2 3)) (4 5))")])
def test_neighbours_are_combined_first(n_leaves, order):
    assert list(combined_in_tree(leaves(range(n_leaves)), n_leaves, order_of).values()) == [order]


def test_a_run_of_neighbours_is_few_nodes():
    assert len(combined_in_tree(leaves(range(3, 61)), 64, order_of)) <= 2 * depth_of(64)
