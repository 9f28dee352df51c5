"""A message's picture: a file of our own in Slack that the message shows.

What belongs here: uploading it, waiting until Slack shows it, and leaving none behind. What does not: what a picture
shows (`alert_pictures`, `charts`), and sending the message (`sender`).

Which file a message shows stands in its metadata: an update with the same picture uploads nothing, one with another
removes the file before. A file is uploaded to no channel: the message that shows it is what shares it. Slack looks at
a new file first and refuses messages with it meanwhile (`invalid slack file`), for a second or so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from twinledger.charts import Picture
from twinledger.outbox import Sent

log = structlog.get_logger(__name__)

WAITS_S = (0.5, 1.0, 2.0, 4.0)
"""Between attempts to show a file that Slack is not done with; then the message goes without."""

_SERVER_ERROR = 500
_FILE, _CONTENT = "picture", "picture_sha256"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shown:
    """A file that a message shows, by Slack's number and by its content; `alt` is what it says in words."""

    file: str
    content: str
    alt: str = ""
    new: bool = False
    """Whether no message shows it yet."""

    @property
    def metadata(self) -> dict[str, str]:
        """What the message says of it."""
        return {_FILE: self.file, _CONTENT: self.content}


class Pictures:
    """Puts pictures into messages; `pause` waits so many seconds."""

    def __init__(self, client: WebClient, pause: Callable[[float], None] = time.sleep) -> None:
        """Take the client, and how time passes."""
        self._client = client
        self._pause = pause

    def before(self, place: Sent | None) -> Shown | None:
        """What a message shows now; None where it shows nothing, is gone, or may not be read."""
        if place is None or not place.channel or not place.ts:
            return None
        try:
            answer = self._client.conversations_history(
                channel=place.channel, latest=place.ts, inclusive=True, limit=1, include_all_metadata=True
            )
        except SlackApiError:
            return None
        found: list[dict[str, Any]] = answer.get("messages", [])
        return _told(found[0]) if found and found[0].get("ts") == place.ts else None

    def uploaded(self, picture: Picture, before: Shown | None) -> Shown:
        """The file of a picture: the one that the message shows already, else a new one.

        Raises:
            SlackClientError: Slack does not take it.
        """
        content = sha256(picture.png).hexdigest()
        if before and before.content == content:
            return Shown(before.file, content, picture.alt)
        name = f"chart-{content[:12]}.png"
        answer = self._client.files_upload_v2(content=picture.png, filename=name, title="Chart")
        return Shown(str(answer["file"]["id"]), content, picture.alt, new=True)

    def told(self, shown: Shown | None, tell: Callable[[Shown | None], T]) -> T:
        """Tell a message with a file, once Slack is done with the file; without it where Slack never is.

        Raises:
            SlackClientError: Slack does not take the message. A file that is new is removed then, unless the message
                may have arrived.
        """
        for wait in (*WAITS_S, None):
            try:
                return tell(shown)
            except SlackApiError as error:
                if shown is None or not _waits_for_file(error):
                    if shown and shown.new and int(error.response.status_code or 0) < _SERVER_ERROR:
                        self.remove(shown)
                    raise
            if wait is not None:
                self._pause(wait)
        log.warning("slack.no_picture", error="not shown in time")
        told = tell(None)
        if shown:
            self.remove(shown)
        return told

    def remove(self, shown: Shown) -> None:
        """Remove a file that nothing shows any more; that it stays harms nobody."""
        try:
            self._client.files_delete(file=shown.file)
        except (SlackClientError, OSError) as error:
            log.info("slack.picture_stays", error=type(error).__name__)


def _told(message: Mapping[str, Any]) -> Shown | None:
    payload: dict[str, Any] = (message.get("metadata") or {}).get("event_payload", {})
    return Shown(str(payload[_FILE]), str(payload.get(_CONTENT, ""))) if payload.get(_FILE) else None


def _waits_for_file(error: SlackApiError) -> bool:
    """Whether the message is refused for its file alone."""
    said = [str(one) for one in error.response.get("errors") or ()]
    return error.response.get("error") == "invalid_blocks" and any("invalid slack file" in one for one in said)
