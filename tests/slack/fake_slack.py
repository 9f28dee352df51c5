"""A stateful stand-in for Slack on loopback.

It keeps messages by (channel, ts), refuses what Slack refuses, fails on demand, and signs and posts
interactions back as Slack does: a button can be pressed only while the message has it.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from tests.slack.fake_views import inputs, state_of, typed, view_problem

TOKEN = "xoxb-made-up"
APP_TOKEN = "xapp-made-up"
SIGNING_SECRET = "made-up-signing-secret"
TEAM = "T0NIMBUS"

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What our side answered to an interaction."""

    status: int
    body: str

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body)) if self.body else {}


Deliver = Callable[[bytes, Mapping[str, str]], Reply]
"""Posts a raw body with its headers to the app's request URL."""


@dataclass(frozen=True)
class Fault:
    """What happens to the next calls instead of an answer."""

    kind: str  # ratelimited | drop | drop_after | status | refused
    retry_after: int = 1
    status: int = 503
    error: str = ""


class NoSuchButtonError(AssertionError):
    """Somebody wants to press what the message does not show."""


@dataclass
class Upload:
    """A file that was announced, and its content once that came; `refusals` messages with it are refused first."""

    name: str
    length: int
    content: bytes = b""
    complete: bool = False
    refusals: int = 0


@dataclass
class FakeSlack:
    """One workspace."""

    base_url: str = ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    deliver: Deliver | None = None
    messages: dict[tuple[str, str], Json] = field(default_factory=dict)
    ephemerals: list[Json] = field(default_factory=list)
    views: dict[str, Json] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    triggers: dict[str, bool] = field(default_factory=dict)
    socket_url: str = ""
    team: str = TEAM
    calls: list[tuple[str, Json]] = field(default_factory=list)
    posted: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    down: bool = False
    channels: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    slow_files: int = 0
    """How many messages with a new file are refused before Slack is done with it."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)

    # --- what a test arranges and reads -------------------------------------------------------

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of the method fail in this order."""
        self.faults.setdefault(method, deque()).extend(faults)

    def refuse(self, method: str, error: str) -> None:
        """The next call of the method is answered with an error of Slack's."""
        self.fail(method, Fault("refused", error=error))

    def called(self, method: str) -> int:
        return sum(1 for name, _ in self.calls if name == method)

    def in_channel(self, channel: str) -> list[Json]:
        """Messages of a channel (by name or id) in order."""
        wanted = self.channels.get(channel, channel)
        return [message for (where, _), message in sorted(self.messages.items()) if where == wanted]

    def delete(self, message: Json) -> None:
        """Somebody removes a message by hand."""
        del self.messages[(message["channel"], message["ts"])]

    # --- what a person does -------------------------------------------------------------------

    def click(self, message: Json, action: str, user: str) -> Reply:
        """Press a button that the message shows now."""
        return self.send(self.click_payload(message, action, user))

    def click_payload(self, message: Json, action: str, user: str) -> Json:
        current = self.messages[(message["channel"], message["ts"])]
        for block in current.get("blocks", []):
            for element in block.get("elements", []) if block["type"] == "actions" else []:
                if element["action_id"] == action:
                    return self._block_actions(current, block, element, user)
        raise NoSuchButtonError(action)

    def submit(self, view: Json, values: Mapping[str, str], user: str) -> Reply:
        """Send a modal in as it stands now, with more of its inputs filled in by action id."""
        known = self.views.get(view.get("id", ""), view)
        state = state_of(view, known.get("state", {}).get("values"))
        for block in inputs(view):
            element = block["element"]
            if element["action_id"] in values:
                state[block["block_id"]] = {element["action_id"]: typed(element, values[element["action_id"]])}
        sent = {**view, "state": {"values": state}}
        reply = self.send({**self._person(user), "type": "view_submission", "view": sent})
        if reply.status == 200 and reply.json.get("response_action") == "update":
            self._kept(view["id"], reply.json["view"])
        return reply

    def fill(self, view: Json, action: str, value: str, user: str) -> Reply | None:
        """Choose or type something in a field that is shown now; the app hears of it where it asked to."""
        current = self.views[view["id"]]
        block = next(one for one in inputs(current) if one["element"]["action_id"] == action)
        entered = typed(block["element"], value)
        current["state"]["values"][block["block_id"]] = {action: entered}
        if not block.get("dispatch_action"):
            return None
        heard = {**entered, "action_id": action, "block_id": block["block_id"]}
        return self.send({**self._person(user), "type": "block_actions", "view": current, "actions": [heard]})

    def suggest(self, view: Json, action: str, typed_in: str, user: str) -> Reply:
        """Type into a list whose lines the app is asked for."""
        block = next(one for one in inputs(view) if one["element"]["action_id"] == action)
        asked = {"type": "block_suggestion", "action_id": action, "block_id": block["block_id"], "value": typed_in}
        return self.send({**self._person(user), **asked, "view": view})

    def shortcut(self, callback: str, user: str) -> Reply:
        """Choose a global shortcut."""
        return self.send({**self._person(user), "type": "shortcut", "callback_id": callback})

    def command(self, command: str, user: str) -> Reply:
        """Type a command in a channel."""
        trigger = self._person(user)["trigger_id"]
        form = {"command": command, "text": "", "team_id": self.team, "user_id": user, "channel_id": "C00000001"}
        return self._signed_post(urlencode({**form, "trigger_id": trigger}).encode())

    def open_home(self, user: str) -> Reply:
        """Open the app's home tab."""
        event = {"type": "app_home_opened", "user": user, "tab": "home", "channel": f"D{user}"}
        body = {"type": "event_callback", "team_id": self.team, "event_id": f"Ev{next(self._numbers)}", "event": event}
        return self._signed_post(json.dumps(body).encode(), "application/json")

    def press(self, user: str, action: str, value: str) -> Reply:
        """Press a button of somebody's home tab that it shows now."""
        home = self.homes[user]
        for block in home["blocks"]:
            for element in block.get("elements", []) if block["type"] == "actions" else []:
                if (element["action_id"], element.get("value")) == (action, value):
                    pressed = {"type": "button", "action_id": action, "block_id": block["block_id"], "value": value}
                    payload = {**self._person(user), "type": "block_actions", "actions": [pressed]}
                    return self.send({**payload, "container": {"type": "view", "view_id": home["id"]}, "view": home})
        raise NoSuchButtonError(action)

    def _person(self, user: str) -> Json:
        """Who does something, with a trigger that opens one view."""
        trigger = f"trigger-{next(self._numbers)}"
        self.triggers[trigger] = True
        return {"team": {"id": self.team}, "user": {"id": user, "team_id": self.team}, "trigger_id": trigger}

    def send(self, payload: Json) -> Reply:
        """Sign and post an interaction."""
        return self._signed_post(urlencode({"payload": json.dumps(payload)}).encode())

    def _signed_post(self, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> Reply:
        headers = {**self.signed(body), "content-type": content_type}
        self.posted.append((body, headers))
        return self.post(body, headers)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        assert self.deliver is not None, "the app has no request URL"
        return self.deliver(body, headers)

    def signed(self, body: bytes, at: datetime | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
        stamp = str(int((at or self.now()).timestamp()))
        mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
        return {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={mac.hexdigest()}",
        }

    def _block_actions(self, message: Json, block: Json, element: Json, user: str) -> Json:
        return {
            **self._person(user),
            "type": "block_actions",
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]},
            "channel": {"id": message["channel"], "name": "channel"},
            "message": message,
            "actions": [
                {
                    "type": "button",
                    "action_id": element["action_id"],
                    "block_id": block["block_id"],
                    "value": element.get("value"),
                    "action_ts": f"{next(self._numbers)}.000001",
                }
            ],
        }

    # --- the web API --------------------------------------------------------------------------

    def channel_id(self, channel: str) -> str:
        """Names become ids; people get a direct channel of their own."""
        if re.fullmatch(r"[CD][A-Z0-9]+", channel):
            return channel
        prefix = "D" if re.fullmatch(r"[UW][A-Z0-9]+", channel) else "C"
        return self.channels.setdefault(channel, f"{prefix}{len(self.channels) + 1:08d}")

    def answer(self, method: str, body: Json) -> Json:
        handler = getattr(self, "_" + method.replace(".", "_"), None)
        return handler(body) if handler else {"ok": False, "error": "unknown_method"}

    def _chat_postMessage(self, body: Json) -> Json:  # noqa: N802 - the method's name is Slack's
        if problem := problem_of(body):
            return {"ok": False, "error": problem}
        if refusal := self.file_problem(body):
            return refusal
        channel = self.channel_id(body["channel"])
        ts = f"1790000000.{next(self._numbers):06d}"
        kept: Json = {
            key: body[key] for key in ("text", "blocks", "metadata", "thread_ts", "reply_broadcast") if key in body
        }
        self.messages[(channel, ts)] = {**kept, "channel": channel, "ts": ts, "type": "message", "edits": 0}
        return {"ok": True, "channel": channel, "ts": ts, "message": {**kept, "ts": ts}}

    def _chat_update(self, body: Json) -> Json:
        place = (body["channel"], body["ts"])
        if place not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        if problem := problem_of(body):
            return {"ok": False, "error": problem}
        if refusal := self.file_problem(body):
            return refusal
        message = self.messages[place]
        kept: Json = {key: body[key] for key in ("text", "blocks", "metadata") if key in body}
        self.messages[place] = {**message, **kept, "edits": message["edits"] + 1}
        return {"ok": True, "channel": place[0], "ts": place[1]}

    def _chat_postEphemeral(self, body: Json) -> Json:  # noqa: N802 - the method's name is Slack's
        if problem := problem_of(body):
            return {"ok": False, "error": problem}
        self.ephemerals.append(body)
        return {"ok": True, "message_ts": f"1790000000.{next(self._numbers):06d}"}

    def _conversations_history(self, body: Json) -> Json:
        if body["channel"] not in self.channels.values():
            return {"ok": False, "error": "channel_not_found"}
        latest = body.get("latest", "9")  # inclusive, as we ask for
        wanted = body["channel"]
        found = [one for (where, ts), one in sorted(self.messages.items()) if where == wanted and ts <= latest]
        return {"ok": True, "messages": found[::-1][: int(body.get("limit", 100))], "has_more": False}

    def _conversations_replies(self, body: Json) -> Json:
        thread = [
            message
            for (channel, ts), message in sorted(self.messages.items())
            if channel == body["channel"] and body["ts"] in (ts, message.get("thread_ts"))
        ]
        return {"ok": True, "messages": thread} if thread else {"ok": False, "error": "thread_not_found"}

    def _files_getUploadURLExternal(self, body: Json) -> Json:  # noqa: N802 - the method's name is Slack's
        number = f"F{next(self._numbers):08d}"
        self.uploads[number] = Upload(body["filename"], int(body["length"]))
        return {"ok": True, "file_id": number, "upload_url": f"{self.base_url}upload/{number}"}

    def received(self, number: str, content: bytes) -> int:
        """The HTTP status to a file's content: its length must be as announced."""
        upload = self.uploads.get(number)
        if upload is None or len(content) != upload.length:
            return 400
        upload.content = content
        return 200

    def _files_completeUploadExternal(self, body: Json) -> Json:  # noqa: N802 - the method's name is Slack's
        uploads = [self.uploads.get(one["id"]) for one in body["files"]]
        if not all(upload and upload.content for upload in uploads):
            return {"ok": False, "error": "file_not_found"}
        for upload in uploads:
            assert upload is not None
            upload.complete, upload.refusals = True, self.slow_files
        if not body.get("channel_id"):  # nobody but the app sees it until a message shows it
            return {"ok": True, "files": [{"id": one["id"], "title": one["title"]} for one in body["files"]]}
        if body["channel_id"] not in self.channels.values():  # a channel's name is no id
            return {"ok": False, "error": "channel_not_found"}
        files = [
            {"id": one["id"], "name": self.uploads[one["id"]].name, "title": one["title"]} for one in body["files"]
        ]
        place = (body["channel_id"], f"1790000000.{next(self._numbers):06d}")
        kept = {"text": "", "files": files, "thread_ts": body.get("thread_ts")}
        self.messages[place] = {**kept, "channel": place[0], "ts": place[1], "type": "message", "edits": 0}
        return {"ok": True, "files": files}

    def _files_delete(self, body: Json) -> Json:
        return {"ok": True} if self.uploads.pop(body["file"], None) else {"ok": False, "error": "file_not_found"}

    def file_problem(self, body: Json) -> Json | None:
        """What Slack answers to a message that shows a file which it does not have, or is not done with."""
        for number, block in enumerate(body.get("blocks") or ()):
            upload = self.uploads.get(block.get("slack_file", {}).get("id"))
            if block["type"] != "image" or (upload and upload.complete and not upload.refusals):
                continue
            if upload and upload.refusals:
                upload.refusals -= 1
            said = f"invalid slack file [json-pointer:/blocks/{number}/slack_file]"
            return {"ok": False, "error": "invalid_blocks", "errors": [said]}
        return None

    def _conversations_list(self, body: Json) -> Json:
        del body
        names = ((name.removeprefix("#"), number) for name, number in self.channels.items())
        return {"ok": True, "channels": [{"id": number, "name": name} for name, number in names]}

    def _conversations_open(self, body: Json) -> Json:
        return {"ok": True, "channel": {"id": self.channel_id(str(body["users"]))}}

    def _views_open(self, body: Json) -> Json:
        unused = self.triggers.get(body["trigger_id"])
        if not unused:
            return {"ok": False, "error": "invalid_trigger_id" if unused is None else "exchanged_trigger_id"}
        if problem := view_problem(body["view"], block_is_valid):
            return {"ok": False, "error": problem}
        self.triggers[body["trigger_id"]] = False
        return {"ok": True, "view": self._kept(f"V{next(self._numbers):08d}", body["view"])}

    def _views_update(self, body: Json) -> Json:
        current = self.views.get(body["view_id"])
        if current is None:
            return {"ok": False, "error": "not_found"}
        if body.get("hash", current["hash"]) != current["hash"]:
            return {"ok": False, "error": "hash_conflict"}
        if problem := view_problem(body["view"], block_is_valid):
            return {"ok": False, "error": problem}
        return {"ok": True, "view": self._kept(body["view_id"], body["view"], current["state"]["values"])}

    def _views_publish(self, body: Json) -> Json:
        if body["view"]["type"] != "home":
            return {"ok": False, "error": "invalid_arguments"}
        if problem := view_problem(body["view"], block_is_valid):
            return {"ok": False, "error": problem}
        self.homes[body["user_id"]] = {**body["view"], "id": f"V{body['user_id']}", "hash": f"h{next(self._numbers)}"}
        return {"ok": True, "view": self.homes[body["user_id"]]}

    def _kept(self, number: str, view: Json, state: Json | None = None) -> Json:
        assert view_problem(view, block_is_valid) == ""
        more = {"id": number, "hash": f"h{next(self._numbers)}", "state": {"values": state_of(view, state)}}
        self.views[number] = {**view, **more}
        return json.loads(json.dumps(self.views[number]))  # type: ignore[no-any-return]  # as it was, when it changes

    def _apps_connections_open(self, body: Json) -> Json:
        del body
        return {"ok": True, "url": self.socket_url} if self.socket_url else {"ok": False, "error": "internal_error"}

    def _auth_test(self, body: Json) -> Json:
        del body
        return {"ok": True, "user_id": "U0BOT", "bot_id": "B0BOT", "team_id": TEAM}


# --- limits ----------------------------------------------------------------------------------


def problem_of(body: Json) -> str:
    """The error that Slack answers to a message that breaks a limit, or nothing."""
    if not body.get("text"):
        return "no_text"
    blocks = body.get("blocks", [])
    ids = [block.get("block_id") for block in blocks if block.get("block_id")]
    if len(blocks) > 50 or len(ids) != len(set(ids)) or any(len(one) > 255 for one in ids):
        return "invalid_blocks"
    return "" if all(block_is_valid(block) for block in blocks) else "invalid_blocks"


def _text_is_valid(text: Json, limit: int) -> bool:
    return text["type"] in ("mrkdwn", "plain_text") and 1 <= len(text["text"]) <= limit


def block_is_valid(block: Json) -> bool:
    kind: str = block["type"]
    if kind == "header":
        return bool(block["text"]["type"] == "plain_text") and _text_is_valid(block["text"], 150)
    if kind == "section":
        texts = block.get("fields", [])
        whole = "text" not in block or _text_is_valid(block["text"], 3000)
        return (
            whole
            and len(texts) <= 10
            and all(_text_is_valid(text, 2000) for text in texts)
            and bool(texts or "text" in block)
        )
    if kind == "context":
        return 1 <= len(block["elements"]) <= 10 and all(_text_is_valid(text, 3000) for text in block["elements"])
    if kind == "actions":
        ids = [element["action_id"] for element in block["elements"]]
        return len(ids) == len(set(ids)) <= 25 and all(_button_is_valid(element) for element in block["elements"])
    if kind == "image":
        return 1 <= len(block["alt_text"]) <= 2000 and "image_url" not in block
    return kind == "divider"


def _button_is_valid(element: Json) -> bool:
    confirm = element.get("confirm")
    asked: bool = confirm is None or (
        _text_is_valid(confirm["title"], 100)
        and _text_is_valid(confirm["text"], 300)
        and _text_is_valid(confirm["confirm"], 30)
    )
    return (
        asked
        and _text_is_valid(element["text"], 75)
        and len(element.get("value", "")) <= 2000
        and len(element.get("url", "")) <= 3000
    )


_MENTION = re.compile(r"<[!@#][^>]*>")


def mentions(message: Json) -> list[str]:
    """Whom Slack would notify: every mention in what is shown."""
    return [mention for text in _shown(message) for mention in _MENTION.findall(text)]


def _shown(part: object) -> Iterator[str]:
    """Every text that people see; not ids and values."""
    if isinstance(part, list | tuple):
        for one in part:
            yield from _shown(one)
    elif isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part["text"]
        for one in part.values():
            yield from _shown(one)


# --- HTTP ------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    slack: ClassVar[FakeSlack]

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        method = self.path.removeprefix("/api/")
        if method.startswith("upload/"):  # as in Slack, the address itself is the permission
            with self.slack.lock:
                self._reply(self.slack.received(method.removeprefix("upload/"), raw), {})
            return
        body = _decoded(raw, self.headers.get("content-type", ""))
        with self.slack.lock:
            self.slack.calls.append((method, body))
            queue = self.slack.faults.get(method)
            fault = Fault("status") if self.slack.down else (queue.popleft() if queue else None)
            if fault is not None and fault.kind in ("drop", "status", "ratelimited", "refused"):
                self._fail(fault)
                return
            token = APP_TOKEN if method.startswith("apps.") else TOKEN
            if self.headers.get("authorization") != f"Bearer {token}":
                self._reply(200, {"ok": False, "error": "invalid_auth"})
                return
            answer = self.slack.answer(method, body)
        if fault is None:
            self._reply(200, answer)
        else:
            self._hang_up()

    def _fail(self, fault: Fault) -> None:
        if fault.kind == "drop":
            self._hang_up()
        elif fault.kind == "status":
            self._reply(fault.status, {"ok": False, "error": "service_unavailable"})
        elif fault.kind == "refused":
            self._reply(200, {"ok": False, "error": fault.error})
        else:
            self._reply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(fault.retry_after)})

    def _hang_up(self) -> None:
        self.close_connection = True

    def _reply(self, status: int, answer: Json, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
        """Say nothing."""


def _decoded(raw: bytes, content_type: str) -> Json:
    if "json" in content_type:
        return dict(json.loads(raw or b"{}"))
    pairs = dict(parse_qsl(raw.decode()))
    return {key: json.loads(value) if value[:1] in "[{" else value for key, value in pairs.items()}


@contextmanager
def running_slack() -> Iterator[FakeSlack]:
    """A workspace on a free port of loopback."""
    slack = FakeSlack()
    handler = type("Handler", (_Handler,), {"slack": slack})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    slack.base_url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_until(holds: Callable[[], bool], what: str, longest_s: float = 60) -> None:
    """Return when something holds that happens in another thread, as forms that open after the acknowledgement."""
    deadline = time.monotonic() + longest_s
    while not holds():
        if time.monotonic() > deadline:
            message = f"not within {longest_s:.0f} s: {what}"
            raise TimeoutError(message)
        time.sleep(0.01)
