"""A Terraform plan, from the bytes of `terraform show -json` to changes of resources.

What belongs here: the format, and its bounds: a plan comes from whoever proposes a change. What does not: what a
resource counts as (`measure`).

Source: developer.hashicorp.com/terraform/internals/json-format, format version 1.x; OpenTofu writes the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NoReturn

from twinledger.plans.attributes import Side
from twinledger.plans.providers import Providers, ProviderSettings, read_providers
from twinledger.vocabulary.errors import FailedPlanError, PlanTooLargeError, PlanVersionError, UnreadablePlanError

MAX_BYTES = 64 * 2**20
MOST_RESOURCES = 10_000
DEEPEST = 100
LONGEST_ADDRESS = 512
FORMAT = "1."

Action = Literal["create", "replace", "update", "delete", "keep"]

# "forget" takes a resource out of the state and leaves it running: what it draws stays drawn.
_ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("no-op",): "keep",
    ("read",): "keep",
    ("forget",): "keep",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One resource, as it is and as it will be."""

    address: str
    type: str
    action: Action
    before: Side
    after: Side
    previous_address: str
    """Where it was before it was moved; empty where it was not."""
    settings: ProviderSettings
    """What its provider's configuration says."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What Terraform would do; data sources and deposed objects are no part of it."""

    name: str
    digest: str
    """SHA-256 of the file, in hexadecimal."""
    changes: tuple[Change, ...]


def read_plan(path: Path) -> Plan:
    """A plan in a file; raises as `parse_plan`, and UnreadablePlanError where there is no such file."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadablePlanError(path.name, "file", "a file that can be read", error.strerror or "none") from None
    return parse_plan(raw, path.name)


def parse_plan(raw: bytes, name: str) -> Plan:
    """The plan that `terraform show -json PLANFILE` printed.

    Raises:
        PlanTooLargeError: more bytes, levels, resources or characters of an address than are read.
        UnreadablePlanError: it is no JSON, no plan, or not in the form of one.
        PlanVersionError: another format version than 1.x.
        FailedPlanError: planning ended with an error: what would be provisioned is not all there.
    """
    if len(raw) > MAX_BYTES:
        raise PlanTooLargeError(name, "bytes", MAX_BYTES)
    root = _object(_json(raw, name), name, "the file")
    version = root.get("format_version")
    if not isinstance(version, str) or not version.startswith(FORMAT):
        raise PlanVersionError(name, f"{version}", f"{FORMAT}x")
    if "resource_changes" not in root and "values" in root:
        raise UnreadablePlanError(name, "the file", "a plan", "a state: name the plan's file to `terraform show -json`")
    if root.get("errored") is True:
        raise FailedPlanError(name)
    entries = _list(root.get("resource_changes", []), name, "resource_changes")
    if len(entries) > MOST_RESOURCES:
        raise PlanTooLargeError(name, "resources", MOST_RESOURCES)
    providers = read_providers(root)
    found = (_changes(entry, name, f"resource_changes[{at}]", providers) for at, entry in enumerate(entries))
    changes = tuple(chain.from_iterable(found))
    _check_once(changes, name)
    return Plan(name, hashlib.sha256(raw).hexdigest(), changes)


def _json(raw: bytes, name: str) -> object:
    if raw.startswith(b"PK"):
        raise UnreadablePlanError(name, "the file", "JSON", "a binary plan: run `terraform show -json` on it")
    try:
        root = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise PlanTooLargeError(name, "levels", DEEPEST) from None
    except UnicodeDecodeError:
        raise UnreadablePlanError(name, "the file", "JSON in UTF-8", "another encoding") from None
    except (ValueError, ArithmeticError) as error:  # of an exponent that no decimal has
        raise UnreadablePlanError(name, "the file", "JSON", str(error)) from None
    if _deeper(root, DEEPEST):
        raise PlanTooLargeError(name, "levels", DEEPEST)
    return root


def _no_number(text: str) -> NoReturn:
    message = f"{text} is no number"
    raise ValueError(message)


def _deeper(root: object, levels: int) -> bool:
    """Whether anything is nested deeper than so many levels; level by level, so that depth costs no stack."""
    level = [root]
    for _ in range(levels):
        level = [child for one in level for child in _within(one)]
        if not level:
            return False
    return True


def _within(one: object) -> list[object]:
    children = list(one.values()) if isinstance(one, dict) else one if isinstance(one, list) else []
    return [child for child in children if isinstance(child, dict | list)]


def _changes(entry: object, name: str, place: str, providers: Providers) -> Iterator[Change]:
    """The change that an entry is of; none for data sources, and for what an earlier apply could not destroy."""
    found = _object(entry, name, place)
    if found.get("mode") != "managed" or found.get("deposed"):
        return
    change = _object(found.get("change"), name, f"{place}.change")
    address = _address(found.get("address"), name, f"{place}.address")
    previous, module = found.get("previous_address"), found.get("module_address")
    yield Change(
        address=address,
        type=_text(found.get("type"), name, f"{place}.type"),
        action=_action(change.get("actions"), name, f"{place}.change.actions"),
        before=Side(change.get("before"), sensitive=change.get("before_sensitive", False)),
        after=Side(change.get("after"), change.get("after_unknown", False), change.get("after_sensitive", False)),
        previous_address=_address(previous, name, f"{place}.previous_address") if previous is not None else "",
        settings=providers.of(module if isinstance(module, str) else "", f"{found.get('type')}.{found.get('name')}"),
    )


def _check_once(changes: Iterable[Change], name: str) -> None:
    """An address is a resource's identity: two of them would draw as one."""
    seen: set[str] = set()
    for change in changes:
        if change.address in seen:
            raise UnreadablePlanError(name, change.address, "each address once", "it twice")
        seen.add(change.address)


def _action(value: object, name: str, place: str) -> Action:
    actions = tuple(str(one) for one in _list(value, name, place))
    if actions not in _ACTIONS:
        known = ", ".join("+".join(one) for one in _ACTIONS)
        raise UnreadablePlanError(name, place, f"one of {known}", "+".join(actions))
    return _ACTIONS[actions]


def _address(value: object, name: str, place: str) -> str:
    address = _text(value, name, place)
    if len(address) > LONGEST_ADDRESS:
        raise PlanTooLargeError(name, f"characters of {place}", LONGEST_ADDRESS)
    return address


def _text(value: object, name: str, place: str) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise UnreadablePlanError(name, place, "text of one line", _kind(value))
    return value


def _object(value: object, name: str, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadablePlanError(name, place, "an object", _kind(value))
    return value


def _list(value: object, name: str, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadablePlanError(name, place, "a list", _kind(value))
    return value


def _kind(value: object) -> str:
    """What a value is; never the value, which may be a secret."""
    kinds = {"str": "other text", "dict": "an object", "list": "a list", "bool": "true or false", "NoneType": "nothing"}
    return kinds.get(type(value).__name__, "a number")
