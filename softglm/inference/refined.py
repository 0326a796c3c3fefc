"""From where a fit stopped to its optimum: exact Newton steps."""

import numpy as np

from softglm.inference.estimate import Estimate

# Standard errors from the optimum that are no longer worth a step.
_NEGLIGIBLE_DISTANCE = 1e-6
_MAX_STEPS, _MAX_HALVINGS = 30, 30


def refined(estimate: Estimate, tolerance: float = _NEGLIGIBLE_DISTANCE) -> Estimate:
    """Take exact Newton steps until the optimum is within this many standard errors, or rounding stops them."""
    for _ in range(_MAX_STEPS):
        distance = estimate.distance
        if distance <= tolerance:
            break
        nearer = _newton_step(estimate, distance)
        if nearer is None:
            break
        estimate = nearer
    return estimate


def _newton_step(estimate: Estimate, distance: float) -> Estimate | None:
    """Return the estimate after a Newton step, halved until it approaches the optimum; None if no step does."""
    objective, coordinates = estimate.objective, estimate.coordinates
    step = coordinates.displacement(estimate.solve(estimate.gradient))
    length = 1.0
    for _ in range(_MAX_HALVINGS):
        trial = estimate.parameters - length * step
        there, gradient = objective.evaluate(trial)
        pulled = estimate.total_weight * coordinates.pull_back(gradient)
        # Near the optimum f is flat to rounding, and the gradient tells alone.
        if there < estimate.value or np.sqrt(abs(pulled @ estimate.solve(pulled))) < 0.5 * distance:
            return estimate.at(trial)
        length /= 2.0
    return None
