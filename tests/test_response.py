"""What y is: one rule says which classes are present, and one which family they are of, whatever form y has."""

import numpy as np
import pandas as pd
import pytest

from softglm.families import Bernoulli, Categorical
from softglm.observations import observe
from softglm.response import base_of, match_response, read_response

RNG = np.random.default_rng(0)
N = 12
X = RNG.normal(size=(N, 2))


def labels(K):
    return np.arange(N) % K


def forms(y):
    """The same observations as labels, words, probabilities, counts and a frame of them."""
    table = np.identity(y.max() + 1)[y]
    names = [f"class {k}" for k in range(table.shape[1])]
    return {
        "labels": y,
        "words": np.array(names)[y],
        "probabilities": table,
        "counts": 3.0 * table,
        "a frame": pd.DataFrame(table, columns=names)[names[::-1]],
    }


FORMS = sorted(forms(labels(3)))
# Classes of which only some have weight: the weights of the rows, and of the classes.
PRESENCE = {
    "all": (None, None),
    "all, weighted": (RNG.uniform(1.0, 2.0, size=N), None),
    "not the last, by its rows": (lambda y: 1.0 * (y < y.max()), None),
    "not the first, by its rows": (lambda y: 1.0 * (y > 0), None),
    "not the first, by its class weight": (None, lambda K: np.where(np.arange(K) == 0, 0.0, 1.0)),
}


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PRESENCE)
def test_a_class_is_present_where_its_weight_is_positive(name, form, K):
    y = labels(K)
    weights, factors = (what(of) if callable(what) else what for what, of in zip(PRESENCE[name], (y, K), strict=True))
    given = forms(y)[form]
    response = read_response(given, np.asarray(given))
    present = response.present(weights, factors)
    totals = np.bincount(y, weights) * (1.0 if factors is None else factors)
    np.testing.assert_array_equal(present, totals > 0.0)
    family = response.family(present)
    assert family == (Bernoulli() if K == 2 else Categorical(max(int(present.sum()), 2)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("weight", "expected"), [(1e-30, False), (1e-17, False), (1e-12, True), (1.0, True)])
def test_of_two_classes_one_has_to_be_seen_beside_the_other(form, weight, expected):
    given = forms(labels(2))[form]
    response = read_response(given, np.asarray(given))
    for rare in (0, 1):
        present = response.present(np.where(labels(2) == rare, weight, 1.0))
        assert present.tolist() == [expected if k == rare else True for k in range(2)]
    of_three = forms(labels(3))[form]
    weights = np.where(labels(3) == 1, weight, 1.0)
    assert read_response(of_three, np.asarray(of_three)).present(weights).all()


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_y_has_the_same_targets(form, K):
    given, everywhere = forms(labels(K))[form], np.ones(K, dtype=bool)
    response = read_response(given, np.asarray(given))
    targets, multiples = response.targets(everywhere, None)
    codes = targets.argmax(axis=1) if targets.ndim == 2 else targets
    np.testing.assert_array_equal(codes, labels(K))
    if form == "counts":
        np.testing.assert_array_equal(multiples, np.full(N, 3.0))
    else:
        assert multiples is None


@pytest.mark.parametrize("form", FORMS)
def test_class_weights_are_on_the_rows_of_labels_and_on_the_columns_of_counts(form):
    given, factors = forms(labels(3))[form], np.array([0.0, 1.0, 2.5])
    names = read_response(given, np.asarray(given)).classes.tolist()
    seen = observe(X, given, None, class_weight=dict(zip(names, factors, strict=True)))
    _, multiples = seen.response.targets(seen.present, seen.factors)
    np.testing.assert_array_equal(multiples, (3.0 if form == "counts" else 1.0) * factors[labels(3)])
    np.testing.assert_array_equal(seen.counted_weights, factors[labels(3)] > 0.0)


@pytest.mark.parametrize("classes", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_labels_are_matched_to_classes_in_any_order_and_strangers_are_known(classes):
    response = match_response([0, 1, 2, 7, -1], np.array(classes), 5)
    assert [None if k < 0 else classes[k] for k in response.codes] == [0, 1, 2, None, None]
    assert response.is_unknown.tolist() == [False, False, False, True, True]


def test_rows_of_counts_know_every_class():
    assert not match_response(np.ones((4, 3)), np.arange(3), 4).is_unknown.any()


@pytest.mark.parametrize(
    ("counts", "expected"),
    [(np.eye(3), False), (np.eye(3) + 1e-12, False), (np.eye(3) / 2.0, True), (np.eye(3) + 0.01, True)],
)
def test_fractions_are_told_from_rounded_counts(counts, expected):
    assert match_response(counts, np.arange(3), 3).holds_fractions is expected


@pytest.mark.parametrize("levels", [["c", "a", "b"], ["b", "c", "a"], ["-", "c", "b", "a"]])
def test_the_base_is_the_first_level_that_occurs_where_levels_have_an_order(levels):
    y, classes = ["a", "b", "c"], np.array(["a", "b", "c"])
    first = next(level for level in levels if level in y)
    ordered = pd.Series(pd.Categorical(y, levels, ordered=True))
    assert base_of(ordered, classes) == (y.index(first), "the first level")
    assert base_of(ordered.to_frame(), classes) == (y.index(first), "the first level")
    assert base_of(pd.Series(pd.Categorical(y, levels)), classes) == (0, "the first in sorted order")
