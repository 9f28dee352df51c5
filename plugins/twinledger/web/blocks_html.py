"""Slack's blocks as HTML, for the page that shows the outbox as people would see it.

What belongs here: the few blocks and marks that our cards use. What does not: the rest of Slack's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from twinledger.slack.blocks import Block

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_MARK = re.compile(
    r"<(?P<url>https?://[^|>]+)\|(?P<label>[^>]*)>|<@(?P<user>[A-Z0-9]+)>|`(?P<code>[^`\n]+)`|\*(?P<bold>[^*\n]+)\*"
)


def plain_text(text: str) -> str:
    """What Slack shows of escaped text."""
    for entity, letter in _ENTITIES:
        text = text.replace(entity, letter)
    return text


def marked(text: str) -> Markup:
    """Slack's mrkdwn as HTML: bold, code, links, users, quotations, line breaks; nothing else is markup."""
    lines = [
        Markup("<blockquote>{}</blockquote>").format(_line(line[2:])) if line.startswith("> ") else _line(line)
        for line in text.split("\n")
    ]
    return Markup("<br>").join(lines).replace(Markup("</blockquote><br>"), Markup("</blockquote>"))


def _line(line: str) -> Markup:
    pieces, after = [], 0
    for mark in _MARK.finditer(line):
        pieces += [escape(plain_text(line[after : mark.start()])), _mark(mark)]
        after = mark.end()
    return Markup("").join([*pieces, escape(plain_text(line[after:]))])


def _mark(mark: re.Match[str]) -> Markup:
    if url := mark["url"]:
        return Markup('<a href="{}">{}</a>').format(plain_text(url), plain_text(mark["label"]))
    if user := mark["user"]:
        return Markup('<span class="mention">@{}</span>').format(user)
    if code := mark["code"]:
        return Markup("<code>{}</code>").format(plain_text(code))
    return Markup("<strong>{}</strong>").format(plain_text(mark["bold"]))


def as_html(blocks: Iterable[Block]) -> Markup:
    """A message's blocks, in order."""
    return Markup("\n").join(_block(block) for block in blocks)


def _block(block: Block) -> Markup:
    if block["type"] == "header":
        return Markup("<h3>{}</h3>").format(plain_text(block["text"]["text"]))
    if block["type"] == "context":
        texts = Markup(" ").join(Markup("<span>{}</span>").format(marked(one["text"])) for one in block["elements"])
        return Markup('<p class="small">{}</p>').format(texts)
    if block["type"] == "actions":
        return Markup('<p class="buttons">{}</p>').format(Markup(" ").join(map(_button, block["elements"])))
    if "fields" in block:
        cells = Markup("").join(Markup("<div>{}</div>").format(marked(one["text"])) for one in block["fields"])
        return Markup('<div class="fields">{}</div>').format(cells)
    return Markup("<p>{}</p>").format(marked(block["text"]["text"]))


def _button(element: Block) -> Markup:
    label = plain_text(element["text"]["text"])
    if url := element.get("url"):
        return Markup('<a class="button" href="{}">{}</a>').format(url, label)
    return Markup('<span class="button {}">{}</span>').format(element.get("style", ""), label)
