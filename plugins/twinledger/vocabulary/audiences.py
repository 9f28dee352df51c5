"""Audiences: what finance alone may be shown, told by type.

What belongs here: the two marks, and refusing what has the wrong one. What does not: what is secret
about a figure (`shielding`), and who reads (`web.readers`).

A type that holds what a vendor billed derives from `ForFinance`; one that any department may be shown from
`ForEveryone`. Whoever renders for everyone asks for the latter, so that mypy refuses the former; what is
put together at run time is refused by `check_everyone`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_type_hints

from twinledger.vocabulary.errors import TwinledgerError, WrongAudienceError

View = Literal["internal", "effective"]
"""Whose amounts a figure is in: internal charges, for everyone, or what vendors really charged, for finance alone."""


class ForFinance:
    """What only finance may be shown."""

    __slots__ = ()


class ForEveryone:
    """What any department may be shown."""

    __slots__ = ()


def check_everyone(subject: str, value: object) -> None:
    """Refuse a value that holds anything for finance, however deep.

    Raises:
        WrongAudienceError: it does.
    """
    for found in _parts(value):
        if isinstance(found, ForFinance):
            raise WrongAudienceError(f"{subject}: {type(found).__name__}", "finance", "everyone")


def check_everyone_type(kind: type[ForEveryone]) -> None:
    """Refuse a type for everyone that has a field for finance, however deep.

    Raises:
        WrongAudienceError: it has.
    """
    for found in _types(kind, set()):
        if issubclass(found, ForFinance):
            raise WrongAudienceError(f"{kind.__name__} with {found.__name__}", "finance", "everyone")


def sentence_for_everyone(error: BaseException) -> str:
    """What everybody may be told of an error: its sentence, where it never cites a vendor's figure."""
    if isinstance(error, TwinledgerError) and not error.for_finance:
        return str(error)
    return f"{type(error).__name__}: what it says is for finance alone"


def _parts(value: object) -> Iterator[object]:
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _parts(key)
            yield from _parts(one)
    elif isinstance(value, Collection) and not isinstance(value, str | bytes):
        for one in value:
            yield from _parts(one)


def _types(kind: Any, seen: set[type]) -> Iterator[type]:  # noqa: ANN401 - whatever stands in an annotation
    for inner in get_args(kind):
        yield from _types(inner, seen)
    if not isinstance(kind, type) or kind in seen:
        return
    seen.add(kind)
    yield kind
    if is_dataclass(kind):
        for hint in get_type_hints(kind).values():
            yield from _types(hint, seen)
