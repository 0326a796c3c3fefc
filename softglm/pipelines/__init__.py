"""What goes into a pipeline: the user's columns, and what the fitted steps before a model make of them."""

from softglm.pipelines.inputs import inputs_of

__all__ = ["inputs_of"]
