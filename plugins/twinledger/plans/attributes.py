"""Attributes of a planned resource, found by their path.

What belongs here: walking what Terraform says of one resource. What does not: what an attribute means.

Source: developer.hashicorp.com/terraform/internals/json-format, "change representation": `after_unknown` and
`after_sensitive` have the form of `after`, with true where a value is not known yet or is not to be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from twinledger.vocabulary.errors import InvalidAmountError
from twinledger.vocabulary.money import exact_sum, parse_amount

LONGEST_TEXT = 255


class GapError(Exception):
    """Something that a plan does not say, or the table; it leaves this room as a value (`Unmeasured`)."""

    def __init__(self, reason: str, remedy: str) -> None:
        """Say what is missing and what to do."""
        self.reason, self.remedy = reason, remedy
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Side:
    """A resource as it is before a change, or after it, with what of it is unknown or sensitive."""

    tree: object
    unknown: object = False
    sensitive: object = False

    def first(self, paths: Iterable[str]) -> list[object]:
        """The values at the first path that has some; raises GapError where none has, and one will."""
        hidden = ""
        for path in paths:
            if marked(self.unknown, path):
                hidden = hidden or f"its {path} is known only after the apply"
            elif marked(self.sensitive, path):
                hidden = hidden or f"its {path} is marked as sensitive"
            elif found := values(self.tree, path):
                return found
        if hidden:
            raise GapError(hidden, "say it in the configuration or in a variable, so that the plan shows it")
        return []

    def text(self, paths: Iterable[str]) -> str:
        """The first of them as text, or nothing, also where it is not known yet."""
        try:
            return next((text_of(value, "value") for value in self.first(paths)), "")
        except GapError:
            return ""


def values(tree: object, path: str) -> list[object]:
    """What stands at a path: the entries of a list, and nothing for null and empty text."""
    found = [tree]
    for part in path.split("."):
        found = [child for parent in found for child in _children(parent, part)]
    leaves = [leaf for one in found for leaf in (one if isinstance(one, list) else [one])]
    return [leaf for leaf in leaves if leaf not in (None, "")]


def marked(mask: object, path: str) -> bool:
    """Whether a mask says true of anything at a path."""
    found = [mask]
    for part in path.split("."):
        if any(one is True for one in found):
            return True
        found = [child for parent in found for child in _children(parent, part)]
    return any(_says_true(one) for one in found)


def number_of(found: Iterable[object], path: str) -> Decimal:
    """The sum of the numbers at a path; raises GapError where one is no number, or below zero."""
    numbers = [_number(value) for value in found]
    if any(number is None for number in numbers):
        raise GapError(f"its {path} is no number from 0 on", "correct the path in resources.yaml")
    return exact_sum(number for number in numbers if number is not None)


def text_of(value: object, path: str) -> str:
    """A value as text of one line; raises GapError where it is none that can be kept."""
    text = value if isinstance(value, str) else ""
    if not isinstance(value, str) and (number := _number(value)) is not None:
        text = digits(number)
    if not text or len(text) > LONGEST_TEXT or not text.isprintable():
        raise GapError(
            f"its {path} is no text of up to {LONGEST_TEXT} characters", "correct the path in resources.yaml"
        )
    return text


def digits(number: Decimal) -> str:
    """A number as people write it: no exponent, no trailing zeros."""
    return f"{number.normalize():f}"


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = parse_amount(str(value))
    except InvalidAmountError:
        return None
    return found if found >= 0 else None


def _children(parent: object, part: str) -> Iterable[object]:
    if isinstance(parent, Mapping):
        return parent.values() if part == "*" else [parent[part]] if part in parent else []
    if isinstance(parent, list):
        if part == "*":
            return parent
        return parent[int(part) : int(part) + 1] if part.isdecimal() else []
    return []


def _says_true(mask: object) -> bool:
    if isinstance(mask, Mapping):
        return any(_says_true(one) for one in mask.values())
    if isinstance(mask, list):
        return any(_says_true(one) for one in mask)
    return mask is True
