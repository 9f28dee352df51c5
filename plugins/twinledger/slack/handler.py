"""Everything that Slack may ask of us, by HTTP or over a socket: one app answers both.

What belongs here: checking that it was Slack who called, and from our workspace, and handing it to who answers it.
What does not: the answers: buttons of requests, breaks, alerts and statements, the form to ask with, App Home.

What somebody answers to a request is written down before Slack gets its acknowledgement, and carried out after it: a
process that dies in between has lost nothing, for `deliver_outbox` carries out what was left, and one that dies before
has done nothing. Threads that acknowledge wait neither for Slack nor for a decision: others do that afterwards.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from twinledger.approvals import Desk
from twinledger.slack.afterwards import Afterwards
from twinledger.slack.alert_buttons import AlertButtons
from twinledger.slack.asking import Asking
from twinledger.slack.blocks import escaped
from twinledger.slack.break_buttons import BreakButtons
from twinledger.slack.home import Home
from twinledger.slack.presses import Presses
from twinledger.slack.render import Links
from twinledger.slack.request_buttons import RequestButtons
from twinledger.slack.review_buttons import ReviewButtons
from twinledger.slack.signoff_buttons import SignOff, SignoffButtons
from twinledger.slack.spent import Spent, spent_of

WINDOW_SECONDS = 300
"""How old a request of Slack may be; https://docs.slack.dev/authentication/verifying-requests-from-slack"""

_WORKERS = 8

log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back to Slack."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def verified(secret: str, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether Slack signed these very bytes, not more than five minutes from now.

    Never raises: a timestamp that is no number and a signature that is not ASCII are refused too.
    """
    known = {name.lower(): value for name, value in headers.items()}
    stamp = known.get("x-slack-request-timestamp", "")
    signature = known.get("x-slack-signature", "")
    if not secret or not (stamp.isascii() and stamp.isdigit() and len(stamp) < len("9999999999999")):
        return False
    if abs(now.timestamp() - int(stamp)) > WINDOW_SECONDS:
        return False
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return hmac.compare_digest(f"v0={mac.hexdigest()}".encode(), signature.encode("utf-8", "replace"))


def _nothing() -> None:
    """Leave sending to the next run of the outbox."""


class SlackHandler:
    """Everything that Slack may ask of us; `handle` is the way in by HTTP, `heard` the one over a socket."""

    def __init__(
        self,
        desk: Desk,
        client: WebClient,
        after_decision: Callable[[], object] = _nothing,
        sign_off: SignOff | None = None,
        spent: Spent | None = None,
    ) -> None:
        """Take where requests are kept, and the client that opens forms and tells people privately.

        `after_decision` runs when Slack has its acknowledgement; it may fail: the outbox is drained anyway.
        Without `sign_off` the buttons of statements are not answered. Without `spent`, what departments have spent is
        read from the ledger where `desk` is a deployment's books, and else nobody can ask for anything.
        """
        self._desk = desk
        self._client = client
        self._afterwards = Afterwards(after_decision)
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="slack")
        self._app = _bolt_app(client, self._workers)
        home = Home(desk, client, Links(desk.settings.public_url), self._afterwards)
        home.listen(self._app)
        RequestButtons(desk, client, home, self._tell, self._afterwards).listen(self._app)
        presses = Presses(desk, client, self._tell, self._afterwards.nudge)
        BreakButtons(desk, presses).listen(self._app)
        AlertButtons(desk, presses).listen(self._app)
        ReviewButtons(desk, presses).listen(self._app)
        if sign_off:  # who is not of finance is refused before anything of a statement is said
            of_finance = Presses(desk, client, self._tell, self._afterwards.nudge, sentence=str)
            SignoffButtons(sign_off, of_finance).listen(self._app)
        if known := spent or spent_of(desk):
            Asking(desk, client, known, self._afterwards, home.show).listen(self._app)

    def handle(self, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Answer one HTTP request of Slack.

        401 when it is not Slack's or of another workspace, 400 when it cannot be read.
        """
        secret = self._desk.settings.slack.signing_secret.get_secret_value()
        if not verified(secret, body, headers, self._desk.clock.now()):
            log.warning("refused a request that is not signed by Slack, or too old")
            return HttpReply(401)
        try:
            request = BoltRequest(body=body.decode(), headers=dict(headers))
        except ValueError:
            return HttpReply(400)
        return self._dispatched(request)

    def heard(self, payload: Mapping[str, Any]) -> HttpReply:
        """Answer what came over a connection that Slack opened for our token: nothing in it is signed.

        401 when it is of another workspace.
        """
        return self._dispatched(BoltRequest(mode="socket_mode", body=dict(payload)))

    def close(self) -> None:
        """Wait for what is under way."""
        self._workers.shutdown(wait=True)
        self._afterwards.close()

    def _dispatched(self, request: BoltRequest) -> HttpReply:
        if not self._is_ours(request):
            log.warning("refused a request of another workspace")
            return HttpReply(401)
        reply = self._app.dispatch(request)
        return HttpReply(reply.status, reply.body or "", reply.first_headers_without_set_cookie())

    def _is_ours(self, request: BoltRequest) -> bool:
        """Whether it is of the workspace that the settings name; Slack's challenge of an address is of none."""
        wanted = self._desk.settings.slack.team_id
        return not wanted or request.body.get("type") == "url_verification" or request.context.team_id == wanted

    def _tell(self, channel: str, user: str, text: str) -> None:
        """Say something privately, soon; that it failed changes nothing."""
        said = escaped(text)
        self._afterwards.call(
            "telling somebody privately",
            lambda: self._client.chat_postEphemeral(channel=channel, user=user, text=said),
        )


def _bolt_app(client: WebClient, workers: ThreadPoolExecutor) -> App:
    """The bolt app; its signature check is off, for `SlackHandler.handle` has checked the raw bytes before.

    Bolt's check raises on a malformed header and logs the body; its logger is kept to errors, for at
    lower levels it prints bodies too. `authorize` answers by itself: no call to Slack is in the way
    of a decision.
    """
    quiet = logging.getLogger(f"{__name__}.bolt")
    quiet.setLevel(logging.ERROR)
    app = App(
        logger=quiet,
        client=client,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=client.token),
        request_verification_enabled=False,
        token_verification_enabled=False,
        listener_executor=workers,
    )
    app.error(_log_kind)
    return app


def _log_kind(error: Exception) -> None:
    log.error("an interaction of Slack failed: %s", type(error).__name__)
