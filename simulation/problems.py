"""Turn a validator's complaint into one line per problem: field, what is wrong, value, what is allowed, hint."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from simulation.errors import described, nearest, shown
from simulation.strict import leaves

LIMIT = 20  # lines for one file
MORE = "and "  # how the line after them begins
TAGS = frozenset({"(number)", "(table)", "(law)", "(text)"})  # which member of a union was tried; not part of a path
_FIELD_FIRST = re.compile(r"^[a-z_]\w*(\[\d+\]|\.\w+)*: ")  # a message that names its field itself

Location = tuple[int | str, ...]
Places = dict[str, dict[str, list[str]]]


def problem_lines(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return the problems of `error` as lines `path: what is wrong (got value); hint`, at most 20."""
    problems = error.errors(include_url=False, include_context=True)
    parents = {problem["loc"][:depth] for problem in problems for depth in range(len(problem["loc"]))}
    problems = [problem for problem in problems if problem["type"] != "too_short" or problem["loc"] not in parents]
    places = _fields(model)
    lines = [line for problem in problems[: 5 * LIMIT] for line in _lines(problem, places)]
    return at_most(lines, len(problems) - 5 * LIMIT)


def at_most(lines: Sequence[str], unread: int = 0) -> list[str]:
    """Return the distinct lines, the first 20 of them and a word about the rest."""
    unique = list(dict.fromkeys(lines))
    rest = len(unique) - LIMIT + max(unread, 0)
    return unique[:LIMIT] + ([f"{MORE}{rest} more problems"] if rest > 0 else [])


def path(location: Location) -> str:
    """Return a dotted path such as `population[0].leverage`; validator tags are left out."""
    text = ""
    for part in _without_tags(location):
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]{1,64}", part, re.ASCII) else shown(part, 40)
            text += f".{name}" if text else name
    return text


def _without_tags(location: Location) -> list[int | str]:
    parts = [part for part in location if part not in TAGS]
    nested = len(parts) > 3 and parts[0] == "population" and parts[2] == "parameters"
    return [*parts[:2], *parts[3:]] if nested else parts


def _lines(problem: Any, places: Places) -> Iterator[str]:
    where = path(problem["loc"])
    if problem["type"] == "extra_forbidden":
        yield f"{where}: unknown field{_elsewhere(problem['loc'], places)}"
        return
    for text in _message(problem).split("\n"):
        if not where:
            yield text
        else:
            yield f"{where}.{text}" if _FIELD_FIRST.match(text) else f"{where}: {text}"


def _message(problem: Any) -> str:
    """Return what is wrong, with the value it was."""
    kind, context, value = problem["type"], problem.get("ctx", {}), problem["input"]
    if kind == "literal_error":
        known = context["expected"].replace(" or ", ", ").replace("'", "")
        return f"must be one of {known} (got {described(value)}){nearest(value, known.split(', '))}"
    words = _WORDS.get(kind)
    if words is None:
        text = problem["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        text = text.replace("Input should be", "must be")
        return text if "(got" in text or isinstance(value, dict | list | tuple) else f"{text} (got {described(value)})"
    if kind == "missing":
        return words
    got = str(context["actual_length"]) if kind.startswith("too_") else described(value)
    if kind == "string_too_long":
        got = f"{len(value):,} characters"
    context = {name: f"{item:.15g}" if isinstance(item, int | float) else item for name, item in context.items()}
    return f"{words.format(**context)} (got {got})"


_WORDS = {
    "missing": "required, but missing",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number with fewer digits",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_type": "must be text",
    "string_pattern_mismatch": "only letters, digits, '_', '.', '-', first a letter or digit, at most 64 in all",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_unicode": "must be valid Unicode",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}


def _elsewhere(location: Location, places: Places) -> str:
    """Return a hint for an unknown field: a close name in its own table, or the place where it belongs."""
    *above, name = _without_tags(location)
    known = _plain(path((*above, "")))
    here = [field for field, owners in places.items() if known in owners]
    homes = list(places.get(str(name), {}).items())
    if known in places.get(str(name), {}):
        return f" of this kind; it belongs to kind {', '.join(places[str(name)][known])}"
    if homes:
        found = [(bool(kind), home, f" of kind {kind}" if kind else "") for home, kinds in homes for kind in kinds]
        usual = [home for home in sorted(found) if not home[0]] or sorted(found)  # what every scenario has comes first
        return f" here; it belongs to {' or '.join(f'{home}{name}{of}' for _, home, of in usual[:2])}"
    if hint := nearest(name, here):
        return hint
    hint = nearest(name, places)
    if not hint:
        return ""
    owners = [where.rstrip(".") or "the top level" for where in sorted(places[hint.split("'")[1]])]
    return f"{hint[:-1]} in {' or '.join(owners[:2])}?"


def _plain(where: str) -> str:
    """Return a path to a table with list numbers left out: `markets[].tiers[].`."""
    return re.sub(r"\[\d+\]", "[]", where).replace('""', "")


def _fields(model: type[BaseModel]) -> Places:
    """Return field name -> path of the table it belongs to -> kinds of rule that have it."""
    found: Places = {}
    _walk(model, "", "", found)
    return found


def _walk(model: type[BaseModel], where: str, kind: str, found: Places) -> None:
    if where.count(".") > 3:  # rules that hold rules would go on for ever
        return
    for name, field in model.model_fields.items():
        kinds = found.setdefault(name, {}).setdefault(where, [])
        if kind not in kinds:
            kinds.append(kind)
        for leaf in leaves(field.annotation):
            listed = getattr(leaf, "__origin__", None) is tuple
            inner = leaf.__args__[0] if listed else leaf
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                for child in _concrete(inner):
                    _walk(child, f"{where}{name}{'[]' if listed else ''}.", getattr(child, "kind", "") or kind, found)


def _concrete(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    children = model.__subclasses__()
    if not children or getattr(model, "kind", ""):
        yield model
    for child in children:
        yield from _concrete(child)
