"""The command that answers Slack over Socket Mode."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import FrameType

from twinledger.cli.output import err, open_books


def slack() -> None:
    """Answer Slack over a connection that is opened from here, where Slack cannot reach the pages.

    Runs until Ctrl-C or SIGTERM, and finishes what is under way. Needs TWINLEDGER_SLACK__TOKEN and
    TWINLEDGER_SLACK__APP_TOKEN.

    Example: [bold]twinledger slack[/]
    """
    from twinledger.reconciliation import sign_off
    from twinledger.slack.socket import serve

    with open_books() as books, _until_told() as ended:
        serve(books, partial(sign_off, books), _say, ended)


def _say(sentence: str) -> None:
    err.print(sentence, markup=False, soft_wrap=True)


@contextmanager
def _until_told() -> Iterator[Event]:
    """An event that is set by Ctrl-C or SIGTERM; a second one changes nothing, for the first is being followed."""
    ended = Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
