"""Errors of a model that an operator asks for."""

from __future__ import annotations

from schemas.errors import NoCultureError


class ModelRefused(NoCultureError):
    """A model that cannot be used; whoever asked for it goes on without."""

    status = 500
    code = "model-refused"


class BrokenWeights(ModelRefused):
    code = "broken-weights"

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"The model file {file} is not used: {why}. Export or copy it again.")


class AbsentModel(ModelRefused):
    code = "absent-model"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The model {model} was asked for and is not in the folder of models "
            "(NOCULTURE_MODELS_DIR): put its files there, or ask for it no more."
        )
