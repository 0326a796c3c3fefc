"""A two-dimensional y is counts or probabilities; what looks like something else is asked about."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris

from softglm import SoftmaxGLM, detect_separation

RNG = np.random.default_rng(60)
# The share of draws that are taken for codes, at most, and how often each kind of counts is drawn.
FALSE_ALARMS, DRAWS = 0.06, 100


def messages(y):
    """Fit and return what was warned of."""
    X = np.random.default_rng(61).normal(size=(len(y), 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        SoftmaxGLM(tol=1e-3).fit(X, y)
    return [str(warned.message) for warned in caught]


def drawn(shares, n):
    return RNG.choice(len(shares), size=n, p=shares)


SPECIES = load_iris().target
SEX = drawn([0.5, 0.5], 150)
LABELS = {
    "species from 1, sex from 1": np.c_[SPECIES + 1, SEX + 1],
    "species from 0, sex from 1": np.c_[SPECIES, SEX + 1],
    "sex from 1, species from 0": np.c_[SEX + 1, SPECIES],
    "two yes-or-no questions, coded 1 and 2": 1 + np.c_[drawn([0.7, 0.3], 200), drawn([0.4, 0.6], 200)],
    "party, sex and region": 1 + np.c_[drawn([0.4, 0.4, 0.2], 300), drawn([0.5, 0.5], 300), drawn([0.25] * 4, 300)],
    "passenger class and survival": np.c_[drawn([0.25, 0.2, 0.55], 400) + 1, drawn([0.6, 0.4], 400)],
    "nested: a species and its island": np.c_[[1] * 44 + [1] * 56 + [1] * 52 + [2] * 68 + [3] * 124,
                                              [1] * 44 + [2] * 56 + [3] * 52 + [2] * 68 + [1] * 124],
    "three questions on a scale of five": 1 + np.c_[tuple(drawn([0.1, 0.2, 0.3, 0.25, 0.15], 250) for _ in range(3))],
    "a rating from 0 to 4, and a group of two": np.c_[drawn([0.2] * 5, 300), drawn([0.5, 0.5], 300) + 1],
    "thirty rows": np.c_[np.arange(30) % 3 + 1, np.arange(30) % 2 + 1],
    "floats": np.c_[SPECIES + 1.0, SEX + 1.0],
    "a frame": pd.DataFrame({"species": SPECIES, "sex": SEX + 1}),
    "codes from 100": np.c_[SPECIES + 100, SEX + 1],
    "codes from 101, and yes or no": np.c_[SPECIES + 101, SEX],
    "codes in tens": np.c_[10 * SPECIES + 10, SEX + 1],
    "codes in hundreds, and a rating from 1 to 5": np.c_[100 * SPECIES + 100, drawn([0.2] * 5, 150) + 1],
    "twenty codes": np.c_[drawn([0.05] * 20, 400), drawn([0.5, 0.5], 400) + 1],
    "small integers": np.c_[SPECIES, SEX + 1].astype(np.int8),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_columns_of_labels_are_asked_about(name):
    (message,) = messages(LABELS[name])
    assert "codes of labels" in message
    assert "fit one model per column" in message


def test_the_warning_points_at_the_line_that_called_fit():
    with pytest.warns(UserWarning, match="codes of labels") as caught:
        SoftmaxGLM(tol=1e-3).fit(RNG.normal(size=(150, 2)), LABELS["species from 1, sex from 1"])
    assert [warned.filename for warned in caught] == [__file__]
    with pytest.warns(UserWarning, match="codes of labels"):
        detect_separation(RNG.normal(size=(150, 2)), LABELS["species from 0, sex from 1"])


def some(Y):
    """Leave out the rows in which nothing was observed."""
    return Y[Y.any(axis=1)]


def binomial(n, least, most, share):
    def draw(rng):
        trials = rng.integers(least, most + 1, size=n)
        hits = rng.binomial(trials, share)
        return np.c_[hits, trials - hits]

    return draw


def poisson(n, *means):
    return lambda rng: some(np.c_[tuple(rng.poisson(mean, n) for mean in means)])


def multinomial(n, least, most, shares):
    return lambda rng: rng.multinomial(rng.integers(least, most + 1, size=n), shares)


def overdispersed(n, most, n_classes):
    def draw(rng):
        shares = rng.dirichlet(np.ones(n_classes), size=n)
        return np.array([rng.multinomial(rng.integers(1, most + 1), row) for row in shares])

    return draw


COUNTS = {
    "up to three trials": binomial(60, 1, 3, 0.5),
    "two or three trials, mostly hits": binomial(80, 2, 3, 0.85),
    "litters": binomial(40, 4, 12, 0.8),
    "many small groups": binomial(500, 1, 2, 0.4),
    "a few small groups": binomial(15, 2, 6, 0.5),
    "large groups": binomial(30, 50, 200, 0.3),
    "goals": poisson(380, 1.5, 1.2),
    "rare events": poisson(300, 0.7, 0.7),
    "cars, bicycles and buses": poisson(100, 3.0, 1.0, 0.5),
    "large counts": poisson(40, 40.0, 40.0),
    "nearly all of a round number": multinomial(100, 100, 103, [0.99, 0.01]),
    "nearly all of some twenty": multinomial(100, 20, 23, [0.9, 0.1]),
    "votes of three raters": multinomial(100, 3, 3, [0.5, 0.3, 0.2]),
    "votes of two to five raters": multinomial(120, 2, 5, [0.5, 0.3, 0.2]),
    "shares that differ from row to row": overdispersed(90, 6, 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_hardly_ever_asked_about(name):
    rngs = map(np.random.default_rng, range(DRAWS))
    alarms = sum(any("codes" in message for message in messages(COUNTS[name](rng))) for rng in rngs)
    assert alarms <= FALSE_ALARMS * DRAWS


UNSUSPICIOUS = {
    "killed and survived, by dose": np.c_[[6, 13, 18, 28, 52, 53, 61, 60], [53, 47, 44, 28, 11, 6, 1, 0]],
    "a small table": np.array([[1, 2], [2, 3], [3, 1], [2, 2], [1, 1], [3, 3]]),
    "one-hot": np.identity(3)[SPECIES],
    "one-hot of two classes": np.identity(2)[SEX],
    "two of everything": 2 * np.identity(3)[SPECIES],
    "probabilities": RNG.dirichlet([1.0, 1.0, 1.0], size=50),
    "whole and half votes": np.where(SEX[:, np.newaxis] == 1, 0.5, np.identity(2)[SPECIES % 2]),
    "equal numbers of trials": np.c_[SPECIES, 2 - SPECIES],
    "ten times counts": 10 * np.c_[SPECIES + 1, SEX + 1],
    "copies of rows": np.identity(3)[SPECIES] * (1 + SEX[:, np.newaxis]),
    "grey levels": load_digits().data[:, [10, 11, 12]] + 1.0,
}  # fmt: skip


@pytest.mark.parametrize("name", UNSUSPICIOUS)
def test_these_are_never_asked_about(name):
    assert messages(UNSUSPICIOUS[name]) == []


def refusal(y):
    with pytest.raises(ValueError, match="rows of zeros only") as caught:
        SoftmaxGLM().fit(RNG.normal(size=(len(y), 2)), y)
    return str(caught.value)


@pytest.mark.parametrize(
    "marks",
    [
        np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]] * 5),
        np.array([[True, False], [False, False], [True, True]] * 5),
        np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]] * 5),
        pd.DataFrame({"news": [0, 1, 1, 0] * 5, "sport": [0, 1, 0, 1] * 5}),
    ],
)
def test_marks_of_several_labels_with_an_empty_row_may_be_multilabel(marks):
    message = refusal(marks)
    assert "multilabel: fit one model per label" in message
    assert "Drop those rows" in message


@pytest.mark.parametrize(
    "codes",
    [
        np.c_[SPECIES, SEX],
        np.c_[drawn([0.5, 0.5], 200), drawn([0.2] * 5, 200)],
        np.c_[np.arange(60) % 2, np.arange(60) % 3, np.arange(60) % 4].astype(float),
    ],
)
def test_codes_from_zero_with_rows_of_zeros_may_be_labels(codes):
    message = refusal(codes)
    assert "codes that begin at 0" in message
    assert "fit one model per column" in message


def test_other_rows_of_zeros_are_only_to_be_dropped():
    for counts in (np.array([[3, 17], [0, 0], [8, 2]] * 10), np.vstack([np.zeros(3), RNG.dirichlet([1, 1, 1], 20)])):
        message = refusal(counts)
        assert message.endswith("Drop those rows.")


def test_columns_of_names_are_told_where_labels_belong():
    words = np.array(["a", "b"])[SEX]
    for y in (np.c_[words, words], pd.DataFrame({"one": words, "other": SPECIES}), np.c_[words, words].tolist()):
        with pytest.raises(ValueError, match=r"probabilities or counts.*one-dimensional.*one model per column"):
            SoftmaxGLM().fit(RNG.normal(size=(150, 2)), y)
