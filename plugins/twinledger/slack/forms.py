"""Forms that Slack opens.

What belongs here: the one form that asks for a sentence. What does not: what becomes of it (`handler`,
`signoff_buttons`). Limits: https://docs.slack.dev/reference/views/modal-views
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from twinledger.slack.blocks import TITLE_LENGTH, Block

REASON = "reason"
LONGEST_REASON = 1000
"""Characters, also where somebody sends more than the form lets them write."""


def reason_form(callback: str, place: Mapping[str, str], titles: tuple[str, str], label: str, submit: str) -> Block:
    """The form that asks why.

    Args:
        callback: the name by which it comes back.
        place: what it is of; comes back with it.
        titles: the title, and a shorter one for where it is too long for Slack.
        label: what the sentence is and who reads it.
        submit: what the button says.
    """
    title = next(one for one in (*titles, "") if len(one) <= TITLE_LENGTH)
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": json.dumps(dict(place)),
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": submit},
        "close": {"type": "plain_text", "text": "Back"},
        "blocks": [
            {
                "type": "input",
                "block_id": REASON,
                "label": {"type": "plain_text", "text": label},
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON,
                    "multiline": True,
                    "max_length": LONGEST_REASON,
                },
            }
        ],
    }


def reason_given(view: Mapping[str, Any]) -> str:
    """What somebody wrote into the form, without space around it."""
    return str(view["state"]["values"][REASON][REASON].get("value") or "").strip()
