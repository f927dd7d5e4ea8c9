"""The base of everything that is read from a scenario: frozen, closed, finite, and never guessed."""

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from simulation.errors import shown

_NUMBERS = (int, float)
_LOOKED_INTO = 1000  # longer lists are price tables, which check their numbers themselves


class Strict(BaseModel):
    """Data that says what it means: immutable, no unknown fields, finite numbers, no conversion between types.

    Text is no number although it may look like one, true is not 1, and 100.0 is not a whole number. A whole number is
    welcome where any number is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _as_written(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        if not any(isinstance(item, BeforeValidator) for item in field.metadata):  # those look for themselves
            refuse_guesses(value, field.annotation)
        return value


def refuse_guesses(value: Any, annotation: Any) -> None:
    """Raise if a number is expected and `value` would only be one after a conversion; looks into short lists."""
    allowed = leaves(annotation)
    if isinstance(value, list | tuple) and len(value) <= _LOOKED_INTO:
        for parts in (get_args(leaf) for leaf in allowed if get_origin(leaf) is tuple):
            for item, part in zip(value, parts[:1] * len(value) if parts[-1] is ... else parts, strict=False):
                refuse_guesses(item, part)
    if not set(_NUMBERS) & set(allowed):
        return
    whole = float not in allowed
    if isinstance(value, bool) and bool not in allowed:
        raise _refusal(whole, "true" if value else "false")
    if isinstance(value, str) and str not in allowed:
        raise _refusal(whole, f"text {shown(value)}", _hint(value))
    if isinstance(value, float) and whole and value == value // 1:
        raise _refusal(whole, repr(value), "; hint: write it without a point")


def leaves(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation: the members of unions, without `Annotated`."""
    if hasattr(annotation, "__metadata__"):
        return leaves(get_args(annotation)[0])
    if get_origin(annotation) in (types.UnionType, Union):
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
