"""Every sum over rows can be sent to where the rows are: it pickles to its arrays, and is the same there.

The sums are those that ran in the situations below; a new one is met in them, or in one line more.
"""

import importlib
import inspect
import pickle
import pkgutil
from collections import defaultdict
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass, replace

import numpy as np
import pytest
from clusters import OnCluster
from far_away import RowsFarAway, heavy_tails, ordinary
from problems import (
    Data,
    collinear,
    counts,
    many_classes,
    objective_of,
    overlapping,
    regression,
    rows_and_family,
    soft_labels,
    sparse_rows,
    two_classes,
    weighted_with_offset,
    wide,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import softglm
from softglm import SoftmaxGLM, SoftmaxGLMCV, infer
from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical, ExponentialFamily
from softglm.fit import fit, prepare, solve
from softglm.inference.deviations import standard_deviations
from softglm.inference.estimable import RowSpace
from softglm.leave_one_out import one_step
from softglm.model import ElasticNet, Objective, Ridge
from softglm.model.proof import conjugate_gap, programs
from softglm.solver import GapKind
from softglm.sparse import SparsePath, columns
from softglm.sums import Features, Predictor, Sum
from softglm.tuning import DEFAULT, Tuning

# What is pickled beside arrays: the names of classes and fields, and for each array its shape and type.
OVERHEAD = 4096
# Modules that need what the tests do without, or that do something when they are imported.
NOT_IMPORTED = {"softglm.onnx", "softglm.distributed.dask", "softglm.sources.dask_collections", "softglm.__main__"}
# What a sum may hold beside arrays, families and values of these: nothing that leads back to rows.
PLAIN = (int, float, bool, str, type(None), np.generic, np.dtype, type)
# Few rows tell, none are held, and those in single precision are converted as they are read.
SAMPLED = Tuning(held_numbers=0, rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0, copied_entries=0)
# Of each sum, as many as are looked at.
MOST = 8


def sums_of_the_package():
    for module in pkgutil.walk_packages(softglm.__path__, "softglm."):
        if module.name not in NOT_IMPORTED:
            importlib.import_module(module.name)
    return sorted(
        (kind for kind in descendants(Sum) if not inspect.isabstract(kind) and kind.__module__.startswith("softglm.")),
        key=lambda kind: (kind.__module__, kind.__qualname__),
    )


def descendants(kind):
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


SUMS = sums_of_the_package()


def inferred(data, **options):
    given = {"sample_weight": data.weights, "offset": data.offset}
    model = SoftmaxGLM(alpha=0, **options).fit(data.X, data.y, **given)
    return infer(model, data.X, data.y, **given)


def separated():
    """Three classes of which a dummy separates one, with a switch, a number and its square."""
    rng = np.random.default_rng(0)
    data = overlapping()
    dummy = (data.y == 2) & (rng.random(len(data.y)) < 0.3)
    number = data.X[:, 0]
    return Data(np.column_stack([number, number**2, dummy, rng.integers(2, size=len(dummy))]).astype(float), data.y)


def what_is_said_of_weighted_rows():
    data = weighted_with_offset()
    result = inferred(data)
    assert str(result)
    assert result.hauck_donner.shape == result.coefficients.estimate.shape
    for kind in ("average", "at-means"):
        result.marginal_effects(kind)
    result.average_predictions(0)
    result.average_predictions(0, at="means")
    result.predict(data.X, data.offset, joint=True)
    result.contrasts((data.X, data.X), offset=(data.offset, data.offset))
    result.residuals()
    result.influence_frame()


def what_is_said_of_counts():
    result = inferred(counts())
    result.goodness_of_fit()
    result.hosmer_lemeshow(5)


def what_is_said_of_two_classes():
    data = two_classes()
    result = inferred(replace(data, X=np.column_stack([data.X, data.X[:, 0] > 0.0])))
    result.marginal_effects()
    result.pseudo_r2("tjur")
    result.hosmer_lemeshow(5)


def what_is_said_of_collinear_columns():
    data = collinear()
    result = inferred(data)
    result.marginal_effects()
    result.predict(data.X)


def what_is_said_without_an_intercept():
    assert inferred(overlapping(), fit_intercept=False).likelihood.n_null_parameters == 0


def what_is_said_of_separated_classes():
    with pytest.warns(softglm.SeparationWarning):
        result = inferred(separated())
    result.marginal_effects()
    result.average_predictions(2)
    result.average_predictions(0)


def what_is_said_of_separated_classes_where_programs_are_long():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "_LONG_SECONDS", 0.0)
        softglm.detect_separation(separated().X, separated().y)


def what_is_said_of_bias_reduced_estimates():
    data = overlapping()
    infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, estimates="bias-reduced")


def what_is_said_of_the_inputs_of_a_pipeline():
    data = overlapping()
    pipeline = make_pipeline(StandardScaler(), SoftmaxGLM(alpha=0)).fit(data.X, data.y)
    result = infer(pipeline, data.X, data.y)
    result.marginal_effects()
    result.average_predictions(0, [0.0, 1.0])


def fits_of_sparse_and_of_collinear_rows():
    for data in (sparse_rows(), collinear()):
        SoftmaxGLM(alpha=0).fit(data.X, data.y)


def fits_of_rows_that_are_many():
    """Sampled, converted to single precision, with Newton's steps, or without Hessians."""
    for tuning in (SAMPLED, replace(SAMPLED, hessian_parameters=0)):
        for fit_intercept in (True, False):
            fitted(many_classes(), tuning, fit_intercept=fit_intercept)
    far = many_classes()
    for distance in (1e2, 1e5):
        fitted(replace(far, X=far.X + distance), SAMPLED)
    fitted(overlapping(), Tuning(held_numbers=0, in_single_precision=False, newton_price=np.inf))


def fits_of_few_passes():
    """With Hessians of a sample, or products with them; of heavy tails, of which another is drawn."""
    for tuning in (Tuning(sampled_rows=3000), Tuning(sampled_rows=3000, hessian_parameters=0)):
        rows, family = heavy_tails()
        ridge = Ridge.on_coefficients(1e-3, rows.n_features, fit_intercept=True)
        fit(RowsFarAway(rows), family, ridge, tuning=tuning)
    rows, family = ordinary()
    fit(RowsFarAway(rows), family, Ridge.on_coefficients(0.0, rows.n_features, fit_intercept=True))


def fits_of_means_without_an_end():
    rows, family = regression("Poisson")
    fit(rows, family, Ridge.on_coefficients(0.0, rows.n_features, fit_intercept=True))


def fits_of_many_classes():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(600, dtype=np.int32) % 300)
    fitted(Data(rng.normal(size=(600, 2)), y, offset=rng.normal(size=(600, 300))), DEFAULT)


def fits_of_wide_rows():
    fitted(wide(), DEFAULT)


def fitted(data, tuning, *, fit_intercept=True):
    rows, family = rows_and_family(data, tuning)
    ridge = Ridge.on_coefficients(1e-3, rows.n_features, fit_intercept=fit_intercept)
    fit(rows, family, ridge, fit_intercept=fit_intercept, tuning=tuning)


def what_is_said_of_rows_that_are_left_out():
    rows, family = rows_and_family(weighted_with_offset())
    prepared, ridge = prepare(rows, family), Ridge.on_coefficients(1e-3, rows.n_features, fit_intercept=True)
    shares = np.full(rows.n_rows, 1.0 / rows.n_rows)
    assert one_step(prepared, ridge, solve(prepared, ridge), shares).refined(1e-6).is_refitted.any()


def what_is_scored_in_folds():
    data = overlapping()
    SoftmaxGLMCV(Cs=[1.0], cv=3, refit=False).fit(data.X, data.y)


def what_is_said_of_rows_on_a_cluster():
    data = overlapping()
    infer(SoftmaxGLM(0).fit(data.X, data.y), OnCluster(data.X, data.y), covariance="robust")


def what_is_drawn_of_coefficients():
    data = overlapping()
    standard_deviations(rows_and_family(data)[0])


def what_is_proved_under_a_lasso():
    for data in (overlapping(), soft_labels(), two_classes(), sparse_rows()):
        rows, family = rows_and_family(data)
        factors = np.arange(rows.n_features, dtype=float)
        lasso = ElasticNet.on_coefficients(0.1, 1.0, factors, fit_intercept=True)
        objective = Objective(rows, family, lasso.smooth, fit_intercept=True)
        assert conjugate_gap(objective, lasso, np.zeros(objective.shape)) > 0.0
        assert solve(prepare(rows, family), lasso).gap_kind is GapKind.DUALITY
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(columns, "_FEW_FEATURES", 0)
            patch.setattr(columns, "_FEW_NUMBERS", 0)
            SparsePath(prepare(rows, family)).fit([lasso.times(0.1)], 1e-8, 100)


def what_is_certified():
    for data in (weighted_with_offset(), two_classes()):
        given = {"sample_weight": data.weights, "offset": data.offset}
        model = SoftmaxGLM().fit(data.X, data.y, **given)
        assert model.certify(data.X, data.y, **given).of_rows(data.X, data.offset).n_may_change == 0


SITUATIONS = [
    what_is_certified,
    what_is_proved_under_a_lasso,
    fits_of_rows_that_are_many,
    fits_of_few_passes,
    fits_of_means_without_an_end,
    fits_of_many_classes,
    fits_of_wide_rows,
    what_is_said_of_rows_that_are_left_out,
    what_is_scored_in_folds,
    what_is_drawn_of_coefficients,
    what_is_said_of_rows_on_a_cluster,
    what_is_said_of_weighted_rows,
    what_is_said_of_counts,
    what_is_said_of_two_classes,
    what_is_said_of_collinear_columns,
    what_is_said_without_an_intercept,
    what_is_said_of_separated_classes,
    what_is_said_of_separated_classes_where_programs_are_long,
    what_is_said_of_bias_reduced_estimates,
    what_is_said_of_the_inputs_of_a_pipeline,
    fits_of_sparse_and_of_collinear_rows,
]


@pytest.fixture(scope="module")
def ran():
    """What ran in the situations: sums by their classes, each with a block it was called with, and functions."""
    found, functions = defaultdict(list), set()
    with pytest.MonkeyPatch.context() as patch:
        for kind in SUMS:
            patch.setattr(kind, "__call__", recording(kind, found))
        for name, method in vars(RowsInMemory).items():
            if inspect.isfunction(method) and "statistic" in inspect.signature(method).parameters:
                patch.setattr(RowsInMemory, name, asked(method, functions))
        for situation in SITUATIONS:
            situation()
    return found, functions


@pytest.fixture(scope="module")
def met(ran):
    """The sums that ran in the situations, by their classes, each with a block it was called with."""
    return ran[0]


def recording(kind, found):
    made = kind.__call__

    def called(self, block):
        if len(found[kind]) < MOST and not any(self is other for other, _ in found[kind]):
            found[kind].append((self, block))
        return made(self, block)

    return called


def asked(method, functions):
    def made(self, statistic, *others):
        for value in (statistic, *others):  # a function of a module can be sent, and is no sum
            if inspect.isfunction(value) and (value is statistic or "<locals>" in value.__qualname__):
                functions.add(f"{value.__module__}.{value.__qualname__}")
        return method(self, statistic, *others)

    return made


def held(value, path):
    """Yield all that a value holds, itself included, with the fields it is reached by."""
    yield path, value
    if isinstance(value, tuple | list):
        for position, part in enumerate(value):
            yield from held(part, f"{path}[{position}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from held(getattr(value, field.name), f"{path}.{field.name}")


def arrays_of(value):
    """Return the arrays that a value holds, each once, as pickle writes them."""
    arrays = [part for _, part in held(value, "") if isinstance(part, np.ndarray)]
    return list({id(array): array for array in arrays}.values())


def of_every_class(test):
    return pytest.mark.parametrize("kind", SUMS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")(test)


@of_every_class
def test_every_sum_is_met(kind, met):
    assert met[kind], f"no situation of this file calls {kind.__qualname__}: add one that does"


def test_rows_are_asked_for_values_not_for_functions(ran):
    assert sorted(ran[1]) == []


@of_every_class
def test_a_sum_pickles_to_little_more_than_its_arrays(kind, met):
    for value, _ in met[kind]:
        assert len(pickle.dumps(value)) <= sum(array.nbytes for array in arrays_of(value)) + OVERHEAD


@of_every_class
def test_a_sum_that_was_pickled_returns_the_same_bits(kind, met):
    for value, block in met[kind]:
        there = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
        for here, back in zip(value(block), there(block), strict=True):
            assert (here.dtype, here.shape) == (back.dtype, back.shape)
            assert here.tobytes() == back.tobytes()


@of_every_class
def test_a_sum_is_frozen(kind, met):
    assert is_dataclass(kind)
    for value, _ in met[kind]:
        with pytest.raises(FrozenInstanceError):
            value.anything = 1


@of_every_class
def test_a_sum_holds_arrays_numbers_and_families_only(kind, met):
    for value, _ in met[kind]:
        for path, part in held(value, kind.__qualname__):
            is_value = is_dataclass(part) and type(part).__dataclass_params__.frozen
            assert isinstance(part, (np.ndarray, tuple, *PLAIN)) or is_value, f"{path} is a {type(part)}"
            assert not isinstance(part, np.ndarray) or part.dtype != object, f"{path} holds objects"


@of_every_class
def test_a_sum_leaves_its_block_and_itself_as_they_are(kind, met):
    for value, block in met[kind]:
        before = pickle.dumps((value, block.X, block.targets, block.weights, block.offset))
        value(block)
        assert pickle.dumps((value, block.X, block.targets, block.weights, block.offset)) == before


@of_every_class
def test_what_a_sum_returns_is_its_callers(kind, met):
    for value, block in met[kind]:
        own = [*arrays_of(value), *(part for part in (block.targets, block.weights, block.offset) if part is not None)]
        own += [block.X] if isinstance(block.X, np.ndarray) else []
        for result in value(block):
            assert not any(np.may_share_memory(result, part) for part in own)


@pytest.mark.parametrize("family", [Bernoulli(), Categorical(3), Categorical(32), Categorical(100)], ids=repr)
def test_a_family_pickles_to_its_parameters_whatever_was_asked_of_it(family):
    assert family.curvature_directions.shape[1] == family.identifiable_directions.shape[0] == family.n_parameters
    assert len(pickle.dumps(family)) < OVERHEAD


@pytest.mark.parametrize("family", [Bernoulli(), Categorical(3)], ids=repr)
def test_a_family_that_was_pickled_is_the_same(family):
    assert isinstance(family, ExponentialFamily)
    assert pickle.loads(pickle.dumps(family)) == family  # noqa: S301 - our own


@dataclass(frozen=True)
class Holding(Sum):
    """A sum as it must not be."""

    inside: object

    def __call__(self, block):
        return (block.row_weights,)


def test_what_holds_rows_would_be_found_out():
    data = overlapping()
    rows, family = rows_and_family(data)
    for inside in (rows, objective_of(rows, family, 0.1), lambda block: block, np.array([rows])):
        with pytest.raises(AssertionError, match="Holding"):
            test_a_sum_holds_arrays_numbers_and_families_only(Holding, {Holding: [(Holding(inside), None)]})
    features = Holding((Features(np.zeros(2), np.ones((3, 2))), Predictor(np.zeros((2, 3)), np.zeros(3)), family, 1))
    test_a_sum_holds_arrays_numbers_and_families_only(Holding, {Holding: [(features, None)]})


def test_arrays_are_counted_wherever_they_are_held():
    space = RowSpace(np.zeros(3), np.zeros((3, 1)))
    assert sum(array.nbytes for array in arrays_of(Holding((space, (np.zeros(5), [np.zeros(7)]))))) == 8 * 18
