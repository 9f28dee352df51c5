"""A message as lines of text, for terminals and logs of deployments without Slack.

What belongs here: taking the blocks apart. What does not: what they say (`cards`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from twinledger.slack.blocks import Block, Message

_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")


def as_lines(message: Message) -> str:
    """The message's blocks in their order; links as "label (address)", buttons as "[label]"."""
    return "\n".join(_plain(line) for block in message.blocks for line in _lines(block))


def _plain(markdown: str) -> str:
    return html.unescape(_LINK.sub(r"\2 (\1)", markdown))


def _lines(block: Block) -> Iterator[str]:
    if block["type"] == "actions":
        yield "  ".join(f"[{_text(element)}]{_address(element)}" for element in block["elements"])
        return
    if "text" in block:
        yield _text(block)
    for part in (*block.get("fields", ()), *block.get("elements", ())):
        yield "  " + " ".join(_text(part).split("\n"))


def _text(part: dict[str, Any]) -> str:
    text = part.get("text", "")
    return str(text.get("text", "") if isinstance(text, dict) else text)


def _address(element: dict[str, Any]) -> str:
    return f" {element['url']}" if "url" in element else ""
