"""Blocks are fitted as the arrays that they are pieces of, whatever they hold; and what is wrong with one is named."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from problems import PROBLEMS
from scipy import sparse

from softglm import Blocks, SeparationWarning, SoftmaxGLM, SoftmaxGLMCV, detect_separation, infer, softglm_path

# Two proofs of a relative gap of 1e-8: the loss is told to about that of its difference from the null model.
SAME_LOSS = {"rtol": 1e-8, "atol": 1e-12}
# A distance of 1e-8 of that from the null model, in the metric of the information, to which these are about as large.
SAME_OPTIMUM = {"rtol": 1e-5, "atol": 1e-6}
# The same numbers, added up in another order.
ROUNDING = {"rtol": 1e-11, "atol": 1e-11}
# Whole numbers that no other type of them holds: beside negative ones NumPy makes floats of them, and these the same.
TOO_LARGE = np.array([2**63, 2**63 + 1], dtype=np.uint64)
UNPENALISED = ["overlapping", "weighted_with_offset", "two_classes_with_offset", "sparse_rows"]
EVERY = pytest.mark.parametrize("name", [*PROBLEMS])


def given_of(name):
    """X, y, weights and offset as a user would pass them: labels are text."""
    data = PROBLEMS[name]()
    y = data.y if data.y.ndim == 2 else np.array([f"class {code}" for code in data.y])
    return data.X, y, data.weights, data.offset


class Cut:
    """What a user would pass, cut into blocks of a few rows; and how often these were asked for."""

    def __init__(self, given, size=37):
        self.given, self.size, self.n_passes = given, size, 0

    def __call__(self):
        self.n_passes += 1
        for start in range(0, self.given[0].shape[0], self.size):
            rows = slice(start, start + self.size)
            yield tuple(None if part is None else part[rows] for part in self.given)


@EVERY
@pytest.mark.parametrize("is_cached", [False, True], ids=["read again", "cached"])
def test_the_optimum_is_that_of_the_arrays(name, is_cached, tmp_path):
    given = given_of(name)
    here = SoftmaxGLM(0.01).fit(*given)
    there = SoftmaxGLM(0.01).fit(Blocks(Cut(given), cache=tmp_path if is_cached else None))
    assert there.converged_
    assert there.classes_.tolist() == here.classes_.tolist()
    if is_cached:
        np.testing.assert_array_equal(there.coef_, here.coef_)
    np.testing.assert_allclose(there.loss_, here.loss_, **SAME_LOSS)
    np.testing.assert_allclose(there.deviance_, here.deviance_, **SAME_OPTIMUM)
    np.testing.assert_allclose(there.score(Blocks(Cut(given))), here.score(*given), **ROUNDING)
    offset = None if given[3] is None else given[3]
    for method in ("decision_function", "predict", "predict_proba", "predict_log_proba"):
        at_once, in_blocks = getattr(there, method)(given[0], offset), getattr(there, method)(Blocks(Cut(given)))
        assert at_once.dtype == in_blocks.dtype
        if method == "predict":
            np.testing.assert_array_equal(in_blocks, at_once)
        else:
            np.testing.assert_allclose(in_blocks, at_once, **ROUNDING)


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.02, "l1_ratio": 1.0},
        {"alpha": 0.02, "l1_ratio": 0.5, "standardize": True},
        {"alpha": 0.02, "l1_ratio": 1.0, "groups": [[0, 1], [2, 3]]},
        {"alpha": 0.01, "lower": 0.0},
        {"alpha": 0.01, "standardize": True, "fit_intercept": False},
        {"C": 2.0, "penalty_factors": {0: 0.0}},
    ],
)
@pytest.mark.parametrize("name", ["overlapping", "sparse_rows"])
def test_every_penalty_is_fitted(options, name):
    given = given_of(name)
    here, there = SoftmaxGLM(**options).fit(*given), SoftmaxGLM(**options).fit(Blocks(Cut(given)))
    np.testing.assert_allclose(there.loss_, here.loss_, rtol=1e-7)
    np.testing.assert_allclose(there.coef_, here.coef_, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["separable", "collinear", "constant_column"])
def test_without_a_penalty_the_same_is_said_of_the_optimum(name):
    given = given_of(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        here, there = SoftmaxGLM(alpha=0).fit(*given), SoftmaxGLM(alpha=0).fit(Blocks(Cut(given)))
    assert there.status_.partition("(")[0] == here.status_.partition("(")[0]
    assert there.converged_ is here.converged_


@pytest.mark.parametrize("labels", [[3, 1, 2], ["b", "a", "c"], [2.0, 1.0, 7.0], [True, False, True]])
@pytest.mark.parametrize("kind", ["array", "list", "object"])
def test_labels_of_every_type_come_out_as_from_arrays(labels, kind):
    X = np.random.default_rng(0).normal(size=(90, 2))
    y = np.repeat(labels, 30)
    y = {"array": y, "list": y.tolist(), "object": y.astype(object)}[kind]
    here, there = SoftmaxGLM().fit(X, y), SoftmaxGLM().fit(Blocks(Cut((X, y), 20)))
    assert there.classes_.dtype.kind == here.classes_.dtype.kind
    assert there.classes_.tolist() == here.classes_.tolist()
    np.testing.assert_allclose(there.coef_, here.coef_, **SAME_OPTIMUM)


@pytest.mark.parametrize("class_weight", ["balanced", {"class 0": 0.0}, {"class 1": 3.0}])
def test_class_weights_are_those_of_all_rows(class_weight):
    given = given_of("weighted")
    here, there = (
        (SoftmaxGLM(0.01, class_weight=class_weight).fit(*data) for data in (given, (Blocks(Cut(given)),)))
        if class_weight != {"class 0": 0.0}
        else _with_absent(given, class_weight)
    )
    np.testing.assert_allclose(there.coef_, here.coef_, **SAME_OPTIMUM)
    np.testing.assert_allclose(there.deviance_, here.deviance_, **SAME_OPTIMUM)


def _with_absent(given, class_weight):
    models = []
    for data in (given, (Blocks(Cut(given)),)):
        with pytest.warns(UserWarning, match="total weight of the classes"):
            models.append(SoftmaxGLM(0.01, class_weight=class_weight).fit(*data))
    return models


def test_single_precision_stays_single():
    X, y, _, _ = given_of("overlapping")
    X = X.astype(np.float32)
    here, there = SoftmaxGLM().fit(X, y), SoftmaxGLM().fit(Blocks(Cut((X, y))))
    assert there.coef_.dtype == np.float32
    np.testing.assert_allclose(there.coef_, here.coef_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", UNPENALISED)
@pytest.mark.parametrize("covariance", ["model", "robust", "cluster"])
@pytest.mark.parametrize("is_cached", [False, True], ids=["read again", "cached"])
def test_infer_says_the_same(name, covariance, is_cached, tmp_path):
    given = given_of(name)
    clusters = np.arange(len(given[1])) % 20 if covariance == "cluster" else None
    model = SoftmaxGLM(alpha=0).fit(*given)
    options = {"covariance": covariance, "clusters": clusters}
    X, y, weights, offset = given
    here = infer(model, X, y, sample_weight=weights, offset=offset, **options)
    there = infer(model, Blocks(Cut(given), cache=tmp_path if is_cached else None), **options)
    for column in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(
            getattr(there.coefficients, column), getattr(here.coefficients, column), rtol=1e-6, atol=1e-9
        )
    np.testing.assert_allclose(
        there.marginal_effects().estimate, here.marginal_effects().estimate, rtol=1e-6, atol=1e-9
    )


def test_the_cache_is_written_once_and_read_instead_of_the_blocks(tmp_path):
    given = given_of("weighted_with_offset")
    once, again = Cut(given), Cut(given)
    first = SoftmaxGLM(0.01).fit(Blocks(once, cache=tmp_path, fingerprint="1"))
    written = sorted(path.name for path in tmp_path.rglob("*"))
    second = SoftmaxGLM(0.01).fit(Blocks(again, cache=tmp_path, fingerprint="1"))
    assert (once.n_passes, again.n_passes) == (1, 0)
    assert sorted(path.name for path in tmp_path.rglob("*")) == written
    np.testing.assert_array_equal(first.coef_, second.coef_)
    SoftmaxGLM(0.01).fit(Blocks(again, cache=tmp_path, fingerprint="2"))
    assert again.n_passes == 1


def test_without_a_fingerprint_the_cache_follows_the_blocks(tmp_path):
    given = given_of("overlapping")
    changed = given[0] + 1.0, *given[1:]
    models = [SoftmaxGLM(0.01).fit(Blocks(Cut(data), cache=tmp_path)) for data in (given, changed, given)]
    np.testing.assert_array_equal(models[0].coef_, models[2].coef_)
    assert not np.array_equal(models[0].intercept_, models[1].intercept_)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_breaks_while_the_cache_is_written_leaves_nothing_there(tmp_path):
    X, y, *_ = given_of("overlapping")
    X[100, 2] = np.nan
    with pytest.raises(ValueError, match="Block 2: X holds missing values"):
        SoftmaxGLM().fit(Blocks(Cut((X, y)), cache=tmp_path))
    assert not list(tmp_path.iterdir())


def _cut_short(path):
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("name", ["X.npy", "codes.npy", "weights.npy", "classes.npy", "about.json"])
@pytest.mark.parametrize("damage", [_cut_short, Path.unlink], ids=["cut short", "gone"])
def test_what_is_damaged_in_the_cache_is_made_again(damage, name, tmp_path):
    given, models = given_of("weighted_with_offset"), []
    for _ in range(2):
        models.append(SoftmaxGLM(0.01).fit(Blocks(Cut(given), cache=tmp_path, fingerprint="1")))
        (entry,) = tmp_path.iterdir()
        damage(entry / name)
    np.testing.assert_array_equal(models[1].coef_, models[0].coef_)


def test_a_cache_that_cannot_be_written_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"The cache in .*file cannot be used.*Pass another one, make room"):
        SoftmaxGLM().fit(Blocks(Cut(given_of("balanced")), cache=tmp_path / "file"))


def _fit(blocks, **options):
    return SoftmaxGLM().fit(Blocks(blocks, **options))


def test_what_is_no_number_is_named_by_block_and_column():
    X, y, *_ = given_of("overlapping")
    X[100, 2] = np.nan
    with pytest.raises(
        ValueError, match=r"Block 2: X holds missing values \(NaN\) in the columns \[2\], first in row 100"
    ):
        _fit(Cut((X, y)))
    X[100, 2] = 1e200
    with pytest.raises(ValueError, match=r"Block 2: X holds values such as 1e\+200"):
        _fit(Cut((sparse.csr_array(X), y)))


class Unsteady:
    """Blocks that are others from the second pass on."""

    def __init__(self, given, change, arrange=list):
        self.given, self.change, self.arrange, self.n_passes = given, change, arrange, 0

    def __call__(self):
        blocks = list(Cut(self.given)())
        self.n_passes += 1
        return iter(self.arrange(blocks if self.n_passes == 1 else self.change(blocks)))


def behind_empty_ones(blocks):
    """Put a block without rows before each block."""
    return [part for block in blocks for part in ((np.ones((0, 2)), np.arange(0)), block)]


def check_empty_ones_are_counted(fit):
    """Check that a fit of blocks in an arrangement names one, and names it by its number among all."""
    numbers = []
    for arrange in (list, behind_empty_ones):
        with pytest.raises(ValueError, match=r"^Block \d") as told:
            fit(arrange)
        numbers.append(int(str(told.value).split(":")[0].split()[1]))
    assert numbers[1] == 2 * numbers[0] + 1


def shuffled(blocks):
    X, *beside = blocks[1]
    return [blocks[0], (np.random.default_rng(0).permutation(X), *beside), *blocks[2:]]


def with_one_entry_changed(blocks):
    X, *beside = blocks[3]
    X = X.copy()
    X[-1, -1] += 1e-9
    return [*blocks[:3], (X, *beside), *blocks[4:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda blocks: blocks[:-1], r"Block 4: it is missing, and at an earlier pass there were 5 with rows"),
        (lambda blocks: [*blocks, blocks[0]], r"Block 5: it is new, and at an earlier pass there were 5 with rows"),
        (shuffled, r"Block 1: it holds other numbers than at an earlier pass"),
        (with_one_entry_changed, r"Block 3: it holds other numbers"),
        (
            lambda blocks: [(X[:5], *rest) for X, *rest in blocks],
            r"Block 0: it has the shape \(5, 4\), and had \(37, 4\)",
        ),
        (lambda blocks: [(X[:, :3], *rest) for X, *rest in blocks], r"Block 0: X has 3 features"),
    ],
)
def test_blocks_that_are_not_the_same_at_every_pass_are_named(change, message):
    given = given_of("overlapping")[:2]
    with pytest.raises(ValueError, match=message):
        _fit(Unsteady(given, change))
    check_empty_ones_are_counted(lambda arrange: _fit(Unsteady(given, change, arrange)))


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "There are no rows in blocks"),
        ([(np.ones((3, 2)), np.arange(2))], r"Block 0: y has 2 rows, expected 3"),
        ([(np.ones((2, 2)), [0, 1]), (np.ones((2, 2)), ["a", "b"])], r"Block 1: y has labels like \['a'\], text"),
        (
            [(np.ones((2, 2)), TOO_LARGE), (np.ones((2, 2)), [0, -1])],
            r"Block 1: y has whole numbers as int64 and",
        ),
        ([(np.ones((2, 2)), [0, 1]), (np.ones((2, 3)), [0, 1])], r"Block 1: X has 3 features"),
        ([(np.ones((2, 2)), [0, 1]), (np.ones((2, 2)),)], r"Block 1: There is no y"),
        ([np.ones((2, 2))], r"Block 0: There is no y"),
        ([(np.ones((2, 2)), [0, 1], [1, 1]), (np.ones((2, 2)), [0, 1])], r"Block 1: sample_weight is there in some"),
        ([(np.ones((2, 2)), [0, 1]), (np.ones((2, 2)), [0, 1], [1, 1])], r"Block 1: sample_weight is there in some"),
        ([(np.ones((2, 2)), [0, 1]), (np.ones((2, 2)), [0, None])], r"Block 1: .* missing"),
        ([(np.ones((2, 2)), [0, 1], [1.0, -1.0])], r"sample_weight has negative values"),
        ([(np.ones((2, 2)), [0, 1]), (sparse.eye_array(2).tocsr(), [0, 1])], r"Block 1: X is sparse, and was dense"),
        ([(np.ones((2, 2)), [0, 0])], r"y has only one class"),
        ([(1, 2, 3, 4, 5)], "Block 0: it has 5 parts"),
    ],
)
def test_what_is_wrong_with_blocks_is_said(blocks, message):
    with pytest.raises(ValueError, match=message):
        _fit(blocks)
    if message.startswith("Block"):
        check_empty_ones_are_counted(lambda arrange: _fit(arrange(blocks)))


def test_labels_beyond_the_classes_are_an_error_and_those_that_do_not_occur_keep_their_place():
    X, y, *_ = given_of("overlapping")
    with pytest.warns(UserWarning, match="zero"):
        model = _fit(Cut((X, y)), classes=["class 0", "class 1", "class 2", "class 9"])
    assert model.classes_.tolist() == ["class 0", "class 1", "class 2", "class 9"]
    assert not model.predict_proba(X)[:, 3].any()
    with pytest.raises(ValueError, match=r"Block 0: y has the labels \['class 2'\], expected some of classes="):
        _fit(Cut((X, y)), classes=["class 0", "class 1"])


@pytest.mark.parametrize("blocks", [(block for block in []), 3])
def test_what_can_be_read_only_once_is_refused(blocks):
    with pytest.raises(TypeError, match="expected a function that returns an iterator"):
        Blocks(blocks)


@pytest.mark.parametrize("name", ["overlapping", "sparse_rows"])
def test_blocks_may_be_made_in_the_same_memory_one_after_the_other(name):
    X, y = given_of(name)[:2]
    entries = np.empty(X.size)

    def blocks():
        for rows, labels in Cut((X, y))():
            own = rows.data if sparse.issparse(rows) else rows
            shared = entries[: own.size].reshape(own.shape)
            shared[:] = own
            yield (
                (sparse.csr_array((shared, rows.indices, rows.indptr), rows.shape) if own is not rows else shared),
                labels,
            )
        entries[:] = np.nan

    np.testing.assert_array_equal(_fit(blocks).coef_, _fit(Cut((X, y))).coef_)


def test_empty_blocks_are_passed_over_and_counted():
    X, y, *_ = given_of("overlapping")
    blocks = behind_empty_ones([(X[:80], y[:80]), (X[80:], y[80:])])
    model = _fit(blocks)
    np.testing.assert_allclose(model.coef_, SoftmaxGLM().fit(X, y).coef_, **SAME_OPTIMUM)
    X[100, 2] = np.nan
    for use in (model.predict, model.score):
        with pytest.raises(ValueError, match=r"Block 3: .*NaN"):
            use(Blocks(blocks))


def test_where_there_are_no_rows_nothing_is_predicted():
    model = _fit(Cut(given_of("overlapping")[:2]))
    for blocks in ([], [np.empty((0, model.n_features_in_))]):
        with pytest.raises(ValueError, match="no rows in blocks: nothing to predict"):
            model.predict(Blocks(blocks))


def test_who_needs_arrays_says_so():
    blocks = Blocks(Cut(given_of("overlapping")[:2]))
    for refused in (
        lambda: SoftmaxGLMCV().fit(blocks),
        lambda: softglm_path(blocks, None),
        lambda: detect_separation(blocks, None),
    ):
        with pytest.raises((TypeError, ValueError), match="in memory"):
            refused()
