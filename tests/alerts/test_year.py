"""A year of days: what a workspace has read at the end of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.alerts.made import TREE, ZONE, anomaly, position, usd
from tests.slack.fake_slack import SIGNING_SECRET, TOKEN, FakeSlack, running_slack
from twinledger.alerts import Rehearsal, load_rules
from twinledger.anomalies import Anomaly
from twinledger.budgets import Position
from twinledger.clock import FixedClock
from twinledger.outbox import OutboxEntry, drain, enqueue, entries
from twinledger.slack.render import Links
from twinledger.slack.sender import SlackSender, slack_client
from twinledger.store import Store
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

CONFIG = Path(__file__).parents[2] / "config"
BERLIN = ZoneInfo(ZONE)
FIRST, DAYS = date(2026, 1, 1), 365
BUDGETS = [f"budget-{number:02}" for number in range(20)]
DEPARTMENTS = ("shop", "web", "group", "")
PLAN, USUAL = 1000, 25
"""Of a month, and of a day: 775 in a long month, so that nobody hears of it."""

BREACHES = {(BUDGETS[7 * number % 20], month): 3 + 4 * number for number, month in enumerate(range(1, 13, 2))}
"""(budget, month) -> the day from which on it costs six times as much."""

UNUSUAL = {f"series-{number}": date(2026, 2 + 2 * number, 2 + 5 * number) for number in range(5)}
"""Series -> the day on which it cost 400 instead of 100."""


def _spent(budget: str, day: date) -> int:
    grown = BREACHES.get((budget, day.month), 32)
    return USUAL * day.day + 5 * USUAL * max(0, day.day - grown + 1)


def _positions(known: date) -> Iterator[Position]:
    month = Period(known.year, known.month)
    last = month.first_day + timedelta(days=month.days - 1)
    for number, budget in enumerate(BUDGETS):
        spent = _spent(budget, known)
        rest = USUAL * (last.day - known.day)
        yield position(
            spent, budget=budget, title=f"Title of {budget}", department=DEPARTMENTS[number % 4], plan=usd(PLAN),
            view="effective" if number >= 18 else "internal", period=str(month), first_day=month.first_day,
            last_day=last, known_through=known, expected=usd(spent + rest), lowest=usd(spent + rest // 2),
        )  # fmt: skip


def _unusual(known: date) -> list[Anomaly]:
    """A spike is open for a week."""
    starts = {one: datetime.combine(day, datetime.min.time(), BERLIN) for one, day in UNUSUAL.items()}
    return [
        anomaly(300, series=series, title=f"Title of {series}", start=start, known_through=start + timedelta(days=1))
        for series, start in starts.items()
        if start.date() <= known < start.date() + timedelta(days=7)
    ]


@dataclass(frozen=True)
class Year:
    """What a year left: in the outbox, and in the workspace."""

    sent: list[OutboxEntry]
    slack: FakeSlack


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Year]:
    """Rules are evaluated at six in the morning, some days twice; at eleven digests go, and the outbox is drained."""
    folder = tmp_path_factory.mktemp("year")
    (folder / "store.db").write_bytes(sqlite_template.read_bytes())
    store, clock = Store(f"sqlite:///{folder / 'store.db'}"), FixedClock(datetime(2026, 1, 2, tzinfo=UTC))
    company = Rehearsal(load_rules(CONFIG), TREE, ZONE)
    with running_slack() as slack:
        slack.now = clock.now
        account = {"token": TOKEN, "signing_secret": SIGNING_SECRET, "base_url": slack.base_url}
        settings = Settings.model_validate({"home": folder, "slack": account})
        sender = SlackSender(store, slack_client(settings.slack), Links("https://airflow.example"))
        for number in range(DAYS):
            known = FIRST + timedelta(days=number)
            clock.instant = datetime(known.year, known.month, known.day, 6, tzinfo=BERLIN) + timedelta(days=1)
            for _ in range(1 + number % 2):
                messages = company.step(clock.now(), list(_positions(known)), _unusual(known)).messages
                with store.transaction() as session:
                    assert all(enqueue(session, one, clock) for one in messages)
            clock.advance(timedelta(hours=5))
            with store.transaction() as session:
                assert all(enqueue(session, one, clock) for one in company.tend(clock.now()).messages)
            drain(store, sender, clock)
        clock.advance(timedelta(days=5))
        drain(store, sender, clock)
        yield Year(entries(store, limit=10_000)[::-1], slack)
    store.close()


def test_everything_was_sent(year: Year) -> None:
    assert {one.state for one in year.sent} == {"sent"}
    assert len(year.sent) > len(BREACHES) + len(UNUSUAL)


def test_no_planted_breach_is_missed(year: Year) -> None:
    """The month's plan was spent on a day that the data knows: the budget's channel has read so by the next workday."""
    for budget, month in BREACHES:
        over = next(day for day in _days_of(month) if _spent(budget, day) > PLAN)
        (first,) = [one for one in year.sent if _is_new(one, "plan-used") and _is_of(one, budget, month)]
        late = _day(first.sent_at) - over
        assert late <= timedelta(days=1 + 2 * (over.isoweekday() >= 5)), (budget, month)


def test_no_unusual_day_is_missed(year: Year) -> None:
    told = {one.facts["subject"]: _day(one.sent_at) - UNUSUAL[one.facts["subject"]] for one in year.sent
            if _is_new(one, "unusual-cost")}  # fmt: skip
    assert told.keys() == UNUSUAL.keys()
    assert max(told.values()) <= timedelta(days=3)  # over a weekend


def test_nothing_else_is_said_to_be_a_breach(year: Year) -> None:
    said = {(one.facts["subject"], one.facts["period"]) for one in year.sent if one.facts.get("rule") == "plan-used"}
    assert said == {(budget, f"2026-{month:02}") for budget, month in BREACHES}


def test_no_message_is_sent_twice_for_the_same_evidence(year: Year) -> None:
    told: dict[tuple[str, str], list[OutboxEntry]] = defaultdict(list)
    for one in year.sent:
        if one.kind == "alert" and not one.facts.get("quiet"):
            told[one.subject, one.channel].append(one)
    for messages in told.values():
        impacts = [float(one.facts["impact"]["amount"]) for one in messages]
        assert all(after - before > PLAN / 10 for before, after in pairwise(impacts))


def test_a_channel_reads_at_most_one_digest_a_day(year: Year) -> None:
    digests = Counter((one.channel, _day(one.sent_at)) for one in year.sent if one.kind == "alert_digest")
    assert digests
    assert set(digests.values()) == {1}


def test_nothing_is_read_at_night_or_at_a_weekend(year: Year) -> None:
    read = [one.not_before.astimezone(BERLIN) for one in year.sent]
    assert all(8 <= at.hour < 20 and at.isoweekday() <= 5 for at in read)


def test_the_workspace_has_one_card_of_each_alert_in_a_channel(year: Year) -> None:
    cards = Counter((one.subject, one.channel) for one in year.sent if one.kind == "alert")
    channels = {channel for _, channel in cards}
    posted = [card for channel in channels for card in year.slack.in_channel(channel) if "thread_ts" not in card]
    digests = sum(one.kind == "alert_digest" for one in year.sent)
    assert len(posted) == len(cards) + digests


def _is_new(one: OutboxEntry, rule: str) -> bool:
    facts = one.facts
    return facts.get("rule") == rule and not (facts.get("quiet") or facts["escalated"] or facts["evidence"])


def _is_of(one: OutboxEntry, budget: str, month: int) -> bool:
    return bool(one.facts["subject"] == budget and one.facts["period"] == f"2026-{month:02}")


def _days_of(month: int) -> list[date]:
    days = Period(2026, month).days
    return [date(2026, month, day) for day in range(1, days + 1)]


def _day(instant: datetime | None) -> date:
    assert instant is not None
    return instant.astimezone(BERLIN).date()
