"""Views as Slack keeps them: what it refuses, and what stands in a form's fields.

What belongs here: pure functions over a view. What does not: which views there are (`fake_slack`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_SELECTS = ("static_select", "external_select")
_DATE = "datepicker"


def view_problem(view: Json, valid: Callable[[Json], bool]) -> str:
    """The error that Slack answers to a view that breaks a limit, or nothing; `valid` judges what is no input."""
    blocks: list[Json] = view.get("blocks", [])
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    wrong = (
        view.get("type") not in ("modal", "home"),
        view["type"] == "modal" and not _plain(view.get("title"), 24),
        any(not _plain(view[name], 24) for name in ("submit", "close") if name in view),
        len(view.get("private_metadata", "")) > 3000,
        not 1 <= len(blocks) <= 100,
        len(ids) != len(set(ids)) or any(len(one) > 255 for one in ids),
        any(block["type"] == "input" for block in blocks) and "submit" not in view,
        not all(_input_is_valid(block) if block["type"] == "input" else valid(block) for block in blocks),
    )
    return "invalid_arguments" if any(wrong) else ""


def _plain(text: Json | None, limit: int) -> bool:
    return text is not None and text["type"] == "plain_text" and 1 <= len(text["text"]) <= limit


def _input_is_valid(block: Json) -> bool:
    element = block["element"]
    kind = element["type"]
    listed = element.get("options", [])
    rules = (
        _plain(block["label"], 2000),
        kind in ("plain_text_input", "number_input", _DATE, *_SELECTS),
        "placeholder" not in element or _plain(element["placeholder"], 150),
        1 <= element.get("max_length", 1) <= 3000,
        kind != "static_select" or 1 <= len(listed) <= 100,
        kind != "number_input" or isinstance(element.get("is_decimal_allowed"), bool),
        all(_plain(one["text"], 75) and 1 <= len(one["value"]) <= 150 for one in listed),
        kind != "static_select" or element.get("initial_option", listed[:1] and listed[0]) in listed,
    )
    return all(rules)


def inputs(view: Json) -> Iterator[Json]:
    """The blocks of a form that people fill in."""
    return (block for block in view["blocks"] if block["type"] == "input")


def state_of(view: Json, before: Mapping[str, Any] | None = None) -> Json:
    """What stands in each field: what stood there before under the same ids, else what it begins with."""
    values: Json = {}
    for block in inputs(view):
        element, name = block["element"], block["element"]["action_id"]
        kept = (before or {}).get(block["block_id"], {}).get(name)
        values[block["block_id"]] = {name: kept or _begins_with(element)}
    return values


def _begins_with(element: Json) -> Json:
    if element["type"] in _SELECTS:
        return {"type": element["type"], "selected_option": element.get("initial_option")}
    if element["type"] == _DATE:
        return {"type": _DATE, "selected_date": element.get("initial_date")}
    return {"type": element["type"], "value": element.get("initial_value")}


def typed(element: Json, value: str) -> Json:
    """What a field holds when somebody chose or typed a value: of a list, only what it shows."""
    if element["type"] == _DATE:
        return {"type": _DATE, "selected_date": value or None}
    if element["type"] not in _SELECTS:
        return {"type": element["type"], "value": value or None}
    shown = [one for one in element.get("options", ()) if one["value"] == value]
    if element["type"] == "static_select" and not shown:
        message = f"{element['action_id']} does not list {value}"
        raise AssertionError(message)
    option = shown[0] if shown else {"text": {"type": "plain_text", "text": value}, "value": value}
    return {"type": element["type"], "selected_option": option}
