r"""The covariance of the estimates, in coordinates; every coding of it is a linear map of this one matrix.

    H curvature (penalty included), F information, u_i = w_i s_i the weighted score of a row, w_i the copies of it

    model     H^-1 F H^-1, which is F^-1 without a penalty
    laplace   H^-1, the posterior's under the Gaussian prior that the penalty is
    robust    H^-1 (sum_i w_i s_i s_i') H^-1; with sampling weights sum_i w_i^2 s_i s_i' instead
    HC3       the same, with s_i replaced by (I - Omega_i M_i)^-1 s_i, Omega_i the information of a row, M_i the
              covariance of its eta: approximately the score of the row were it left out of the fit
    quasi     dispersion times model, for rows of counts that vary more, or less, than multinomial ones
    cluster   H^-1 (sum_g u_g u_g') H^-1, u_g the sum of the u_i of a cluster
    CR2       the same, with u_g corrected for the share that the cluster has of the fit: see `few_clusters`

Each is held as a factor L of V = L L': the rank of a hypothesis R is that of R L; R V R' would square its condition.

References
----------
H. White, "Maximum likelihood estimation of misspecified models", Econometrica 50, 1982. doi:10.2307/1912526
A. C. Cameron, J. B. Gelbach and D. L. Miller, "Robust inference with multiway clustering", Journal of Business &
Economic Statistics 29, 2011. doi:10.1198/jbes.2010.07136
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.inference.clusters import cluster_scores
from softglm.inference.diagnostics import adjusted_scores
from softglm.inference.estimate import Estimate
from softglm.inference.few_clusters import FewClusters, few_clusters
from softglm.once import cached_property

# Eigenvalues below this share of the largest are rounding, in the metric of the curvature, which has one scale.
_RANK_TOLERANCE = 1e-12
# And so are those below this, that of the model being 1: residuals that add up to 0 in every cluster know no variance.
_NOTHING = 1e-20
# Singular values of a factor below this share of the largest are rounding.
_FACTOR_TOLERANCE = 1e-10
# The small-sample factors, by their formulas: n observations, k parameters, G clusters.
CORRECTIONS = ("1", "n/(n-1)", "n/(n-k)", "G/(G-1)", "G/(G-1)*(n-1)/(n-k)")
_MODEL, _LAPLACE, _CLUSTER, _CR2, _QUASI = "model", "laplace", "cluster", "CR2", "quasi"
_DEFAULT_CORRECTIONS = {"robust": "1", "HC1": "n/(n-k)", "HC3": "1", _CLUSTER: "G/(G-1)", _CR2: "1"}
# Those of clusters of rows.
CLUSTERED = (_CLUSTER, _CR2)
KINDS = (_MODEL, _LAPLACE, *_DEFAULT_CORRECTIONS)


@final
@dataclass(frozen=True, eq=False)
class Covariance:
    """A covariance of the estimates.

    Attributes
    ----------
    kind : {"model", "laplace", "robust", "HC1", "HC3", "cluster", "CR2", "quasi"}
    root : array of shape (P, k)
        L of V = L L', in coordinates.
    correction : str
        The formula of the small-sample factor in it.
    n_clusters : tuple of int
        One for each way of clustering.
    indefinite : array of shape (P, P), or None
        V before its negative eigenvalues were set to zero, where it has some.
    few_clusters : FewClusters or None
        For CR2, what each cluster knows: of it tests have their degrees of freedom.
    """

    kind: str
    root: FloatArray
    correction: str = "1"
    n_clusters: tuple[int, ...] = ()
    indefinite: FloatArray | None = None
    few_clusters: FewClusters | None = None

    @cached_property
    def matrix(self) -> FloatArray:
        """V, shape (P, P), in coordinates."""
        return self.root @ self.root.T

    def factor(self, forms: FloatArray) -> FloatArray:
        """Return C L, shape (..., k), of linear forms C of the coordinates, (..., P), such as gradients are.

        C V C' is that times its transpose. NaN of forms of which, with CR2, the residuals do not show all the variance.
        """
        seen = np.asarray(forms @ self.root)
        if self.few_clusters is not None:
            seen[~self.few_clusters.tells(forms)] = np.nan
        return seen

    def std_errors(self, forms: FloatArray) -> FloatArray:
        """Return the standard errors, shape (...), of linear forms of the coordinates, (..., P): NaN as `factor` is."""
        return np.asarray(linalg.norm(self.factor(forms), axis=-1, check_finite=False))

    @property
    def is_robust(self) -> bool:
        """Whether it allows for a misspecified likelihood."""
        return self.kind not in {_MODEL, _LAPLACE}

    @property
    def description(self) -> str:
        """What the matrix is, for a report."""
        words = {
            _MODEL: "model (inverse information)",
            _LAPLACE: "Laplace (inverse Hessian, penalty included)",
            _QUASI: "quasi-likelihood (model, times the dispersion)",
            "robust": "robust (HC0)",
            "HC1": "robust (HC1)",
            "HC3": "robust (HC3)",
            _CLUSTER: f"clustered ({' x '.join(str(count) for count in self.n_clusters)} clusters)",
            _CR2: f"clustered (CR2, {', '.join(str(count) for count in self.n_clusters)} clusters)",
        }[self.kind]
        return words if self.correction == "1" else f"{words}, times {self.correction}"


def covariance_of(
    estimate: Estimate,
    kind: str,
    *,
    copies: FloatArray | None,
    n_observations: float,
    clusters: npt.NDArray[Any] | None = None,
    correction: str | None = None,
) -> Covariance:
    """Return the covariance of this kind.

    Parameters
    ----------
    estimate : Estimate
    kind : str
        One of `KINDS`.
    copies : array of shape (n,) or None
        w_i, how many identical rows each row stands for; None for one, as with sampling weights.
    n_observations : float
        n of the corrections.
    clusters : array of shape (n, ways) or None
        For "cluster" a code for each row, in one or two ways; for "CR2" in one.
    correction : str or None
        One of `CORRECTIONS`; None for the usual one.
    """
    if kind == _MODEL:
        return Covariance(kind, _model_root(estimate))
    if kind == _LAPLACE:
        return Covariance(kind, estimate.inverse_root)
    correction = default_correction(kind) if correction is None else correction
    if kind in CLUSTERED:
        assert clusters is not None  # noqa: S101 - checked where the user passes them
        if kind == _CR2:
            return _cr2(estimate, clusters[:, 0])
        return _clustered(estimate, clusters, n_observations, correction)
    scores = adjusted_scores(estimate, copies) if kind == "HC3" else _scores_of_one_copy(estimate, copies)
    factor = small_sample_factor(correction, n_observations, estimate.n_parameters)
    return Covariance(
        kind, _sandwich_root(estimate, factor * _meat(scores, copies, len(estimate.information))), correction
    )


def quasi(estimate: Estimate, dispersion: float) -> Covariance:
    """Return the covariance of a quasi-likelihood: the model's, times the dispersion."""
    return Covariance(_QUASI, np.sqrt(dispersion) * _model_root(estimate))


def sandwich(
    estimate: Estimate,
    kind: str,
    meat: FloatArray,
    *,
    n_observations: float,
    correction: str | None = None,
    n_clusters: int | None = None,
) -> Covariance:
    """Return H^-1 meat H^-1, times its small-sample factor, of a meat that was summed elsewhere.

    Parameters
    ----------
    estimate : Estimate
    kind : {"robust", "HC1", "cluster"}
    meat : array of shape (P, P)
    n_observations : float
    correction : str or None, default=None
    n_clusters : int or None, default=None
        In one way.
    """
    correction = default_correction(kind) if correction is None else correction
    factor = small_sample_factor(correction, n_observations, estimate.n_parameters, n_clusters or 0)
    root = _sandwich_root(estimate, factor * meat)
    return Covariance(kind, root, correction, () if n_clusters is None else (n_clusters,))


def standard_errors_away(root: FloatArray, displacement: FloatArray) -> float:
    """Return sqrt(d' V+ d), V = L L', L (P, k): the most a linear combination of d is of its own standard error."""
    if not root.shape[1]:
        return 0.0
    components = np.linalg.lstsq(root, displacement, rcond=_FACTOR_TOLERANCE)[0]
    return float(linalg.norm(components))


def default_correction(kind: str) -> str:
    """Return the small-sample factor that a kind of covariance has unless it is chosen."""
    return _DEFAULT_CORRECTIONS.get(kind, "1")


def needs_more_rows(correction: str) -> bool:
    """Tell whether a correction divides by n - k."""
    return "(n-k)" in correction


def small_sample_factor(correction: str, n: float, k: int, n_clusters: int = 0) -> float:
    """Return the factor on the covariance that a correction names."""
    factor = 1.0
    if n_clusters > 1 and correction.startswith("G/(G-1)"):
        factor *= n_clusters / (n_clusters - 1)
    if "n/(n-1)" in correction:
        factor *= n / (n - 1.0)
    if correction == "n/(n-k)":
        factor *= n / (n - k)
    if correction == "G/(G-1)*(n-1)/(n-k)":
        factor *= (n - 1.0) / (n - k)
    return factor


def _model_root(estimate: Estimate) -> FloatArray:
    """Return L of H^-1 F H^-1 = L L'."""
    return _sandwich_root(estimate, estimate.information) if estimate.is_penalised else estimate.inverse_root


def _clustered(estimate: Estimate, clusters: npt.NDArray[Any], n_observations: float, correction: str) -> Covariance:
    """Return the one-way or the two-way clustered covariance: V_1 + V_2 - V_12, each with its own factor.

    The two-way form may be indefinite: see `clipped`.
    """
    ways = [np.unique(column, return_inverse=True)[1] for column in clusters.T]
    signs = [1.0] * len(ways)
    if len(ways) == 2:
        ways.append(np.unique(clusters, axis=0, return_inverse=True)[1].ravel())
        signs.append(-1.0)
    meat = np.zeros_like(estimate.information)
    sizes = [int(codes.max()) + 1 for codes in ways]
    for codes, size, sign in zip(ways, sizes, signs, strict=True):
        totals = cluster_scores(estimate, codes, size)
        meat += (
            sign * small_sample_factor(correction, n_observations, estimate.n_parameters, size) * (totals.T @ totals)
        )
    covariance = Covariance(_CLUSTER, _sandwich_root(estimate, meat), correction, tuple(sizes[: clusters.shape[1]]))
    if len(ways) == 1 or not _is_indefinite(estimate.inverse_root.T @ meat @ estimate.inverse_root):
        return covariance
    half = estimate.solve(meat)
    return replace(covariance, indefinite=estimate.solve(half.T))


def _cr2(estimate: Estimate, clusters: npt.NDArray[Any]) -> Covariance:
    """Return CR2 of clusters in one way."""
    known = few_clusters(estimate, np.unique(clusters, return_inverse=True)[1])
    adjusted = known.adjusted_scores
    root = _root_in_coordinates(known.root, adjusted.T @ adjusted)
    return Covariance(_CR2, root, n_clusters=(len(adjusted),), few_clusters=known)


def clipped(estimate: Estimate, covariance: Covariance, reference: int) -> Covariance:
    """Return an indefinite covariance with the negative eigenvalues of that of the coefficients set to zero.

    As Cameron, Gelbach & Miller (2011) do. Eigenvalues depend on the coding: it is that of the coefficients against the
    class `reference`, at x = 0, in the units of X.
    """
    if covariance.indefinite is None:
        return covariance
    forms = estimate.contrast_map(reference)
    eigenvalues, vectors = linalg.eigh(forms @ covariance.indefinite @ forms.T)
    negative = eigenvalues < -np.finfo(np.float64).eps * eigenvalues[-1]
    added = vectors[:, negative] * np.sqrt(-eigenvalues[negative])
    # Back from the coefficients, whose units differ widely.
    units = np.maximum(linalg.norm(forms, axis=1), np.finfo(np.float64).tiny)
    back = np.linalg.lstsq(forms / units[:, np.newaxis], added / units[:, np.newaxis], rcond=None)[0]
    definite = covariance.indefinite + back @ back.T
    return replace(covariance, root=_sandwich_root(estimate, estimate.curvature @ definite @ estimate.curvature))


def _scores_of_one_copy(estimate: Estimate, copies: FloatArray | None) -> Iterable[tuple[slice, FloatArray]]:
    for rows, scores in estimate.scores():
        if copies is None:
            yield rows, scores
        else:
            yield rows, scores / np.where(copies[rows] > 0.0, copies[rows], 1.0)[:, np.newaxis]


def _meat(scores: Iterable[tuple[slice, FloatArray]], copies: FloatArray | None, size: int) -> FloatArray:
    """Return sum_i w_i s_i s_i', shape (P, P)."""
    meat = np.zeros((size, size))
    for rows, block in scores:
        weighted = block if copies is None else block * np.sqrt(copies[rows])[:, np.newaxis]
        meat += weighted.T @ weighted
    return meat


def _sandwich_root(estimate: Estimate, meat: FloatArray) -> FloatArray:
    """Return L, shape (P, k), of H^-1 meat H^-1 = L L', k its rank; negative eigenvalues of the meat are left out."""
    half = estimate.inverse_root
    return _root_in_coordinates(half, half.T @ meat @ half)


def _root_in_coordinates(half: FloatArray, meat: FloatArray) -> FloatArray:
    """Return L of half meat half' = L L', half of shape (P, k) and half half' the inverse of the curvature."""
    if not half.shape[1]:
        return half  # nothing is finite
    # In the metric of H the directions are of comparable size, and what is not is rounding.
    eigenvalues, vectors = linalg.eigh(meat)
    kept = eigenvalues > max(_RANK_TOLERANCE * eigenvalues[-1], _NOTHING)
    return np.asarray(half @ (vectors[:, kept] * np.sqrt(eigenvalues[kept])))


def _is_indefinite(matrix: FloatArray) -> bool:
    if not matrix.size:
        return False
    eigenvalues = linalg.eigvalsh(matrix)
    return bool(eigenvalues[0] < -_RANK_TOLERANCE * eigenvalues[-1])
