"""Which questions a fit answers: a penalty biases the estimates, weights leave no likelihood, and some distrust it."""

from dataclasses import dataclass
from typing import final

from softglm.inference.covariance import Covariance


@final
@dataclass(frozen=True, eq=False)
class Validity:
    """What the estimates and the likelihood of a fit are good for.

    Attributes
    ----------
    is_penalised : bool
        Whether a penalty biases the estimates towards zero, by design.
    is_reweighted : bool
        Whether sampling or class weights make the likelihood a pseudo-likelihood.
    covariance : Covariance
        A robust one was chosen not to trust the likelihood.
    """

    is_penalised: bool
    is_reweighted: bool
    covariance: Covariance

    @property
    def has_trusted_likelihood(self) -> bool:
        """Whether the likelihood is one, and trusted."""
        return not (self.is_reweighted or self.covariance.is_robust)

    def require_tests(self, what: str) -> None:
        """Raise if the fit is penalised.

        Parameters
        ----------
        what : str
            What was asked for, in the plural.

        Raises
        ------
        ValueError
            With the remedy.
        """
        if self.is_penalised:
            raise ValueError(
                f"{what} need a fit without penalty: this one shrinks the coefficients towards zero, which is what "
                "would be tested. Refit with alpha=0."
            )

    def require_likelihood(self, what: str, remedy: str = 'For tests, use test_terms("wald")') -> None:
        """Raise if weights leave no likelihood.

        Parameters
        ----------
        what : str
            What was asked for.
        remedy : str
            What to do instead, without a full stop.

        Raises
        ------
        ValueError
            With the remedy.
        """
        if self.is_reweighted:
            raise ValueError(
                f"{what} would need a likelihood, and sampling or class weights leave only estimating equations. "
                f"{remedy}."
            )

    def require_trusted_likelihood(self, what: str, remedy: str) -> None:
        """Raise if weights leave no likelihood, or the covariance does not trust it.

        Parameters
        ----------
        what : str
            What was asked for.
        remedy : str
            What to do instead, without a full stop.

        Raises
        ------
        ValueError
            With the remedy.
        """
        self.require_likelihood(what, remedy)
        if self.covariance.is_robust:
            raise ValueError(
                f"{what} would trust the likelihood, which the {self.covariance.kind} covariance was chosen not to do. "
                f"{remedy}."
            )
