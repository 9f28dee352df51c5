"""Pieces of a Slack message, each within Slack's limits.

What belongs here: escaping, cutting, and one function for each kind of block. What does not: what
a message says. Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from twinledger.vocabulary.identities import digest, short

MOST_BLOCKS = 50
MOST_FIELDS = 10
SECTION_LENGTH = 3000
FIELD_LENGTH = 2000
HEADER_LENGTH = 150
BUTTON_LENGTH = 75
VALUE_LENGTH = 2000
METADATA_LENGTH = 3000
TITLE_LENGTH = 24
TEXT_LENGTH = 4000
ALT_LENGTH = 2000

Block = dict[str, Any]

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed to Slack: `text` is all that a phone's notification shows."""

    text: str
    blocks: tuple[Block, ...]


def escaped(text: str, limit: int = SECTION_LENGTH) -> str:
    """Text of people, on one line, that cannot mention anybody; cut without halving an entity."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return _within(line, limit)


def _within(text: str, limit: int) -> str:
    letters = [_ENTITIES.get(letter, letter) for letter in text]
    if sum(map(len, letters)) <= limit:
        return "".join(letters)
    length, kept = 0, 0
    while length + len(letters[kept]) < limit:
        length += len(letters[kept])
        kept += 1
    return "".join(letters[:kept]).rstrip() + _ELLIPSIS


def quoted(text: str, limit: int = 1500) -> str:
    """Text of people as a quotation: every line of it is marked, so that none can pass for ours."""
    lines = [line for line in (escaped(line, limit) for line in text.splitlines()) if line]
    kept: list[str] = []
    for line in lines:
        room = limit - sum(len(one) + 2 for one in kept) - 2
        if room < len(line):
            kept.append(_ELLIPSIS)
            break
        kept.append(line)
    return "\n".join(f"> {line}" for line in kept)


def quotation(text: str, limit: int = 1500) -> list[Block]:
    """A paragraph that quotes people; none where they wrote nothing that can be seen."""
    lines = quoted(text, limit)
    return [section(lines)] if lines else []


def markdown(text: str) -> Block:
    """A text object in which Slack links nothing by itself: no channel, no user, no address."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    """A headline of plain text."""
    return {"type": "header", "text": {"type": "plain_text", "text": escaped(text, HEADER_LENGTH), "emoji": False}}


def section(text: str) -> Block:
    """A paragraph; too long a one is cut at the end of a line that fits."""
    return {"type": "section", "text": markdown(_whole_lines(text, SECTION_LENGTH))}


def _whole_lines(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[: limit - 2]
    return head[: head.rindex("\n") + 1 if "\n" in head else None] + _ELLIPSIS


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """Two columns of name and value, at most ten; values are escaped here."""
    texts = [f"*{name}*\n{escaped(value, FIELD_LENGTH - 200)}" for name, value in pairs[:MOST_FIELDS]]
    return {"type": "section", "fields": [markdown(text) for text in texts]}


def context(*texts: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [markdown(_whole_lines(text, FIELD_LENGTH)) for text in texts[:MOST_FIELDS]]}


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(label: str, action: str, value: str, *, style: str = "", confirm: Block | None = None) -> Block:
    """A button that posts `action` and `value` to us."""
    made: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": escaped(label, BUTTON_LENGTH)},
        "value": value[:VALUE_LENGTH],
    }
    if style:
        made["style"] = style
    if confirm:
        made["confirm"] = confirm
    return made


def link_button(label: str, action: str, url: str) -> Block:
    """A button that opens a page."""
    text = {"type": "plain_text", "text": escaped(label, BUTTON_LENGTH)}
    return {"type": "button", "action_id": action, "text": text, "url": url}


def link(url: str, label: str) -> str:
    """A link inside a paragraph; a `|` or `>` in the address would end it early."""
    safe = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{safe}|{escaped(label, HEADER_LENGTH)}>"


def confirmation(title: str, text: str, yes: str) -> Block:
    """The question that is asked before a button counts."""
    return {
        "title": {"type": "plain_text", "text": escaped(title, 100)},
        "text": {"type": "plain_text", "text": escaped(text, 300)},
        "confirm": {"type": "plain_text", "text": escaped(yes, 30)},
        "deny": {"type": "plain_text", "text": "Back"},
    }


def message(text: str, blocks: Iterable[Block]) -> Message:
    """A message whose block ids change whenever its content does: else Slack keeps old button states."""
    kept = list(blocks)
    if len(kept) > MOST_BLOCKS:
        more = len(kept) - MOST_BLOCKS + 1
        kept = [*kept[: MOST_BLOCKS - 1], context(f"{more} more parts are on the page.")]
    stem = short(digest(text, json.dumps(kept, sort_keys=True)))
    numbered = tuple({**block, "block_id": f"{stem}-{position}"} for position, block in enumerate(kept))
    return Message(_within_escaped(text), numbered)


def with_picture(told: Message, file: str, alt: str) -> Message:
    """The message with a picture that Slack has as a file, before its buttons and small print; `alt` is plain words."""
    shown: Block = {
        "type": "image",
        "slack_file": {"id": file},
        "alt_text": escaped(alt, ALT_LENGTH) or "Chart",
        "block_id": f"{short(digest(file, alt))}-picture",
    }
    kept = told.blocks[: MOST_BLOCKS - 1]
    place = next((at for at, one in enumerate(kept) if one["type"] in ("actions", "context")), len(kept))
    return Message(told.text, (*kept[:place], shown, *kept[place:]))


def _within_escaped(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1].rpartition(" ")[0] + _ELLIPSIS
