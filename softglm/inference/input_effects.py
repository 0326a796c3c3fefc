"""Marginal effects of what a pipeline takes, where it makes the columns of the model of it.

They are taken along the line on which an input moves the columns, if that is the same in every row; else by differences
of what the pipeline makes of the input, moved or set.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.column_effects import EffectKind, MakeEffect, TermEffect, along, derivative_means
from softglm.inference.estimate import Estimate
from softglm.inference.factors import are_dummies, dummy_settings
from softglm.inference.inputs import Inputs, Setting, Variable
from softglm.inference.means import Counterfactual, forms_of
from softglm.once import cached_property

# A quotient of differences is a derivative if over a share of the step it is the same, or differs by less than this of
# its standard error.
_SHARE, _SAME, _NEGLIGIBLE = 1 / 8, 0.02, 0.05


def effects_of_inputs(
    estimate: Estimate,
    make: MakeEffect,
    inputs: Inputs,
    factors: Mapping[str, Sequence[int]],
    kind: EffectKind,
) -> tuple[list[TermEffect], tuple[str, ...]]:
    """Return the effects of the inputs, in their order, and why some have none.

    Parameters
    ----------
    estimate : Estimate
    make : callable
    inputs : Inputs
    factors : mapping from name to inputs
        Switches of which one is on at a time.
    kind : {"average", "at-means"}
    """
    of_inputs = _InputEffects(estimate, make, inputs, factors, kind)
    effects = of_inputs.effects()
    undetermined = [_reason(each) for each in inputs.variables if each.kind == "undetermined"]
    return effects, (*undetermined, *map(_without_derivative, of_inputs.without_derivative))


@final
class _InputEffects:
    """The effects of inputs: of numbers derivatives, of switches and factors differences from their base."""

    def __init__(
        self,
        estimate: Estimate,
        make: MakeEffect,
        inputs: Inputs,
        factors: Mapping[str, Sequence[int]],
        kind: EffectKind,
    ) -> None:
        self._estimate, self._make, self._inputs = estimate, make, inputs
        self._factors = {
            name: tuple(positions) for name, positions in factors.items() if are_dummies(inputs, positions)
        }
        self._counterfactual = Counterfactual(estimate, inputs, None if kind == "average" else inputs.means())
        self.without_derivative: list[str] = []

    def effects(self) -> list[TermEffect]:
        """Return the effects in the order of the inputs."""
        effects: list[TermEffect] = []
        done: set[int] = set()
        for variable in self._inputs.variables:
            together = [name for name, members in self._factors.items() if variable.position in members]
            if variable.position in done:
                continue
            if together:
                name, members = together[0], self._factors[together[0]]
                effects += self._of_levels(name, dummy_settings(self._inputs, name, members))
                done |= set(members)
            elif variable.kind == "number":
                effects.append(self._of_number(variable))
            elif variable.kind == "undetermined":
                nothing = np.full(self._estimate.n_classes, np.nan)
                effects.append(TermEffect(variable.name, None, nothing, nothing))
            else:
                settings = [(each.name, {variable.position: each.value}) for each in variable.levels]
                effects += self._of_levels(variable.name, settings)
        return effects

    def _of_levels(self, name: str, settings: Sequence[tuple[str, Setting]]) -> Iterator[TermEffect]:
        """Yield the differences between each setting and the first."""
        (base, setting), *others = settings
        probability, gradients, is_base_known = self._counterfactual.mean(setting)
        for level, other in others:
            there, gradients_there, is_known = self._counterfactual.mean(other)
            known = np.full(len(there), is_known and is_base_known)
            yield self._make(name, (level, base), there - probability, gradients_there - gradients, known)

    def _of_number(self, variable: Variable) -> TermEffect:
        """Return the derivative: along a line where there is one, and else by a difference."""
        estimate = self._estimate
        if variable.slope is None:
            found, nearer = self._by_difference(variable), self._by_difference(variable, _SHARE)
            change = np.abs(nearer.effect - found.effect)
            allowed = np.fmax(_SAME * np.nanmax(np.abs(found.effect), initial=0.0), _NEGLIGIBLE * found.std_error)
            if not (change > allowed).any():
                return found
            self.without_derivative.append(variable.name)
            nothing = np.full(estimate.n_classes, np.nan)
            return TermEffect(variable.name, None, nothing, nothing)
        jacobian, bends, is_known = self._means
        effect, gradients = along(estimate, variable.slope, jacobian, bends)
        is_known &= bool(estimate.row_space.estimable(forms_of(estimate, variable.slope[np.newaxis], 0.0)).all())
        return self._make(variable.name, None, effect, gradients, estimate.sees(gradients) & is_known)

    def _by_difference(self, variable: Variable, share: float = 1.0) -> TermEffect:
        """Return the quotient of a difference, over the step of a number or a share of it."""
        variable = replace(variable, step=share * variable.step)
        shifted = self._inputs.shifted(variable, self._counterfactual.setting({}))
        effect, gradients, is_known = self._counterfactual.slope(shifted, variable.step)
        return self._make(variable.name, None, effect, gradients, self._estimate.sees(gradients) & is_known)

    @cached_property
    def _means(self) -> tuple[FloatArray, FloatArray, bool]:
        """What derivatives along lines are made of, and whether they are known where they are taken."""
        if self._counterfactual.place is None:
            return *derivative_means(self._estimate, self._estimate.objective.rows), True
        transformed = self._inputs.transformed(self._counterfactual.place)
        rows = self._counterfactual.rows(transformed)
        return *derivative_means(self._estimate, rows), self._counterfactual.is_known(transformed)


def _reason(variable: Variable) -> str:
    """Return why an input has no effect."""
    name = variable.name
    return f"{name} has neither a derivative nor levels: {variable.reason}. See average_predictions({name!r}, values)."


def _without_derivative(name: str) -> str:
    """Return why a number has no effect, although it acts smoothly nearly everywhere."""
    return (
        f"{name} has no average derivative: it grows without bound at some of its values, as that of a root does at 0. "
        f"See average_predictions({name!r}, values)."
    )
