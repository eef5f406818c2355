"""Every step that a SOW can ask for. Each module of this folder is one step."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from backoffice.contract.step import Step

__all__ = ["STEPS", "AnyStep"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

STEPS: dict[str, type[Step]] = {model.model_fields["step"].default: model for model in Step.__subclasses__()}
"""Steps by name."""

if TYPE_CHECKING:
    AnyStep = Step
else:
    _models: Any = tuple(STEPS[name] for name in sorted(STEPS))
    AnyStep = Annotated[Union[_models], Field(discriminator="step")]  # noqa: UP007
