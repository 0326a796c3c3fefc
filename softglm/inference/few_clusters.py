r"""Standard errors and tests that few clusters do not make too good: CR2, with Satterthwaite's degrees of freedom.

The residuals of a fit are smaller than the errors, and most so in a large cluster that decides the fit. CR2 undoes this
as far as the model knows it: were the model true, its covariance would be unbiased. With T_g the rows of cluster g in
whitened form, T_g'T_g = F_g its information, T_g'e_g = S_g its score and M the inverse of all information, the
residuals e_g have the covariance I - H_gg, H_gg = T_g M T_g', and CR2 divides them by its symmetric root. It is of the
size of the cluster; but T' (I - T M T')^-1/2 = (I - T'T M)^-1/2 T', so that in coordinates in which M is the identity

    Phi_g = R'F_g R, sum_g Phi_g = I       what the cluster has of the information, M = R R'
    a_g = (I - Phi_g)^-1/2 R'S_g           V = R (sum_g a_g a_g') R'

of the size of the parameters. How classes are coded, and which root of a row's information whitens it, does not matter.
A direction about which one cluster alone knows has no residual left there: it is left out (a pseudo-inverse), and what
moves with it, a coefficient, a prediction or an effect, has no standard error, which would want that share of its
variance. Weights of rows, sampling weights too, count as copies of them in the model that is taken to be true.

A linear form c has the estimated variance sum_g (b'a_g)^2, b = R'c of length 1. Were the model true, the b'a_g would
have the covariance

    Psi_gg = b'Phi_g b,   Psi_gh = -(N_g b)'(N_h b),   N_g = (I - Phi_g)^-1/2 Phi_g

and the variance would be distributed about as chi-squared with (tr Psi)^2 / tr Psi^2 degrees of freedom, over them. Of
q forms, orthonormal b, Psi_gh is q x q, and the statistic Q = b'V^-1 b about Hotelling's T^2:

    (eta - q + 1) / (eta q) Q ~ F(q, eta - q + 1),   eta = q (q + 1) / sum_gh [(tr Psi_gh)^2 + tr Psi_gh Psi_gh]

References
----------
R. M. Bell and D. F. McCaffrey, "Bias reduction in standard errors for linear regression with multi-stage samples",
Survey Methodology 28, 2002.
J. E. Pustejovsky and E. Tipton, "Small-sample methods for cluster-robust variance estimation and hypothesis testing in
fixed effects models", Journal of Business & Economic Statistics 36, 2018. doi:10.1080/07350015.2016.1247004
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.data import one_blas_thread, physical_memory
from softglm.inference.clusters import cluster_grams, cluster_scores
from softglm.inference.estimate import Estimate
from softglm.inference.lengths import row_lengths, unit_rows
from softglm.inference.score_sums import Codes
from softglm.inference.significance import FTest, Test, f_test, wald
from softglm.once import cached_property

# An eigenvalue of Phi this close to 1 is a direction about which no other cluster knows anything.
_ALONE = 1e-10
# A form may want this share of its standard error, of directions that are left out: it changes no digit that is shown.
_MOST_WANTING = 1e-3
# One below this changes no digit.
_NOTHING = 1e-15
# Of G equal clusters eta is G - 1, as their scores add up to 0. Where it is about q - 1 or less, q forms have no test.
_LEAST_FREEDOM = 0.5
# So many numbers are held at a time for the degrees of freedom of many forms.
_HELD = 2**23
# A test of many forms of many clusters that would take more products than this, some seconds, makes do with less.
_MOST_PRODUCTS = 4e9


@final
@dataclass(frozen=True, eq=False)
class Cluster:
    """What a cluster knows: Phi_g, by its eigenvalues that are not 0.

    Attributes
    ----------
    shares : array of shape (k_g,)
        The eigenvalues, at most 1.
    directions : array of shape (k, k_g)
        Their eigenvectors.
    """

    shares: FloatArray
    directions: FloatArray

    def adjusted(self, score: FloatArray) -> FloatArray:
        """Return (I - Phi_g)^-1/2 of a vector, shape (k,)."""
        return np.asarray(score + self.directions @ ((self._inverse_roots - 1.0) * (self.directions.T @ score)))

    def moved(self, units: FloatArray) -> FloatArray:
        """Return N_g b of forms b, both of shape (j, k)."""
        return np.asarray((units @ self.directions * self.shares * self._inverse_roots) @ self.directions.T)

    def known(self, units: FloatArray) -> FloatArray:
        """Return the factor, shape (j, k_g), of Psi_gg of forms of shape (j, k): its product with its transpose."""
        return np.asarray(units @ self.directions * np.where(self._alone, 0.0, np.sqrt(self.shares)))

    @property
    def own(self) -> FloatArray:
        """The directions about which no other cluster knows anything, shape (k, a)."""
        return self.directions[:, self._alone]

    @property
    def _alone(self) -> BoolArray:
        return np.asarray(self.shares > 1.0 - _ALONE)

    @property
    def _inverse_roots(self) -> FloatArray:
        """(1 - share)^-1/2, and 0 for a share of 1."""
        alone = self._alone
        return np.where(alone, 0.0, 1.0 / np.sqrt(np.where(alone, 1.0, 1.0 - self.shares)))


@final
@dataclass(frozen=True, eq=False)
class FewClusters:
    """What each cluster knows, in coordinates in which the information of all is the identity.

    Attributes
    ----------
    root : array of shape (P, k)
        R, from these coordinates to those of the estimate; k is the rank.
    scores : array of shape (G, k)
        R'S_g.
    clusters : tuple of G Cluster
    """

    root: FloatArray
    scores: FloatArray
    clusters: tuple[Cluster, ...]

    @cached_property
    def adjusted_scores(self) -> FloatArray:
        """(I - Phi_g)^-1/2 R'S_g, shape (G, k)."""
        return np.stack([cluster.adjusted(score) for cluster, score in zip(self.clusters, self.scores, strict=True)])

    @cached_property
    def left_out(self) -> FloatArray:
        """R D, shape (P, a), of orthonormal directions D about each of which one cluster alone knows."""
        return np.asarray(self.root @ np.concatenate([cluster.own for cluster in self.clusters], axis=1))

    def tells(self, forms: FloatArray) -> BoolArray:
        """Tell of which linear forms of the coordinates, (..., P), the residuals show all of the variance, (...)."""
        flat = forms.reshape(-1, forms.shape[-1])
        return is_shown(row_lengths(flat @ self.left_out), row_lengths(flat @ self.root)).reshape(forms.shape[:-1])

    # The products are small and many: more threads would mostly wait for each other.
    @one_blas_thread
    def degrees_of_freedom(self, forms: FloatArray) -> FloatArray:
        """Return Satterthwaite's degrees of freedom of each of some linear forms.

        Parameters
        ----------
        forms : array of shape (j, P)
            Of the coordinates of the estimate.

        Returns
        -------
        array of shape (j,)
            NaN of a form of which nothing is known.
        """
        units, _ = unit_rows(forms @ self.root)
        k = units.shape[1]
        step = max(_HELD // max(min(len(self.clusters), k) * k, 1), 1)
        parts = [self._satterthwaite(units[first : first + step]) for first in range(0, len(units), step)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def least_degrees_of_freedom(self, forms: FloatArray) -> float:
        """Return the least degrees of freedom of some linear forms, (j, P), for what is made of all of them."""
        return float(np.nanmin(np.append(self.degrees_of_freedom(forms), len(self.clusters) - 1.0)))

    @one_blas_thread
    def test(self, forms: FloatArray, values: FloatArray) -> Test:
        """Return the test that independent linear forms, which were estimated at `values`, are 0.

        Parameters
        ----------
        forms : array of shape (q, P)
        values : array of shape (q,)

        Returns
        -------
        FTest
            Without a statistic (`df` is 0) where the clusters are too few to test so many forms at once.
        """
        q, units = len(forms), forms @ self.root
        chi_squared = wald(units @ self.adjusted_scores.T, values)
        eta = self._hotelling(units) if chi_squared.df == q else 0.0
        freedom = eta - q + 1.0
        if not freedom >= _LEAST_FREEDOM:
            return FTest(float("nan"), 0, float("nan"), float("nan"), q)
        return f_test(chi_squared.statistic * freedom / (eta * q), q, freedom, q)

    def _satterthwaite(self, units: FloatArray) -> FloatArray:
        """Return (tr Psi)^2 / tr Psi^2 of each of the forms b, shape (j, k)."""
        n_forms, k = units.shape
        are_few = len(self.clusters) <= k
        trace, squares = np.zeros(n_forms), np.zeros(n_forms)
        spread = np.zeros((n_forms, k, len(self.clusters) if are_few else k))
        for place, cluster in enumerate(self.clusters):
            own, moved = np.square(cluster.known(units)).sum(axis=1), cluster.moved(units)
            trace += own
            squares += own**2 - np.square(moved).sum(axis=1) ** 2
            if are_few:
                spread[:, :, place] = moved
            else:
                spread += moved[:, :, np.newaxis] * moved[:, np.newaxis]
        # sum_gh (N_g b . N_h b)^2: of the matrix of these products, or of sum_g N_g b (N_g b)', all entries squared.
        between = spread.transpose(0, 2, 1) @ spread if are_few else spread
        squares += np.square(between).sum(axis=(1, 2))
        return np.asarray(np.divide(trace**2, squares, out=np.full(n_forms, np.nan), where=squares > 0.0))

    def _hotelling(self, units: FloatArray) -> float:
        """Return eta of forms, shape (q, k), of full rank."""
        q, k = units.shape
        if q == 1:
            return float(self._satterthwaite(units)[0])
        factors = [cluster.known(units) for cluster in self.clusters]
        total = np.sum([factor @ factor.T for factor in factors], axis=0)
        whitening = linalg.inv(linalg.cholesky(total, lower=True))
        own = [whitening @ factor @ factor.T @ whitening.T for factor in factors]
        squares = sum(np.trace(block) ** 2 + np.vdot(block, block) for block in own)
        moved = (cluster.moved(whitening @ units) for cluster in self.clusters)
        if float(len(self.clusters) * q) ** 2 * k <= _MOST_PRODUCTS:
            squares += _between(np.stack(list(moved)))
        else:
            # At most this, by Cauchy and Schwarz, about a G-th of the other squares: eta is somewhat too small.
            squares += 2.0 * sum(np.vdot(one, one) for one in moved) ** 2
        return float(q * (q + 1.0) / squares)


def is_shown(left_out: FloatArray, whole: FloatArray) -> BoolArray:
    """Tell of which linear forms the residuals show all of the variance.

    Parameters
    ----------
    left_out, whole : arrays of one shape
        Standard errors under the model, in the directions that are left out and in all.
    """
    return np.asarray(left_out <= _MOST_WANTING * whole)


@one_blas_thread
def few_clusters(estimate: Estimate, codes: Codes) -> FewClusters:
    """Return what each cluster knows.

    Parameters
    ----------
    estimate : Estimate
        Without a penalty.
    codes : array of shape (n,)
        The cluster of each row, from 0 to G - 1, every one of which occurs.

    Raises
    ------
    MemoryError
        If what each cluster knows does not fit in memory; said before the work.
    """
    n_clusters = int(codes.max()) + 1
    _check_memory(estimate, codes, n_clusters)
    root = estimate.inverse_root
    clusters = []
    for grams in cluster_grams(estimate, codes, n_clusters):
        shares, directions = linalg.eigh(root.T @ estimate.information_of(grams) @ root)
        kept = shares > _NOTHING
        clusters.append(Cluster(np.minimum(shares[kept], 1.0), directions[:, kept]))
    return FewClusters(root, cluster_scores(estimate, codes, n_clusters) @ root, tuple(clusters))


def _check_memory(estimate: Estimate, codes: Codes, n_clusters: int) -> None:
    memory = physical_memory()
    r, s = estimate.coordinates.scales.shape
    sums = n_clusters * estimate.objective.family.n_curvature_directions * (r * (r + 1) // 2)
    ranks = np.minimum(np.bincount(codes) * s, estimate.n_parameters).sum()
    needed = float(sums + ranks * estimate.n_parameters) * np.dtype(np.float64).itemsize
    if needed > memory:
        raise MemoryError(
            f'covariance="CR2" holds what each of {n_clusters:,} clusters knows of {estimate.n_parameters:,} '
            f"parameters, {needed / 1e9:,.1f} GB, and this machine has {memory / 1e9:,.1f} GB. Pass "
            'covariance="cluster", which needs no correction where clusters are so many; or fewer of them.'
        )


def _between(moved: FloatArray) -> float:
    """Return the sum of (tr Psi_gh)^2 + tr Psi_gh Psi_gh over clusters g and other ones, of N b of shape (G, q, k)."""
    _, q, k = moved.shape
    squares = 0.0
    for place, one in enumerate(moved[1:], 1):
        blocks = (moved[:place].reshape(place * q, k) @ one.T).reshape(place, q, q)
        traces = np.trace(blocks, axis1=1, axis2=2)
        squares += 2.0 * float(traces @ traces + np.einsum("hst,hts->", blocks, blocks))
    return squares
