"""How a message leaves: one outbox item to one message in Slack.

What belongs here: posting, updating, and telling errors that pass from errors that stay. What does
not: when an item is tried again, which the outbox decides.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from pydantic import ValidationError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from twinledger.charts import Picture
from twinledger.documents import File
from twinledger.outbox import Outgoing, PermanentSendError, RetryableSendError, Sent
from twinledger.slack.attachments import Attach, Draw, no_file, no_picture
from twinledger.slack.blocks import Message, with_picture
from twinledger.slack.pictures import Pictures, Shown
from twinledger.slack.render import Links, render
from twinledger.store import Store
from twinledger.vocabulary.errors import TwinledgerError, WrongAudienceError
from twinledger.vocabulary.settings import SlackSettings

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 10
EVENT_TYPE = "twinledger_message"
"""The metadata that says which outbox item a message is; it makes an update of a send that doubled."""

_PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
_SILENT_UPDATES = frozenset({"approval", "signoff"})  # who asked is told by a message of its own
_SERVER_ERROR = 500
_TOO_MANY = 429
_LOOK_BACK = 100
_PICTURE_ATTEMPTS = 3
"""Then a message goes without its picture: late is worse than plain."""


def slack_client(settings: SlackSettings) -> WebClient:
    """A client without slack_sdk's own repeats: a dropped connection may have delivered, so the outbox looks first."""
    return WebClient(
        token=settings.token.get_secret_value(),
        base_url=settings.base_url,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=[],
    )


class SlackSender:
    """Sends outbox items to Slack; a later message of the same place replaces the earlier one."""

    def __init__(
        self,
        store: Store,
        client: WebClient,
        links: Links,
        attach: Attach = no_file,
        draw: Draw = no_picture,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the store that cards are rendered from, the client, and where our pages are.

        `attach` says which file goes below a message, `draw` which picture it shows, `pause` waits so many seconds.
        """
        self._store = store
        self._client = client
        self._links = links
        self._attach = attach
        self._draw = draw
        self._pictures = Pictures(client, pause)

    def send(self, item: Outgoing) -> Sent:
        """Post or update the item's message, rendered from the state as it is now.

        Raises:
            RetryableSendError: Slack cannot be reached, or asks to wait.
            PermanentSendError: Slack refuses the message, or it cannot be rendered for its audience.
        """
        message, file, picture = self._rendered(item), self._file(item), self._picture(item)
        with _named_errors():
            earlier = item.update or (self._sent_before(item) if item.attempt > 1 else None)
            place, posted = self._told(item, message, picture, earlier)
            if posted or item.attempt > 1:
                self._upload(place, item, file)
            if not posted and item.update and item.kind not in _SILENT_UPDATES and not item.facts.get("quiet"):
                self._speak_again(place, item, message)
            return place

    def _told(
        self, item: Outgoing, message: Message, picture: Picture | None, earlier: Sent | None
    ) -> tuple[Sent, bool]:
        """Where the message is now, and whether it is a new one: else the earlier one was updated."""
        before = self._pictures.before(earlier) if picture else None
        shown = self._uploaded(item, picture, before) if picture else None

        def tell(shown: Shown | None) -> tuple[Sent, bool]:
            content = _content(item, message, shown)
            if earlier and self._updated(earlier, content):
                return earlier, False
            return self._posted(item, content), True

        told = self._pictures.told(shown, tell)
        if before and not (shown and shown.file == before.file):
            self._pictures.remove(before)
        return told

    def _picture(self, item: Outgoing) -> Picture | None:
        """The item's picture; what goes wrong with it keeps nobody from being told."""
        try:
            return self._draw(item)
        except WrongAudienceError as error:
            raise PermanentSendError(str(error)) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the message says it all in words
            log.warning("slack.no_picture", kind=item.kind, subject=item.subject, error=type(error).__name__)
            return None

    def _uploaded(self, item: Outgoing, picture: Picture, before: Shown | None) -> Shown | None:
        try:
            return self._pictures.uploaded(picture, before)
        except (SlackClientError, OSError, http.client.HTTPException) as error:
            passes = not isinstance(error, SlackApiError) or _passes(error)
            if passes and item.attempt < _PICTURE_ATTEMPTS:
                raise
            code = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
            log.warning("slack.no_picture", kind=item.kind, subject=item.subject, error=code)
            return None

    def _rendered(self, item: Outgoing) -> Message:
        try:
            with self._store.reading() as session:
                return render(session, item, self._links)
        except ValidationError as error:
            problems = ", ".join(".".join(map(str, one["loc"])) for one in error.errors(include_input=False))
            sentence = f"{item.kind} {item.subject}: its facts are not those of its card: {problems}"
            raise PermanentSendError(sentence) from None
        except TwinledgerError as error:
            raise PermanentSendError(str(error)) from None

    def _posted(self, item: Outgoing, content: dict[str, Any]) -> Sent:
        answer = self._client.chat_postMessage(channel=item.channel, **content)
        return Sent(answer["channel"], answer["ts"])

    def _file(self, item: Outgoing) -> File | None:
        try:
            return self._attach(item)
        except TwinledgerError as error:
            raise PermanentSendError(str(error)) from None

    def _upload(self, place: Sent, item: Outgoing, file: File | None) -> None:
        """Put the item's file below its card, once; a workspace that takes no files has the card's link."""
        if file is None:
            return
        channel, ts = place.channel or "", place.ts or ""
        try:
            if item.attempt > 1 and self._has_file(channel, ts, file.name):
                return
            self._client.files_upload_v2(
                content=file.content, filename=file.name, title=file.name, channel=channel, thread_ts=ts
            )
        except SlackApiError as error:
            if _passes(error):
                raise
            log.warning("slack.no_file", kind=item.kind, subject=item.subject, error=error.response.get("error"))

    def _has_file(self, channel: str, ts: str, name: str) -> bool:
        answer = self._client.conversations_replies(channel=channel, ts=ts)
        replies: list[dict[str, Any]] = answer.get("messages", [])
        return any(file.get("name") == name for reply in replies for file in reply.get("files", []))

    def _updated(self, place: Sent, content: dict[str, Any]) -> bool:
        """Whether the message was still there to be updated."""
        try:
            self._client.chat_update(channel=place.channel or "", ts=place.ts or "", **content)
        except SlackApiError as error:
            if error.response.get("error") in _GONE:
                return False
            raise
        return True

    def _speak_again(self, place: Sent, item: Outgoing, message: Message) -> None:
        """Nobody is notified of an update: new evidence is also told below the card, and in the channel."""
        channel, ts = place.channel or "", place.ts or ""
        if item.attempt > 1:
            answer = self._client.conversations_replies(channel=channel, ts=ts, include_all_metadata=True)
            replies: list[dict[str, Any]] = answer.get("messages", [])
            if any(_key(found) == item.key for found in replies[1:]):
                return
        content = {**_content(item, message), "blocks": None}
        self._client.chat_postMessage(channel=channel, thread_ts=ts, reply_broadcast=True, **content)

    def _sent_before(self, item: Outgoing) -> Sent | None:
        """The message of an earlier attempt whose answer was lost; None where we may not look."""
        try:
            channel = self._channel_id(item.channel)
            if channel is None:
                return None
            answer = self._client.conversations_history(channel=channel, limit=_LOOK_BACK, include_all_metadata=True)
        except SlackApiError as error:
            if _passes(error):
                raise
            return None
        messages: list[dict[str, Any]] = answer.get("messages", [])
        return next((Sent(channel, found["ts"]) for found in messages if _key(found) == item.key), None)

    def _channel_id(self, channel: str) -> str | None:
        if channel.startswith(("U", "W")):
            opened = self._client.conversations_open(users=channel)
            return str(opened["channel"]["id"])
        if not channel.startswith("#"):
            return channel
        for page in self._client.conversations_list(limit=200, exclude_archived=True):
            for found in page["channels"]:
                if found["name"] == channel.removeprefix("#"):
                    return str(found["id"])
        return None


def _key(found: dict[str, Any]) -> str:
    """The outbox key that a message carries."""
    metadata: dict[str, Any] = found.get("metadata") or {}
    return str(metadata.get("event_payload", {}).get("key", ""))


def _content(item: Outgoing, message: Message, shown: Shown | None = None) -> dict[str, Any]:
    told = with_picture(message, shown.file, shown.alt) if shown else message
    payload = {"key": item.key, **(shown.metadata if shown else {})}
    return {
        "text": told.text,
        "blocks": list(told.blocks),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": payload},
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
    }


def _passes(error: SlackApiError) -> bool:
    status = int(error.response.status_code or 0)
    return status == _TOO_MANY or status >= _SERVER_ERROR or error.response.get("error") in _PASSING


def _retry_after(error: SlackApiError) -> int | None:
    headers = {name.lower(): value for name, value in (error.response.headers or {}).items()}
    stated = str(headers.get("retry-after", ""))
    return int(stated) if stated.isascii() and stated.isdigit() else None


@contextmanager
def _named_errors() -> Iterator[None]:
    """Slack's errors as the outbox knows them; never with the message's content."""
    try:
        yield
    except SlackApiError as error:
        code = str(error.response.get("error", "unknown"))
        if _passes(error):
            raise RetryableSendError(f"Slack answered {code}", _retry_after(error)) from None
        raise PermanentSendError(f"Slack refused it: {code}") from None
    except (SlackClientError, OSError, http.client.HTTPException) as error:
        raise RetryableSendError(f"Slack could not be reached: {type(error).__name__}") from None
