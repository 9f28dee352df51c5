"""A year of daily runs over the sample company: its own series, the real forecaster and detector, and a fake Slack.

Nothing is sent twice for the same evidence, no planted breach is missed, and a channel reads one digest a day.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.acceptance.year import BREACHES, DEPARTMENTS, FIRST, LAST, SPIKES, Desk, Spending, live
from tests.bench.forecast_series import as_sampled
from tests.slack.fake_slack import SIGNING_SECRET, TOKEN, FakeSlack, running_slack
from twinledger.catalog import CompanyConfig, apply_config
from twinledger.catalog.forms import DepartmentsFile, PeopleFile
from twinledger.clock import FixedClock
from twinledger.outbox import OutboxEntry, drain, entries
from twinledger.sample import company
from twinledger.slack.render import Links
from twinledger.slack.sender import SlackSender, slack_client
from twinledger.store import Store
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

CONFIG = Path(__file__).parents[2] / "config"


@dataclass(frozen=True)
class Year:
    """What was spent, and what a year left in the outbox and in the workspace."""

    spending: Spending
    sent: list[OutboxEntry]
    slack: FakeSlack


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Year]:
    """Every day's outbox is drained when the day's rooms are done."""
    folder = tmp_path_factory.mktemp("year")
    (folder / "store.db").write_bytes(sqlite_template.read_bytes())
    store, clock = Store(f"sqlite:///{folder / 'store.db'}"), FixedClock(datetime(2025, 11, 1, tzinfo=UTC))
    people = PeopleFile.model_validate(company.people()).people
    departments = DepartmentsFile.model_validate(company.departments()).departments
    apply_config(store, CompanyConfig(departments=departments, people=people), clock)
    spending = Spending(as_sampled(200))
    with running_slack() as slack:
        slack.now = clock.now
        account = {"token": TOKEN, "signing_secret": SIGNING_SECRET, "base_url": slack.base_url}
        settings = Settings.model_validate({"home": folder, "config": CONFIG, "timezone": "UTC", "slack": account})
        sender = SlackSender(store, slack_client(settings.slack), Links("https://airflow.example"))
        for _ in live(Desk(settings, store, clock), spending):
            drain(store, sender, clock)
        clock.advance(timedelta(days=5))
        drain(store, sender, clock)
        yield Year(spending, entries(store, limit=10_000)[::-1], slack)
    store.close()


def test_everything_was_sent(year: Year) -> None:
    assert {one.state for one in year.sent} == {"sent"}
    assert len(year.sent) > len(BREACHES) + len(SPIKES)
    loud = Counter(one.channel for one in year.sent if not one.facts.get("quiet"))
    sys.stdout.write(f"messages of the year: {sum(loud.values())}: {dict(loud.most_common())}\n")


def test_no_planted_breach_is_missed(year: Year) -> None:
    """Every month whose days add up to more than its plan, planted or not, is told by the next workday."""
    crossed = _crossed(year.spending)
    assert crossed.keys() >= BREACHES.keys()
    for (department, month), over in crossed.items():
        (first,) = [one for one in year.sent if _is_new(one, "plan-used") and _is_of(one, department, month)]
        late = _day(first.sent_at) - over
        assert first.channel == f"#dept-{department}"
        assert late <= timedelta(days=1 + 2 * (over.isoweekday() >= 5)), (department, month)


def test_nothing_else_is_said_to_be_a_breach(year: Year) -> None:
    said = {(one.facts["subject"], one.facts["period"]) for one in year.sent if one.facts.get("rule") == "plan-used"}
    assert said == {(department, str(month)) for department, month in _crossed(year.spending)}


def test_no_planted_spike_is_missed(year: Year) -> None:
    for department, day in SPIKES.items():
        series = year.spending.spiked[department].name
        (told,) = [one for one in year.sent if _is_new(one, "unusual-cost") and one.facts["subject"] == series
                   and one.facts["period"].startswith(day.isoformat())]  # fmt: skip
        assert told.channel == f"#dept-{department}"
        assert _day(told.sent_at) - day <= timedelta(days=3), series  # over a weekend


def test_no_message_is_sent_twice_for_the_same_evidence(year: Year) -> None:
    """A second word in a channel is about more money, as its rule has it, or about what was over in between."""
    told: dict[tuple[str, str], list[OutboxEntry]] = defaultdict(list)
    for one in year.sent:
        if one.kind == "alert" and not one.facts.get("quiet"):
            told[one.subject, one.channel].append(one)
    for messages in told.values():
        for before, after in pairwise(messages):
            assert after.facts["evidence"].startswith("again, after") or _has_grown(year, before, after), after.facts


def test_a_channel_reads_at_most_one_digest_a_day(year: Year) -> None:
    digests = Counter((one.channel, _day(one.sent_at)) for one in year.sent if one.kind == "alert_digest")
    assert digests
    assert set(digests.values()) == {1}


def test_nothing_is_read_at_night_or_at_a_weekend(year: Year) -> None:
    read = [at for one in year.sent for at in (one.not_before, one.sent_at) if at is not None]
    assert len(read) == 2 * len(year.sent)
    assert all(8 <= at.astimezone(UTC).hour < 20 and at.astimezone(UTC).isoweekday() <= 5 for at in read)


def test_the_workspace_has_one_card_of_each_alert_in_a_channel(year: Year) -> None:
    cards = Counter((one.subject, one.channel) for one in year.sent if one.kind == "alert")
    channels = {one.channel for one in year.sent}
    posted = [card for channel in channels for card in year.slack.in_channel(channel) if "thread_ts" not in card]
    assert len(posted) == len(cards) + sum(one.kind == "alert_digest" for one in year.sent)


def _crossed(spending: Spending) -> dict[tuple[str, Period], date]:
    """(department, month) -> the first day on which the month's days add up to more than its plan."""
    found: dict[tuple[str, Period], date] = {}
    for department in DEPARTMENTS:
        sums: dict[Period, Decimal] = defaultdict(Decimal)
        for number in range((LAST - FIRST).days + 1):
            day = FIRST + timedelta(days=number)
            month = Period(day.year, day.month)
            sums[month] += sum(amounts[day] for key, amounts in spending.series.items() if key.scope == department)
            if sums[month] > spending.plans[department]:
                found.setdefault((department, month), day)
    return found


def _has_grown(year: Year, before: OutboxEntry, after: OutboxEntry) -> bool:
    """By more than a tenth of the plan; what is unusual, by more than it was."""
    then, now = (Decimal(one.facts["impact"]["amount"]) for one in (before, after))
    plan = year.spending.plans.get(after.facts["subject"])
    return now - then > (then if plan is None else plan / 10)


def _is_new(one: OutboxEntry, rule: str) -> bool:
    facts = one.facts
    return facts.get("rule") == rule and not (facts.get("quiet") or facts["escalated"] or facts["evidence"])


def _is_of(one: OutboxEntry, department: str, month: Period) -> bool:
    return bool(one.facts["subject"] == department and one.facts["period"] == str(month))


def _day(instant: datetime | None) -> date:
    assert instant is not None
    return instant.astimezone(UTC).date()
