"""The base of everything that is read from a scenario: frozen, closed, finite, and never guessed."""

import types
from typing import Any, Self, TypeAliasType, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from simulation.errors import shown

_NUMBERS = (int, float)


class Strict(BaseModel):
    """Data that says what it means: immutable, no unknown fields, finite numbers, no conversion between types.

    Text is no number although it may look like one, true is not 1, and 100.0 is not a whole number. A whole number is
    welcome where any number is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _as_written(cls, value: Any, info: ValidationInfo) -> Any:
        refuse_guesses(value, cls.model_fields[info.field_name or ""].annotation)
        return value

    def model_copy_with(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again."""
        return type(self).model_validate({**dict(self), **changes})


def refuse_guesses(value: Any, annotation: Any) -> None:
    """Raise if a number is expected and `value` would only be one after a conversion; looks into lists and tables."""
    allowed = leaves(annotation)
    scalars = {leaf for leaf in allowed if isinstance(leaf, type)}
    if not scalars & set(_NUMBERS):
        return
    whole = float not in scalars
    if isinstance(value, bool) and bool not in scalars:
        raise _refusal(whole, "true" if value else "false")
    if isinstance(value, str) and str not in scalars:
        raise _refusal(whole, f"text {shown(value)}", _hint(value))
    if isinstance(value, float) and whole and value == value // 1:
        raise _refusal(whole, repr(value), "; hint: write it without a point")


def leaves(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation: the members of unions, without `Annotated` and aliases."""
    if isinstance(annotation, TypeAliasType if hasattr(types, "UnionType") else ()):
        return leaves(annotation.__value__)
    origin = get_origin(annotation)
    if hasattr(annotation, "__metadata__"):
        return leaves(get_args(annotation)[0])
    if origin is types.UnionType or str(origin) == "typing.Union":
        return [leaf for part in get_args(annotation) for leaf in leaves(part)]
    return [annotation]


def _refusal(whole: bool, got: str, hint: str = "") -> PydanticCustomError:
    kind = "a whole number" if whole else "a number"
    return PydanticCustomError("not_a_number", "{text}", {"text": f"must be {kind} (got {got}){hint}"})


def _hint(text: str) -> str:
    bare = text.strip().replace(",", "").replace("_", "")
    number = bare.rstrip("%xX")
    try:
        float(number)
    except ValueError:
        return ""
    if bare.endswith("%"):
        return f"; hint: {float(number) / 100:g}"
    if bare != number or bare != text.strip():
        return f"; hint: {number}"
    return "; hint: remove the quotes"
