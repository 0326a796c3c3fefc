"""Partitions are checked as arrays are, each where it is: the first at fault is named, and in it the column."""

import numpy as np
import pandas as pd
import pytest
from clusters import OnCluster
from scipy import sparse

from softglm import SeparationWarning, SoftmaxGLM, infer

N, LENGTHS = 90, (30, 30, 30)
# Two fits that are both proved to 1e-8 of the gap are about its root apart.
FITTED = {"rtol": 1e-4, "atol": 1e-4}


def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 3)), rng.integers(3, size=N)


def with_entry(values, row, entry):
    changed = values.astype(float)
    changed[row] = entry
    return changed


def message_of(X, y, sample_weight=None, offset=None):
    with pytest.raises(ValueError, match="Partition") as told:
        SoftmaxGLM().fit(OnCluster(X, y, sample_weight, offset, lengths=LENGTHS))
    return str(told.value)


def test_what_is_no_number_is_told_by_partition_and_column_the_lowest_first():
    X, y = rows()
    X = with_entry(with_entry(with_entry(X, (80, 0), np.nan), (47, 2), np.nan), (40, 1), np.inf)
    message = message_of(X, y)
    assert message.startswith("Partition 1: X contains infinity in the column 1, in 1 of 30 rows, the first at row 10")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    assert "in the column 'b'" in message_of(frame, y)
    assert "in the column 1" in message_of(sparse.csr_array(X), y)


def test_text_in_a_frame_is_told_by_its_column():
    X, y = rows()
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(d="x")
    assert message_of(frame, y).startswith("Partition 0: X holds text in column 'd'")


@pytest.mark.parametrize(
    ("what", "given", "words"),
    [
        ("y", lambda y: with_entry(y, 70, np.nan), "Partition 2: Input y contains NaN"),
        ("sample_weight", lambda y: with_entry(y, 35, -1.0), "Partition 1: sample_weight has negative values"),
        ("sample_weight", lambda y: with_entry(y, 35, np.inf), "Partition 1: Input sample_weight contains infinity"),
        ("offset", lambda y: np.zeros((len(y), 2)), "Partition 0: offset has shape (30, 2), expected (30, 3)"),
        ("offset", lambda _: with_entry(np.zeros((N, 3)), 3, np.nan), "Partition 0: Input offset contains NaN"),
        ("sample_weight", lambda y: y[:-1], "Partition 2: sample_weight has 29 rows there, and X has 30"),
    ],
)
def test_what_is_beside_x_is_told_by_partition(what, given, words):
    X, y = rows()
    everything = {"y": y} | {what: given(y)}
    assert words in message_of(X, **everything)


class Mixed:
    """Parts that are not alike, as what is sliced like an array."""

    def __init__(self, *parts):
        self.parts, self.shape = parts, (N, 3)

    def __getitem__(self, rows):
        return self.parts[rows.start // 30]


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (lambda X: Mixed(X[:30], X[:30, :2], X[:30]), lambda y: y, "Partition 1 has columns in X: 2, expected 3"),
        (lambda X: Mixed(X[:30], X[:30], sparse.csr_array(X[:30])), lambda y: y, "Partition 2 has X: sparse"),
        (
            lambda X: Mixed(*(pd.DataFrame(X[:30], columns=list(names)) for names in ("abc", "abc", "acb"))),
            lambda y: y,
            "Partition 2 has names of columns: ['a', 'c', 'b']",
        ),
        (lambda X: X, lambda y: Mixed(y[:30], y[:30].astype(str), y[:30]), "Partition 1 has labels: text, expected"),
        (lambda X: X, lambda y: Mixed(y[:30], np.full((30, 3), 0.2), y[:30]), "Partition 1 has y: counts, expected"),
    ],
)
def test_partitions_are_alike(X, y, words):
    features, labels = rows()
    assert words in message_of(X(features), y(labels))


def test_whole_numbers_that_no_type_holds_together_are_no_labels():
    X, y = rows()
    unsigned = y[:30].astype(np.uint64) + np.uint64(2**63)
    with pytest.raises(ValueError, match="y has whole numbers as int64 and as uint64"):
        SoftmaxGLM().fit(OnCluster(X, Mixed(unsigned, -y[:30], -y[:30]), lengths=LENGTHS))


def test_empty_partitions_are_nothing():
    X, y = rows()
    there = SoftmaxGLM().fit(OnCluster(X, y, lengths=(0, 40, 0, 50, 0)))
    np.testing.assert_allclose(there.coef_, SoftmaxGLM().fit(X, y).coef_, **FITTED)
    with pytest.raises(ValueError, match="None of the 1 partitions has a row"):
        SoftmaxGLM().fit(OnCluster(X[:0], y[:0], lengths=(0,)))


def test_classes_may_be_in_one_partition_only_and_rows_of_no_weight_in_all_of_one():
    X, y = rows()
    y, weights = np.sort(y), np.r_[np.zeros(30), np.ones(60)]
    for given in ((X, y, None), (X, rows()[1], weights)):
        there = SoftmaxGLM().fit(OnCluster(*given, lengths=LENGTHS))
        np.testing.assert_allclose(there.coef_, SoftmaxGLM().fit(*given).coef_, **FITTED)


def test_separation_by_several_columns_is_found_there_too():
    X, y = rows()
    X[:, 2] = ((y == 2) & (np.arange(N) % 3 == 0)) - X[:, 1]  # their sum is a dummy of one class alone
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(OnCluster(X, y, lengths=LENGTHS))
    assert model.status_.startswith("separated")


def test_labels_are_whatever_they_are_in_memory():
    X, y = rows()
    for labels in (np.array(["low", "mid", "highest"])[y], np.array(["low", "mid", "highest"], object)[y], y > 0):
        there, here = SoftmaxGLM().fit(OnCluster(X, labels, lengths=LENGTHS)), SoftmaxGLM().fit(X, labels)
        assert there.classes_.tolist() == here.classes_.tolist()
        np.testing.assert_allclose(there.coef_, here.coef_, **FITTED)


def test_names_of_columns_are_learnt_and_asked_for_again():
    X, y = rows()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = SoftmaxGLM(0).fit(OnCluster(frame, y, lengths=LENGTHS))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert infer(model, OnCluster(frame, y, lengths=LENGTHS)).features == ("a", "b", "c")
    with pytest.raises(ValueError, match="Partition 0: The feature names should match"):
        infer(model, OnCluster(frame[["b", "a", "c"]], y, lengths=LENGTHS))


def test_y_of_other_classes_than_those_of_the_fit_is_told():
    X, y = rows()
    model = SoftmaxGLM(0).fit(X, y)
    with pytest.raises(ValueError, match="y has the classes \\[0, 1\\], and the model was fitted on \\[0, 1, 2\\]"):
        infer(model, OnCluster(X, y % 2, lengths=LENGTHS))


def test_clusters_that_are_missing_are_told():
    X, y = rows()
    clusters = np.array(["a", "b", None], dtype=object)[y]
    with pytest.raises(ValueError, match="Partition 0: clusters has missing labels"):
        infer(SoftmaxGLM(0).fit(X, y), OnCluster(X, y), covariance="cluster", clusters=clusters)
    clusters = np.arange(N) // 7
    weights = np.where(clusters == 3, 0.0, 1.0)
    results = [
        infer(SoftmaxGLM(0).fit(X, y, weights), *given, covariance="cluster", clusters=clusters)
        for given in ((OnCluster(X, y, weights),),)
    ]
    here = infer(SoftmaxGLM(0).fit(X, y, weights), X, y, sample_weight=weights, covariance="cluster", clusters=clusters)
    assert results[0].covariance.n_clusters == here.covariance.n_clusters
