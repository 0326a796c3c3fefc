"""Rows on a cluster are rows: the same sums but for rounding, and the same bits whoever holds which of them."""

from dataclasses import replace

import numpy as np
import pytest
from clusters import ClusterHere, OnCluster
from problems import counts, overlapping, soft_labels, sparse_rows, two_classes, weighted_with_offset
from scipy import sparse

from softglm import SoftmaxGLM, infer
from softglm.data import RowsInMemory
from softglm.sums import CrossMoments, LargestSizes, RowWeights

# Sums are added up in another order: a few units in the last place of what is summed.
ROUNDING = {"rtol": 1e-12, "atol": 1e-10}
# Two fits that are both proved to 1e-8 of the gap are about its root apart; infer goes on to the optimum from there.
FITTED, INFERRED = {"rtol": 1e-4, "atol": 1e-4}, {"rtol": 1e-6, "atol": 1e-7}
PROBLEMS = [overlapping, two_classes, weighted_with_offset, counts, soft_labels, sparse_rows]


def given_of(data):
    return data.X, data.y, data.weights, data.offset


def rows_of(data, **options):
    rows, _ = OnCluster(*given_of(data), **options).observe(class_weight=None, estimator=SoftmaxGLM()).rows()
    return rows


@pytest.mark.parametrize("problem", PROBLEMS)
def test_fits_are_those_of_rows_in_memory(problem):
    data = problem()
    there, here = SoftmaxGLM(0.01).fit(OnCluster(*given_of(data))), SoftmaxGLM(0.01).fit(*given_of(data))
    np.testing.assert_allclose(there.coef_, here.coef_, **FITTED)
    np.testing.assert_allclose(there.intercept_, here.intercept_, **FITTED)
    assert np.array_equal(there.classes_, here.classes_)
    assert there.converged_
    np.testing.assert_allclose(there.deviance_, here.deviance_, **FITTED)


@pytest.mark.parametrize("n_workers", [1, 3, 5])
def test_bits_do_not_depend_on_the_workers(n_workers):
    data = weighted_with_offset()
    expected = SoftmaxGLM().fit(OnCluster(*given_of(data)))
    there = SoftmaxGLM().fit(OnCluster(*given_of(data), engine=ClusterHere(n_workers)))
    assert there.coef_.tobytes() == expected.coef_.tobytes()
    assert there.gap_ == expected.gap_


def test_bits_do_not_depend_on_deaths():
    data = weighted_with_offset()
    expected = SoftmaxGLM().fit(OnCluster(*given_of(data)))
    dying = OnCluster(*given_of(data), engine=ClusterHere(2, [1, 4, 7, 8, 12]))
    assert SoftmaxGLM().fit(dying).coef_.tobytes() == expected.coef_.tobytes()


def test_a_pass_is_one_message_to_each_worker():
    engine = ClusterHere(3)
    rows = rows_of(overlapping(), lengths=(20,) * 30, engine=engine)
    engine.messages.clear()
    rows.sum(CrossMoments(3))
    assert sorted(worker for worker, _ in engine.messages) == sorted(engine.workers)


def test_sums_maxima_and_joins_are_those_of_rows_in_memory():
    data = weighted_with_offset()
    codes = np.unique(data.y, return_inverse=True)[1].astype(np.int32)
    here, there = RowsInMemory(data.X, codes, data.weights), rows_of(data)
    for one, other in zip(here.max(LargestSizes()), there.max(LargestSizes()), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(here.concatenate(RowWeights())[0], there.concatenate(RowWeights())[0])
    for one, other in zip(here.sum(CrossMoments(3))[:3], there.sum(CrossMoments(3))[:3], strict=True):
        np.testing.assert_allclose(one, other, **ROUNDING)


def test_chosen_columns_are_those_of_x_and_nothing_else_can_be_changed():
    rows = rows_of(overlapping())
    chosen = rows.changed(columns=np.array([1]))
    assert chosen.n_features == 1
    np.testing.assert_allclose(chosen.sum(CrossMoments(3))[1], rows.sum(CrossMoments(3))[1][[1]], **ROUNDING)
    with pytest.raises(ValueError, match="on a cluster"):
        rows.changed(weights=np.ones(rows.n_rows))


@pytest.mark.parametrize("score", [None, "sizes"])
def test_samples_are_the_same_whoever_holds_the_rows_and_estimate_sums(score):
    rng = np.random.default_rng(0)
    n = 20_000
    X, y, weights = rng.normal(size=(n, 2)) + 1.0, rng.integers(2, size=n), rng.uniform(0.2, 3.0, n)
    score = None if score is None else Sizes()
    samples = []
    for n_workers in (1, 3):
        source = OnCluster(X, y, weights, lengths=(n // 7,) * 7, engine=ClusterHere(n_workers))
        rows, total = source.observe(class_weight=None, estimator=SoftmaxGLM()).rows()
        samples.append(rows.sample(2000, rows.sampling(score)))
    one, other = samples
    assert one.parts[0].tobytes() == other.parts[0].tobytes()
    assert abs(one.n_rows - 2000) < 5 * np.sqrt(2000)
    assert one.multiplicity >= 1.0
    sums, _, _, *_ = one.sum(CrossMoments(1))
    assert abs(sums[-1] / total - 1.0) < 0.1


class Sizes:
    """The length of x, as a score."""

    def __call__(self, block):
        return (np.linalg.norm(block.X, axis=1).astype(np.float32) + 0.1,)


def test_a_sample_of_more_than_half_is_all():
    rows = rows_of(overlapping())
    assert rows.sample(rows.n_rows, rows.sampling()) is rows


def test_samples_of_sparse_rows_are_sparse_and_have_what_was_beside_them():
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.normal(size=(400, 6)) * (rng.random((400, 6)) < 0.3))
    offset = rng.normal(size=(400, 3))
    source = OnCluster(X, rng.choice(["a", "b", "c"], 400), None, offset, lengths=(0, 200, 100, 0, 100))
    rows, _ = source.observe(class_weight=None, estimator=SoftmaxGLM()).rows()
    drawn, _, weights, known = rows.sample(100, rows.sampling()).parts
    assert sparse.issparse(drawn)
    assert known.shape == (len(weights), 3)


def test_it_says_where_the_rows_are():
    assert rows_of(overlapping()).place.endswith("partitions, 0 MB a worker, read once")


COVARIANCES = [
    {"covariance": "model"},
    {"covariance": "laplace"},
    {"covariance": "robust"},
    {"covariance": "HC1"},
    {"covariance": "robust", "weights": "sampling"},
    {"covariance": "cluster"},
    {"covariance": "cluster", "weights": "sampling", "correction": "G/(G-1)*(n-1)/(n-k)"},
]


@pytest.mark.parametrize("options", COVARIANCES, ids=str)
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("problem", [weighted_with_offset, two_classes])
def test_standard_errors_are_those_of_rows_in_memory(problem, options, class_weight):
    if class_weight and options["covariance"] in {"model", "laplace"}:
        return  # which infer refuses
    data = replace(problem(), offset=None)
    weights = np.random.default_rng(0).integers(0, 4, len(data.y)).astype(float)
    model = SoftmaxGLM(0, class_weight=class_weight).fit(data.X, data.y, weights)
    clusters = np.random.default_rng(1).integers(9, size=len(data.y)).astype(str)
    options = options | ({"clusters": clusters} if options["covariance"] == "cluster" else {})
    there = infer(model, OnCluster(data.X, data.y, weights), **options)
    here = infer(model, data.X, data.y, sample_weight=weights, **options)
    np.testing.assert_allclose(there.coefficients.std_error, here.coefficients.std_error, **INFERRED)
    assert there.n_observations == here.n_observations
    effects = [result.marginal_effects().to_frame()["std_error"] for result in (there, here)]
    np.testing.assert_allclose(*effects, **INFERRED)
    assert str(there) == str(here)


@pytest.mark.parametrize(
    "asked", ["leverage", "cooks_distance", "dfbeta", "influence_frame", "residuals", "hosmer_lemeshow"]
)
def test_what_belongs_to_each_row_is_refused_by_name(asked):
    data = overlapping()
    result = infer(SoftmaxGLM(0).fit(data.X, data.y), OnCluster(data.X, data.y))
    with pytest.raises(ValueError, match="take numbers of each row, and the rows are on a cluster"):
        _ = getattr(result, asked)() if callable(getattr(type(result), asked)) else getattr(result, asked)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": "HC3"}, 'covariance="HC3" takes numbers of each row'),
        ({"covariance": "CR2", "clusters": np.arange(200)}, 'covariance="CR2" takes numbers of each row'),
        ({"estimates": "bias-reduced"}, 'estimates="bias-reduced" takes leverages of each row'),
        ({"covariance": "cluster", "clusters": np.zeros((200, 2))}, "Partition 0: clusters has shape"),
        ({"covariance": "cluster", "clusters": np.zeros(200)}, "a single cluster"),
    ],
)
def test_covariances_of_each_row_are_refused(options, message):
    data = overlapping()
    options = {name: value[: len(data.y)] if name == "clusters" else value for name, value in options.items()}
    with pytest.raises(ValueError, match=message):
        infer(SoftmaxGLM(0).fit(data.X, data.y), OnCluster(data.X, data.y), **options)
