"""From what somebody answered in Slack to what they are told of it, if anything.

What belongs here: carrying answers out, at once or where a process left them behind, and the words of a refusal. What
does not: who may decide and what follows, which `approvals` knows, and the buttons (`request_buttons`).
"""

from __future__ import annotations

import logging
from datetime import datetime

from slack_sdk import WebClient

from twinledger.approvals import Desk, Said, carry_out, left_behind
from twinledger.slack.blocks import escaped
from twinledger.slack.cards import already, when
from twinledger.slack.render import approval_facts, person_title
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import AlreadyDecidedError, TwinledgerError

log = logging.getLogger(__name__)


def refusal_of(desk: Desk, said: Said) -> str:
    """Carry an answer out; what to tell privately to whom it was refused, or nothing."""
    try:
        carry_out(desk, said)
    except AlreadyDecidedError as error:
        return _already(desk, said.request, error)
    except TwinledgerError as error:
        return f"Not recorded: {sentence_for_everyone(error)}"
    return ""


def carry_out_left(desk: Desk, client: WebClient | None) -> int:
    """Carry out what processes left behind that died after the acknowledgement; how many answers that were.

    Who is refused is told where they pressed, else by a direct message; without a client nobody is told. One that
    fails keeps nobody else waiting: it is logged by the kind of its error, and what is not carried out comes again.
    """
    left = left_behind(desk)
    for said in left:
        try:
            refusal = refusal_of(desk, said)
            if refusal and client:
                _tell(client, said, escaped(refusal))
        except Exception as error:  # noqa: BLE001 - whatever it is, the outbox and other answers go on
            log.warning("an answer that was left behind: %s", type(error).__name__)
    return len(left)


def _tell(client: WebClient, said: Said, text: str) -> None:
    if said.channel:
        client.chat_postEphemeral(channel=said.channel, user=said.user, text=text)
    else:
        client.chat_postMessage(channel=said.user, text=text)


def _already(desk: Desk, request: str, error: AlreadyDecidedError) -> str:
    """Who came first: of the whole request, or of a stage while a later one waits."""
    with desk.store.reading() as session:
        facts = approval_facts(session, request)
        who = person_title(session, error.who)
    if facts.decision:
        return already(facts)
    return f"Already {error.outcome} by {who} at {when(datetime.fromisoformat(error.when))}"
