"""Approvals through the real Airflow, the real libraries of Slack and PostgreSQL: races, outages, forgeries, kills.

One Airflow is started for all cases, and they go on at the same time where they can. What each must come to is the
same: one outcome in the store with what follows from it, said by the card and to the requester, and Airflow's run ended
in agreement: `Live.problems`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from tests.conftest import PostgresUnavailableError, _unavailable
from tests.dags.live import Live, live
from tests.slack.fake_slack import Json, mentions
from twinledger.approvals import Decision, decide
from twinledger.store.models import OutboxItem, Request

ADA, FAY, GIL, HAL, IDA = "U0ADA", "U0FAY", "U0GIL", "U0HAL", "U0IDA"
STRANGERS = ("U0EVE", "U0DAN", "U0CY")
EXPIRES_IN = timedelta(seconds=25)
OUTAGE = ("outage-1", "outage-2")

People = ThreadPoolExecutor


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    try:
        with live(tmp_path_factory.mktemp("live")) as everything:
            yield everything
    except PostgresUnavailableError as error:
        _unavailable(error)


# --- the cases, while nothing is broken -----------------------------------------------------------


def two_people_at_once(running: Live, request: str) -> None:
    card = running.cards(request)[0]
    clicks = [running.slack.click_payload(card, "approve", user) for user in (FAY, GIL, FAY, GIL)]
    with People(4) as people:
        assert {reply.status for reply in people.map(running.slack.send, clicks)} == {200}


def opposite_answers_at_once(running: Live, request: str) -> None:
    running.click(request, HAL, "deny")
    running.until(lambda: bool(_forms(running, request)), "the form for a reason is opened")
    approval = running.slack.click_payload(running.cards(request)[0], "approve", IDA)
    with People(2) as people:
        approving = people.submit(running.slack.send, approval)
        denying = people.submit(running.slack.submit, _forms(running, request)[0], {"reason": "no"}, HAL)
    assert (approving.result().status, denying.result().status) == (200, 200)


def _forms(running: Live, request: str) -> list[dict[str, object]]:
    return [one for one in running.slack.views.values() if request in str(one["private_metadata"])]


def an_approval_at_the_instant_of_the_expiry(running: Live, request: str) -> None:
    with running.store.reading() as session:
        at = session.get_one(Request, request).expires_at
    running.until(lambda: bool(running.cards(request)), "the card is there")
    click = running.slack.click_payload(running.cards(request)[0], "approve", ADA)
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
    assert running.slack.send(click).status == 200


def strangers_and_forgers_before_the_approver(running: Live, request: str) -> None:
    """Nobody, two people, the requester; a click of another workspace, altered, stale, unsigned; and a replay."""
    slack, card = running.slack, running.cards(request)[0]
    assert "&lt;!channel&gt;" in json.dumps(card["blocks"])
    assert not [one for one in mentions(card) if one.startswith("<!")]
    for user in STRANGERS:
        assert running.click(request, user).status == 200
    click = slack.click_payload(card, "approve", ADA)
    body, other = (_body(one) for one in (click, slack.click_payload(card, "approve", STRANGERS[0])))
    elsewhere = _body({**click, "team": {"id": "T0OTHER"}, "user": {"id": ADA, "team_id": "T0OTHER"}})
    unsigned = {"content-type": "application/x-www-form-urlencoded"}
    long_ago = datetime.now(UTC) - timedelta(minutes=6)
    for what, forged, headers in (
        ("of another workspace", elsewhere, slack.signed(elsewhere)),
        ("altered", body, slack.signed(other)),
        ("stale", body, slack.signed(body, at=long_ago)),
        ("unsigned", body, unsigned),
        ("signed by somebody else", body, slack.signed(body, secret="another")),
    ):
        assert slack.post(forged, headers).status == 401, what
    running.until(lambda: len(running.told(*STRANGERS)) == len(STRANGERS), "three strangers are told")
    assert running.state(request) == "pending"
    headers = slack.signed(body)
    assert [slack.post(body, headers).status for _ in ("the click", "its replay")] == [200, 200]


def _body(payload: Json) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


def pressed_at_once(running: Live, early: str, just_parked: str) -> None:
    """One is approved before its task waits, one in the moment in which it begins to."""
    running.until(lambda: bool(running.cards(early)), "the card is there")
    assert running.click(early, ADA).status == 200
    running.until(lambda: just_parked in running.parked(), "the task waits")
    assert running.click(just_parked, ADA).status == 200


CALM: dict[str, Callable[[Live, str], None]] = {
    "double": two_people_at_once,
    "opposite": opposite_answers_at_once,
    "strange": strangers_and_forgers_before_the_approver,
    "expiring": an_approval_at_the_instant_of_the_expiry,
}


# --- the cases in which something is away ---------------------------------------------------------


def approved_while_slack_is_down(running: Live, requests: tuple[str, ...]) -> None:
    """Two are approved while Slack is away, and Airflow goes on; afterwards all is said once, in order."""
    slack = running.slack
    slack.down = True
    for request in requests:
        assert running.click(request, ADA).status == 200
    running.until(lambda: all(running.has_ended(one) for one in requests), "Airflow does not wait for Slack")
    assert {_heading(running, one) for one in requests} == {"Waiting for approval"}
    before = len(slack.calls)
    slack.down = False
    running.make_due()
    running.deliver()
    running.settled(*requests)
    updated = [body["ts"] for method, body in slack.calls[before:] if method == "chat.update"]
    assert updated == [running.cards(one)[0]["ts"] for one in requests]


def _heading(running: Live, request: str) -> str:
    return str(running.cards(request)[0]["blocks"][0]["text"]["text"]).partition(":")[0]


def the_api_server_dies_between_acknowledgement_and_decision(running: Live, request: str) -> None:
    with running.undecided(request):
        assert running.click(request, ADA).status == 200
        running.kill("api-server")
    assert running.state(request) == "pending"


def the_scheduler_dies_when_it_is_decided(running: Live, request: str) -> None:
    assert running.click(request, ADA).status == 200
    running.until(lambda: running.state(request) == "approved", "it is decided")
    running.kill("scheduler")


def the_database_dies_between_acknowledgement_and_decision(running: Live, request: str) -> None:
    with running.undecided(request):
        assert running.click(request, ADA).status == 200
        running.kill("database")


def the_worker_dies_while_it_sends(running: Live, request: str) -> None:
    """Approved on the command line, whose messages only the worker sends; Slack takes the one that it died with."""
    with running.slack.lock:
        decide(running.desk, Decision(request, "ada", "approve", "command line", f"cli:{request}"))
        running.deliver()
        running.until(lambda: _is_being_sent(running, request), "the worker has claimed a message")
        running.kill("outbox worker")


def _is_being_sent(running: Live, request: str) -> bool:
    with running.store.reading() as session:
        query = select(OutboxItem.id).where(OutboxItem.subject == request, OutboxItem.state == "sending")
        return session.scalar(query) is not None


KILLS: dict[str, Callable[[Live, str], None]] = {
    "outbox-worker": the_worker_dies_while_it_sends,
    "scheduler": the_scheduler_dies_when_it_is_decided,
    "api-server": the_api_server_dies_between_acknowledgement_and_decision,
    "database": the_database_dies_between_acknowledgement_and_decision,
}


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.timeout(900)
def test_whatever_races_lies_fails_or_dies_an_approval_ends_once_and_everywhere_alike(running: Live) -> None:
    just_parked = running.ask_by_http()
    requests = {name: running.ask(name) for name in ("double", "opposite", *OUTAGE, *KILLS)}
    requests["strange"] = running.ask("strange", justification="<!channel> we need it & <@U0ADA> knows")
    early = running.ask("early")
    running.deliver()
    pressed_at_once(running, early, just_parked)
    running.until(lambda: running.are_asked(*requests.values()), "all are asked, everywhere")
    requests["expiring"] = running.ask("expiring", expires_in=EXPIRES_IN)
    running.deliver()

    with People(len(CALM)) as people:
        acts = [people.submit(act, running, requests[name]) for name, act in CALM.items()]
    for act in acts:
        act.result()
    running.settled(early, just_parked, *(requests[name] for name in CALM))

    assert [text.startswith("Already approved by ") for text in running.told(FAY, GIL)] == [True] * 3
    assert [text.startswith("Already ") for text in running.told(HAL, IDA)] == [True]
    assert [text.startswith("Not recorded: ") for text in running.told(*STRANGERS)] == [True] * 3
    assert running.state(requests["expiring"]) in ("approved", "expired")

    approved_while_slack_is_down(running, tuple(requests[name] for name in OUTAGE))

    for name, kill in KILLS.items():
        kill(running, requests[name])
        running.start_again()
    running.deliver()
    running.settled(*(requests[name] for name in KILLS))
    assert {running.state(requests[name]) for name in KILLS} == {"approved"}
