"""Wald statistics that fall although the effect grows."""

import numpy as np
import pytest
from estimates import estimate_of, golden, hsb2
from problems import Data, overlapping, two_classes, weighted

from softglm.inference.estimate import estimate_at
from softglm.inference.hauck_donner import hauck_donner, wald_slopes

VGAM = golden("r")["hauck_donner"]
# VGAM takes differences too.
VGAM_DIGITS = {"rtol": 1e-4}
# Of central differences with this step.
STEP, DIFFERENCE = 1e-4, {"rtol": 1e-5, "atol": 1e-6}


def wald_statistics(estimate, reference):
    forms = estimate.contrast_map(reference)
    errors = np.sqrt(np.diag(forms @ estimate.inverse_curvature @ forms.T))
    return estimate.contrasts(reference).ravel() / errors, errors


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("make", [overlapping, two_classes, weighted])
def test_slopes_are_those_of_differences(make, fit_intercept):
    estimate = estimate_of(make(), fit_intercept=fit_intercept)
    reference = 1
    forms = estimate.contrast_map(reference)
    moves = np.linalg.pinv(forms)
    _, errors = wald_statistics(estimate, reference)
    for j, slope in enumerate(wald_slopes(estimate, reference).ravel()):
        step = estimate.coordinates.displacement(moves[:, j])
        higher, lower = (
            wald_statistics(
                estimate_at(estimate.objective, estimate.parameters + sign * STEP * step, estimate.coordinates),
                reference,
            )[0][j]
            for sign in (1.0, -1.0)
        )
        np.testing.assert_allclose(slope, errors[j] * (higher - lower) / (2.0 * STEP), **DIFFERENCE)


def test_slopes_are_those_of_vgam():
    data = Data(np.array(VGAM["x"], dtype=float)[:, np.newaxis], np.array(VGAM["y"], dtype=np.int32))
    for name, estimate in {"slopes": estimate_of(data), "hsb2_slopes": estimate_of(hsb2())}.items():
        _, errors = wald_statistics(estimate, 0)
        slopes = wald_slopes(estimate, 0)
        np.testing.assert_allclose(slopes / errors.reshape(slopes.shape), VGAM[name], **VGAM_DIGITS)


def test_the_class_that_is_nearly_certain_shows_the_effect():
    data = Data(np.array(VGAM["x"], dtype=float)[:, np.newaxis], np.array(VGAM["y"], dtype=np.int32))
    np.testing.assert_array_equal(hauck_donner(estimate_of(data), 0), [[False, False], [False, True]])
