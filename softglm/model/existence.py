"""Whether there is anything to find: a minimiser, and a Hessian that is small enough to find it by."""

from typing import final

from softglm.arrays import FloatArray
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.limits import has_few_directions
from softglm.model.passes import Passes
from softglm.model.proof.programs import ProgramTooLargeError
from softglm.model.proof.recession import is_separated, separates
from softglm.model.proof.single_columns import separating_column

# Where the penalty can prove the optimum too, the exact Hessian is used while it costs no more evaluations than this.
_MAX_PRICE = 400.0


@final
class Existence:
    """What is known about the minimiser of an objective, and remembered once it was decided.

    Parameters
    ----------
    passes : Passes
        Of the objective, in double precision.
    coordinates : KroneckerCoordinates
        Of the null model, or about those.

    Attributes
    ----------
    fits, has_hessian : bool
        Whether a Hessian is small enough, and whether the exact one is worth its price.
    """

    def __init__(self, passes: Passes, coordinates: KroneckerCoordinates) -> None:
        self._objective, self._coordinates = passes.objective, coordinates
        self._is_separated: bool | None = None
        self._was_asked = False
        objective, n = passes.objective, passes.objective.rows.n_rows
        r, s = coordinates.scales.shape
        self.fits = r * s <= objective.tuning.hessian_parameters and has_few_directions(objective.family)
        pays = passes.hessian_price(n) <= _MAX_PRICE * passes.evaluation_price or not objective.is_penalised
        self.has_hessian = self.fits and pays
        # Programs need coordinates that whiten.
        self._is_decidable = self.fits and coordinates.features.ndim == 2

    def has_no_minimiser(self, point: FloatArray, *, thorough: bool) -> bool | None:
        """Tell whether nothing is penalised and the data are separated: by margins here, a column, or linear programs.

        None if that is not known, or too large to decide.
        """
        if self._objective.is_penalised:
            return False
        if self._objective.penalty.curvature.any():
            return None  # whether what is not penalised separates, the programs do not know
        if self._is_separated is None and (self.has_hessian or thorough):
            if separates(self._objective, point):
                self._is_separated = True
            elif thorough and not self._was_asked:
                self._is_separated, self._was_asked = self._decided(point), True
        return self._is_separated

    def _decided(self, point: FloatArray) -> bool | None:
        """Decide by single columns, or linear programs; None if they cannot, or would take too long."""
        if separating_column(self._objective) is not None:
            return True
        if not self._is_decidable:
            return None
        try:
            return is_separated(self._objective, self._coordinates, point)
        except (ArithmeticError, ProgramTooLargeError):
            return None
