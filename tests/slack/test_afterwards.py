"""Work after the acknowledgement: lanes that do not wait for each other, and bursts that become one."""

from __future__ import annotations

import logging
import threading

import pytest

from twinledger.slack.afterwards import PAUSE_S, Afterwards

LONGEST_S = 20


def test_a_burst_is_done_once_more_after_what_has_begun() -> None:
    begun, go_on, drains = threading.Event(), threading.Event(), []

    def drain() -> None:
        drains.append(1)
        begun.set()
        assert go_on.wait(LONGEST_S)

    after = Afterwards(drain)
    after.nudge()
    assert begun.wait(LONGEST_S)
    for _ in range(50):
        after.nudge()
    go_on.set()
    after.close()
    assert len(drains) == 2


def test_of_what_waits_under_a_key_the_last_one_stands_for_all() -> None:
    go_on, shown = threading.Event(), []
    after = Afterwards(lambda: None)
    after.refresh("busy", "a tab", lambda: go_on.wait(LONGEST_S))
    for user, number in (("bob", 1), ("cy", 2), ("bob", 3)):
        after.refresh(user, "a tab", lambda user=user, number=number: shown.append((user, number)))  # type: ignore[misc]
    go_on.set()
    after.close()
    assert shown == [("bob", 3), ("cy", 2)]


def test_tabs_that_nobody_waits_for_pause_but_not_at_the_end() -> None:
    first, second = threading.Event(), threading.Event()
    after = Afterwards(lambda: None)
    after.refresh("bob", "a tab", first.set)
    after.refresh("cy", "a tab", second.set)
    assert first.wait(LONGEST_S)
    assert not second.wait(PAUSE_S / 10)
    after.close()
    assert second.is_set()


def test_neither_the_outbox_nor_app_home_keeps_a_form_waiting() -> None:
    opened, go_on = threading.Event(), threading.Event()
    after = Afterwards(lambda: go_on.wait(LONGEST_S))
    after.nudge()
    after.refresh("bob", "a tab", lambda: go_on.wait(LONGEST_S))
    after.call("a form", opened.set)
    assert opened.wait(LONGEST_S)
    go_on.set()
    after.close()


def test_what_fails_is_logged_by_its_kind_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("secret 12.00")

    done = threading.Event()
    after = Afterwards(fail)
    with caplog.at_level(logging.WARNING):
        after.nudge()
        after.call("telling somebody", fail)
        after.close()
        after = Afterwards(done.set)
        after.nudge()
        after.close()
    assert done.is_set()
    assert sorted(record.getMessage() for record in caplog.records) == [
        "sending what follows a decision failed: ValueError",
        "telling somebody failed: ValueError",
    ]
