"""A rule: one frozen, validated model whose fields are its parameters and whose method is its mathematics.

A rule family (price process, impact law, margin rule, ...) is a direct subclass of `Rule` in the `base` module
of its folder; every concrete rule sets `kind`, the name scenario files call it by. There is no registry to edit:
being a subclass is the registration.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, ModelWrapValidatorHandler, SerializationInfo, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from simulation.errors import described, nearest
from simulation.strict import Strict


class Rule(Strict):
    """Base of all rules: immutable, closed (no unknown fields), finite numbers only, compared by value."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    kind: ClassVar[str] = ""

    @model_validator(mode="wrap")
    @classmethod
    def _choose_kind(cls, value: Any, build: ModelWrapValidatorHandler[Self]) -> Self:
        """Let `{"kind": "gbm", ...}` stand for the rule of that kind wherever its family is expected."""
        if isinstance(value, Rule):
            return build(value)
        if not isinstance(value, dict):
            text = f"must be a table with a 'kind' (got {described(value)})"
            raise PydanticCustomError("rule_type", "{text}", {"text": text})
        if cls.kind:
            return build({name: item for name, item in value.items() if name != "kind"})
        return cls.parse(value)

    @classmethod
    def parse(cls, value: dict[str, Any]) -> Self:
        """Build the rule of this family that `value["kind"]` names."""
        known = cls.kinds()
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in known:
            got = f"(got {described(kind)})" if "kind" in value else "(it is missing)"
            text = f"kind: must be one of {', '.join(known)} {got}{nearest(kind, known)}"
            raise PydanticCustomError("rule_kind", "{text}", {"text": text})
        return known[kind].model_validate(value)

    @classmethod
    def kinds(cls) -> dict[str, type[Self]]:
        """Return the concrete rules of this family by kind, sorted."""
        rules = [rule for rule in descendants(cls) if rule.kind]
        return {rule.kind: rule for rule in sorted(rules, key=lambda rule: rule.kind)}

    @model_serializer(mode="wrap")
    def _with_kind(self, serialise: Any, _info: SerializationInfo) -> dict[str, Any]:
        """Put `kind` first, so that what is written can be read again."""
        return {"kind": type(self).kind, **serialise(self)} if type(self).kind else serialise(self)


def descendants(cls: type) -> Iterator[type]:
    """Give the subclasses of `cls`, theirs after each; what has two parents comes twice."""
    for child in cls.__subclasses__():
        yield child
        yield from descendants(child)


def load_rules(package: str) -> None:
    """Import every module of the rule folder `package`, so that its rules can be named in scenarios."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{package}.{module.name}")
