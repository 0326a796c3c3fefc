"""What was observed in the partitions of a cluster: of each a summary comes here, and of the rows sums."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.distributed import Engine, RowsOnCluster, of_each
from softglm.distributed.engine import Handle
from softglm.families import UnconstrainedFamily
from softglm.inference.covariance import Covariance, covariance_of, sandwich
from softglm.inference.estimate import Estimate
from softglm.inference.score_sums import ScoreProducts, joined_groups
from softglm.observations import check_presence, check_total, deviances_from
from softglm.observed import Covariances, Observed, Units
from softglm.response import Response, read_class_weight, warn_about_labels
from softglm.sources.clustered import ScoresByCluster, clustered, fault_of
from softglm.sources.partition import Reading, Summary, UnitsOf, summary_of
from softglm.validation.labels import Labels, joined

# Robust covariances that are made of one sum.
SUMMED = ("robust", "HC1")
_KINDS = {"i": "whole numbers", "u": "whole numbers", "f": "numbers", "b": "booleans"}


@final
class ObservedOnCluster(Observed):
    """Partitions that are loaded, and what all of them hold together.

    Parameters
    ----------
    engine : Engine
    partitions : sequence of handles
        Of `Partition`.
    split : callable
        ``split(name, given)`` returns what was given beside X in partitions like these.
    class_weight : object
        As the user passed it.
    fitted_classes : array of shape (K,) or None
        That y must have.

    Raises
    ------
    ValueError
        If a partition cannot be read, or not as the others are: the first of them is named.
    """

    def __init__(
        self,
        engine: Engine,
        partitions: Sequence[Handle],
        split: Callable[[str, Any], Sequence[Any]],
        *,
        class_weight: Any,
        fitted_classes: Labels | None,
    ) -> None:
        self._engine, self._partitions, self._split = engine, partitions, split
        summaries = of_each(engine, partitions, summary_of)
        self._known = known = _alike(summaries)
        self.columns = known[0].columns
        # All rows are one row of counts, as far as classes and their weights go.
        self._together = together = _together(known)
        if fitted_classes is None:
            n_labels = sum(summary.n_rows for summary in known) if known[0].is_labelled else None
            warn_about_labels(together.classes, n_labels)
        elif not np.array_equal(together.classes, fitted_classes):
            raise ValueError(
                f"y has the classes {together.classes[:10].tolist()}, and the model was fitted on "
                f"{fitted_classes[:10].tolist()}. Pass the y of the fit."
            )
        self.factors = read_class_weight(class_weight, together, None)
        self.present = together.present(None, self.factors)
        check_presence(together.classes, self.present, needs_two=False)

    @property
    def classes(self) -> Labels:
        return self._together.classes

    @property
    def n_rows(self) -> int:
        return sum(summary.n_rows for summary in self._known)

    @property
    def n_features(self) -> int:
        return self._known[0].n_features

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(*(summary.dtype for summary in self._known))

    @property
    def has_offset(self) -> bool:
        return self._known[0].has_offset

    @property
    def family(self) -> UnconstrainedFamily:
        return self._together.family(self.present)

    def rows(self, *, with_class_weights: bool = True) -> tuple[RowsOnCluster, float]:
        rows = RowsOnCluster(self._engine, self._partitions, self._reading(with_class_weights=with_class_weights))
        check_total(rows.total_weight)
        return rows, rows.total_weight

    def deviances(self, losses: tuple[float, float], total_weight: float) -> tuple[float, float]:
        if self._together.class_totals(None)[~self.present].any():
            return np.inf, np.inf  # observed, and given probability 0
        return deviances_from(losses, total_weight, sum(summary.best for summary in self._known))

    @property
    def is_weighted(self) -> bool:
        return self._known[0].has_weights

    def units(self, clusters: Any, *, is_sampled: bool) -> Units:  # noqa: ARG002 - these stay where the rows are
        every = of_each(self._engine, self._partitions, UnitsOf(self._reading(), is_sampled))
        n_units = sum(units.n_units for units in every)
        return Units(
            n_units=n_units,
            n_observations=sum(units.n_observations for units in every),
            holds_fractions=any(units.holds_fractions for units in every),
            n_copies=n_units if any(units.n_copies is not None for units in every) else None,
            is_here=False,
        )

    def covariances(self, units: Units, clusters: Any, *, is_sampled: bool) -> Covariances:
        are_copied = self.is_weighted and not is_sampled
        grouped = None if clusters is None else self._in_clusters(clusters)

        def covariances(estimate: Estimate, kind: str, correction: str | None) -> Covariance:
            if kind in SUMMED:
                meat = self._meat(estimate, are_copied=are_copied)
                return sandwich(estimate, kind, meat, n_observations=units.n_units, correction=correction)
            if kind == "cluster" and grouped is not None:
                work = ScoresByCluster(estimate.row_scores, self._reading())
                sums = joined_groups(of_each(self._engine, grouped, work))
                if len(sums) < 2:
                    raise ValueError("clusters has a single cluster, expected at least 2: nothing varies between one.")
                return sandwich(
                    estimate,
                    kind,
                    sums.T @ sums,
                    n_observations=units.n_units,
                    correction=correction,
                    n_clusters=len(sums),
                )
            if kind in {"model", "laplace"}:
                return covariance_of(estimate, kind, copies=None, n_observations=units.n_units)
            raise ValueError(
                f'covariance="{kind}" takes numbers of each row, and these are on a cluster. Pass "robust", "HC1" or '
                '"cluster"; or X.compute(), if it fits into memory.'
            )

        return covariances

    def _meat(self, estimate: Estimate, *, are_copied: bool) -> FloatArray:
        if are_copied and not self._known[0].is_labelled:
            raise ValueError(
                "Robust covariances of counts with frequency weights take numbers of each row, and these are on a "
                'cluster. Pass weights="sampling" if that is what they are, covariance="model", or X.compute().'
            )
        factors = None if self.factors is None else self.factors[self.present]
        (meat,) = estimate.objective.rows.sum(ScoreProducts(estimate.row_scores, factors, are_copied))
        return meat

    def _in_clusters(self, clusters: Any) -> Sequence[Handle]:
        grouped = self._engine.load(clustered, self._partitions, self._split("clusters", clusters))
        for position, fault in enumerate(of_each(self._engine, grouped, fault_of)):
            if fault is not None:
                raise ValueError(f"Partition {position}: {fault}")
        return grouped

    def _reading(self, *, with_class_weights: bool = True) -> Reading:
        return Reading(self.classes, self.present, self.factors, with_class_weights)


def _alike(summaries: Sequence[Summary | str | None]) -> list[Summary]:
    """Return those of partitions that have rows; raise for the first that cannot be read, or not like the others."""
    known: list[Summary] = []
    first = 0
    for position, summary in enumerate(summaries):
        if isinstance(summary, str):
            raise ValueError(f"Partition {position}: {summary}")
        if summary is None:
            continue
        if known:
            _check_like(first, known[0], position, summary)
        else:
            first = position
        known.append(summary)
    if not known:
        raise ValueError(f"None of the {len(summaries)} partitions has a row. Pass some.")
    return known


def _check_like(first: int, one: Summary, position: int, other: Summary) -> None:
    for what, here, there in (
        ("columns in X", one.n_features, other.n_features),
        ("names of columns", _names(one), _names(other)),
        ("X", "sparse" if one.is_sparse else "dense", "sparse" if other.is_sparse else "dense"),
        ("y", "labels" if one.is_labelled else "counts", "labels" if other.is_labelled else "counts"),
        ("labels", _kind(one.classes), _kind(other.classes)),
    ):
        if here != there:
            raise ValueError(
                f"Partition {position} has {what}: {there}, expected {here}, as in partition {first}. Make them alike."
            )
    if not one.is_labelled and not np.array_equal(one.classes, other.classes):
        raise ValueError(
            f"Partition {position} has counts of the classes {other.classes[:10].tolist()}, expected "
            f"{one.classes[:10].tolist()}, as in partition {first}. Make them alike."
        )


def _names(summary: Summary) -> list[str] | None:
    names = summary.columns.get("feature_names_in_")
    return None if names is None else list(names)


def _kind(classes: Labels) -> str:
    return _KINDS.get(classes.dtype.kind, "text")


def _together(known: Sequence[Summary]) -> Response:
    """Return the classes of all partitions with their weights, as one row of counts."""
    classes = np.unique(joined([summary.classes for summary in known]))
    if not known[0].is_labelled:
        classes = known[0].classes
    totals: FloatArray = np.zeros(len(classes))
    for summary in known:
        at: BoolArray = np.isin(classes, summary.classes)
        totals[at] += summary.totals
    return Response(classes, None, totals[np.newaxis])
