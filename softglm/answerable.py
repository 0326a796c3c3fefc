"""What `infer` can answer, of which fits and data: the rest is refused here, and told what to do instead."""

from dataclasses import dataclass
from typing import Any, final

from softglm.estimator import SoftmaxGLM
from softglm.fitted import has_offset
from softglm.inference.covariance import CLUSTERED, CORRECTIONS, KINDS, default_correction, needs_more_rows
from softglm.inference.estimate import Estimate
from softglm.observed import Units
from softglm.penalised import is_sparsely_fitted
from softglm.warn import warn_user


@final
@dataclass(frozen=True, eq=False)
class Asked:
    """Options of `infer`, under their names there."""

    weights: str
    reference: Any
    covariance: str
    clusters: Any
    correction: str | None
    distribution: str
    level: float
    estimates: str

    @property
    def is_bias_reduced(self) -> bool:
        """Whether estimates are."""
        return self.estimates == "bias-reduced"


def check_options(asked: Asked) -> None:
    """Raise if there is no such option, or two contradict one another."""
    covariance, correction, is_clustered = asked.covariance, asked.correction, asked.clusters is not None
    for name, value, allowed in (
        ("weights", asked.weights, ("frequency", "sampling")),
        ("covariance", asked.covariance, KINDS),
        ("correction", asked.correction, (None, *CORRECTIONS)),
        ("distribution", asked.distribution, ("normal", "t")),
        ("estimates", asked.estimates, ("fitted", "bias-reduced")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}.")
    if not 0.0 < asked.level < 1.0:
        raise ValueError(f"level must be between 0 and 1, as 0.95 is, got {asked.level!r}.")
    if (covariance in CLUSTERED) != is_clustered:
        raise ValueError(
            f"covariance={covariance!r} and clusters {'were' if is_clustered else 'were not'} given: pass "
            'covariance="cluster" (or "CR2") and the clusters of the rows together, or neither.'
        )
    if correction not in {None, "1"} and covariance == "CR2":
        raise ValueError(f'correction={correction!r} is for other covariances; "CR2" is a correction. Leave it out.')
    if correction not in {None, "1"} and covariance in {"model", "laplace"}:
        raise ValueError(f"correction={correction!r} is for robust covariances; covariance={covariance!r} has none.")
    if correction is not None and correction.startswith("G") and covariance != "cluster":
        raise ValueError(f'correction={correction!r} counts clusters; pass covariance="cluster" and clusters.')


def is_to_relax(model: SoftmaxGLM, *, relaxed: bool) -> bool:
    """Tell whether a model is to be refitted without its penalty; raise if it cannot be what is asked for."""
    is_sparse = is_sparsely_fitted(model)
    if is_sparse and (model.lower is not None or model.upper is not None):
        raise ValueError(
            "The coefficients of this model have bounds (lower, upper), and an estimate at a bound, or near it, has no "
            "standard error: its distribution is not normal in any sample. Refit without bounds."
        )
    if is_sparse and not relaxed:
        raise ValueError(
            f"This model holds coefficients at 0 (l1_ratio={model.l1_ratio!r}): the others are shrunk, those at 0 have "
            "no standard error, and which are which was selected on the same data, so that no p-value would hold. "
            "Refit with l1_ratio=0 and alpha=0; or infer with relaxed=True, from a refit of the selected features "
            "without a penalty."
        )
    if relaxed and not is_sparse:
        raise ValueError(
            "relaxed=True refits the features that an l1_ratio above 0 has selected, and this model has selected none. "
            "Leave it out."
        )
    return is_sparse


def check_offset(model: SoftmaxGLM, *, has_offset_here: bool) -> None:
    """Raise if there is an offset here and none in the fit, or none and one."""
    if has_offset_here != has_offset(model):
        given, fitted = ("an offset", "without") if has_offset_here else ("no offset", "with one")
        raise ValueError(f"infer got {given}, and the model was fitted {fitted}. Pass the offset of the fit.")


def check_data(asked: Asked, model: SoftmaxGLM, units: Units, *, is_reweighted: bool) -> None:
    """Raise if the data have no answer to what is asked; warn of a likelihood that makes too much of them."""
    if asked.is_bias_reduced:
        _check_bias_reduction(model, asked.covariance, units, is_reweighted=is_reweighted)
    if asked.covariance not in {"model", "laplace"}:
        return
    if is_reweighted:
        raise ValueError(
            f'covariance="{asked.covariance}" takes the weighted likelihood at its word, which sampling and class '
            'weights forbid: they change what is estimated, not how much is known. Pass covariance="robust".'
        )
    if units.holds_fractions:
        warn_user(
            "y holds fractions, which the model covariance treats as counts of independent observations. Pass "
            'covariance="robust" for standard errors that do not.',
            UserWarning,
        )


def _check_bias_reduction(model: SoftmaxGLM, covariance: str, units: Units, *, is_reweighted: bool) -> None:
    """Raise where another penalty, or what is no likelihood, has no bias that is known."""
    what = 'estimates="bias-reduced"'
    if model.alpha_ != 0.0:
        raise ValueError(
            f"{what} takes the place of a penalty, and this model was fitted with one (alpha = {model.alpha_:.4g}): it "
            "would reduce a bias that the ridge makes on purpose. Refit with alpha=0."
        )
    if not units.is_here:
        raise ValueError(
            f"{what} takes leverages of each row, and the rows are on a cluster, where these are many: the bias is of "
            "the order of 1 / n. Infer with the fitted estimates."
        )
    if is_reweighted:
        raise ValueError(
            f"{what} reduces the bias of maximum likelihood, and sampling or class weights leave no likelihood. Leave "
            "the weights out, or pass frequency weights; or infer with the fitted estimates."
        )
    if covariance == "laplace":
        raise ValueError(
            f'covariance="laplace" takes the ridge of a model as a prior, and for {what} there is none. Pass '
            'covariance="model".'
        )
    if covariance == "CR2":
        raise ValueError(
            f'covariance="CR2" corrects scores of maximum likelihood, and those of {what} do not sum to 0. Pass '
            'covariance="cluster"; or infer with the fitted estimates.'
        )


def check_estimate(asked: Asked, estimate: Estimate, units: Units) -> None:
    """Raise if the estimate, of so many parameters, has no covariance as it is asked for; warn of copies in parts."""
    if units.n_copies is not None:
        warn_user(
            f"sample_weight holds fractions, and they are read as numbers of copies of a row, {units.n_copies:,.6g} in "
            'all, which standard errors take at their word. If they are survey weights, pass weights="sampling" and '
            'covariance="robust".',
            UserWarning,
        )
    _check_size(asked, estimate, units.n_units)
    if asked.covariance == "CR2":
        _check_cr2(estimate, units)


def _check_size(asked: Asked, estimate: Estimate, n_rows: float) -> None:
    """Raise where n - k, by which a correction divides or which is the degrees of freedom of t, is not positive."""
    correction = default_correction(asked.covariance) if asked.correction is None else asked.correction
    if correction == "n/(n-1)" and not n_rows > 1.0:
        raise ValueError(f"correction={correction!r} needs more than one row, and there is {n_rows:g}. Pass another.")
    by_correction = needs_more_rows(correction)
    if not (by_correction or (asked.distribution == "t" and asked.clusters is None)) or n_rows > estimate.n_parameters:
        return
    what = f"correction={correction!r}" if by_correction else 'distribution="t"'
    raise ValueError(
        f"{what} needs more rows than parameters: n - k = {n_rows:g} - {estimate.n_parameters} here. (A row of counts "
        'is one row.) Use another correction, or distribution="normal"; or fit fewer parameters.'
    )


def _check_cr2(estimate: Estimate, units: Units) -> None:
    """Raise where residuals are not those of maximum likelihood, or clusters go more ways than one."""
    if estimate.is_penalised:
        raise ValueError(
            'covariance="CR2" takes the residuals to be those of a fit without penalty, and this one has one. Refit '
            'with alpha=0, or pass covariance="cluster".'
        )
    if units.clusters is not None and units.clusters.shape[1] > 1:
        raise ValueError(
            f'covariance="CR2" is for clusters in one way, got {units.clusters.shape[1]}. Pass the coarser, or the one '
            'with fewer clusters; or covariance="cluster".'
        )


def tell_of_one_cluster(terms: tuple[str, ...]) -> None:
    """Warn if one cluster alone knows of some terms, with CR2."""
    if terms:
        named = f"{terms[0]}," if len(terms) == 1 else f"{terms[0]} and {len(terms) - 1} more, each"
        warn_user(
            f'covariance="CR2" holds no variance of {named} of which one cluster alone knows, and there is no standard '
            "error; predictions and effects that hang on it have none either.",
            UserWarning,
        )
