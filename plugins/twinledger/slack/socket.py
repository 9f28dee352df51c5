"""Socket Mode: the same answers over a connection that we open to Slack, where Slack cannot reach us.

What belongs here: the connection's life, and handing what comes over it to `SlackHandler`. What does not: the answers.
Protocol: https://docs.slack.dev/apis/events-api/using-socket-mode

slack_sdk keeps the connection: it answers pings, opens another one when Slack announces its end or it is lost, and
asks for a new address each time. What nobody acknowledges Slack sends again, or tells the person that it failed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from threading import Condition, Event
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from twinledger.books import Books
from twinledger.slack.delivery import tell_people
from twinledger.slack.handler import HttpReply, SlackHandler
from twinledger.slack.sender import slack_client
from twinledger.slack.signoff_buttons import SignOff
from twinledger.vocabulary.errors import MissingSettingError, SocketModeError

UNDER_WAY_S = 10.0
"""How long an end waits for acknowledgements; Slack itself waits three seconds for one."""

log = logging.getLogger(__name__)

Say = Callable[[str], object]


class SocketMode:
    """One connection to Slack, and what is under way on it."""

    def __init__(self, handler: SlackHandler, client: WebClient, app_token: str, say: Say) -> None:
        """Take who answers, the client that asks for the connection's address, and whom to tell how it stands."""
        self._handler = handler
        self._client = client
        self._app_token = app_token
        self._say = say
        self._idle = Condition()
        self._under_way = 0
        self._ending = False
        self._socket: SocketModeClient | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            SocketModeError: Slack refuses the token, or cannot be reached.
        """
        self._socket = SocketModeClient(self._app_token, logger=_quiet(), web_client=self._client)
        self._socket.message_listeners.append(self._told)
        self._socket.socket_mode_request_listeners.append(self.hear)
        self._socket.on_close_listeners.append(self._lost)
        self._socket.on_error_listeners.append(self._failed)
        try:
            self._socket.connect()
        except SlackApiError as error:
            raise SocketModeError(str(error.response.get("error", "unknown"))) from None
        except (SlackClientError, OSError) as error:
            raise SocketModeError(type(error).__name__) from None

    def hear(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer one envelope and acknowledge it; one that comes while this ends is left to Slack to send again."""
        with self._idle:
            if self._ending:
                return
            self._under_way += 1
        try:
            acknowledgement = _acknowledgement(request, self._handler.heard(request.payload))
            if acknowledgement:
                client.send_socket_mode_response(acknowledgement)
        except Exception as error:  # noqa: BLE001 - the connection outlives whatever one envelope leads to
            log.error("an envelope of Slack could not be answered: %s", type(error).__name__)  # noqa: TRY400 - no body
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Take nothing new, acknowledge what is under way, close the connection, then finish what follows."""
        with self._idle:
            self._ending = True
            self._idle.wait_for(lambda: not self._under_way, UNDER_WAY_S)
        if self._socket:
            self._socket.close()
        self._handler.close()

    # --- how it stands --------------------------------------------------------------------------

    def _told(self, client: BaseSocketModeClient, message: dict[str, Any], raw: str | None = None) -> None:
        del client, raw
        if message.get("type") == "hello":
            self._say("connected to Slack; waiting for what people do there")

    def _lost(self, code: int, reason: str | None = None) -> None:
        del reason
        if not self._ending:
            self._say(f"Slack closed the connection ({code}); connecting again")

    def _failed(self, error: Exception) -> None:
        if not self._ending:
            self._say(f"the connection failed ({type(error).__name__}); connecting again")


def _acknowledgement(request: SocketModeRequest, reply: HttpReply) -> SocketModeResponse | None:
    """What says to Slack that an envelope is taken; of another workspace's too, else it would come again."""
    if reply.status not in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED):
        return None
    if not reply.body:
        return SocketModeResponse(request.envelope_id)
    is_json = any("json" in value for name, value in reply.headers.items() if name.lower() == "content-type")
    return SocketModeResponse(request.envelope_id, json.loads(reply.body) if is_json else {"text": reply.body})


def _quiet() -> logging.Logger:
    """A logger for slack_sdk, whose messages name addresses and bodies below the level of errors."""
    quiet = logging.getLogger(f"{__name__}.sdk")
    quiet.setLevel(logging.CRITICAL)
    return quiet


def serve(books: Books, sign_off: SignOff, say: Say, ended: Event) -> None:
    """Answer Slack until `ended`, then finish what is under way.

    Raises:
        MissingSettingError: there is no bot token or no app-level token.
        SocketModeError: Slack refuses the token, or cannot be reached.
    """
    settings = books.settings.slack
    for name, value in (("slack.token", settings.token), ("slack.app_token", settings.app_token)):
        if not value.get_secret_value():
            raise MissingSettingError(name, "answering Slack over Socket Mode")
    client = slack_client(settings)
    handler = SlackHandler(books, client, partial(tell_people, books, client), sign_off)
    connection = SocketMode(handler, client, settings.app_token.get_secret_value(), say)
    try:
        connection.open()
        ended.wait()
        say("ending: finishing what is under way")
    finally:
        connection.close()
