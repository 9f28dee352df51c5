"""Where and when alerts are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.alerts.made import NEARLY, TREE, TUESDAY, UNUSUAL, USED, ZONE, anomaly, position, rules
from twinledger.alerts.replay import Rehearsal
from twinledger.alerts.telling import Decided
from twinledger.budgets import Position
from twinledger.outbox import Message

DAY = timedelta(days=1)


def _company(*given: dict[str, Any], **changes: Any) -> Rehearsal:  # noqa: ANN401 - as in YAML
    return Rehearsal(rules(*given, **changes), TREE, ZONE)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _told(decided: Decided) -> list[tuple[str, str]]:
    return [(one.kind, one.channel) for one in decided.messages if not one.facts.get("quiet")]


def _when(messages: Iterable[Message]) -> list[str]:
    return [one.not_before.astimezone(UTC).isoformat() for one in messages if one.not_before]


def _many(count: int, actual: int = 1100) -> list[Position]:
    """So many budgets of the shop; each is further over than the one before."""
    return [position(actual + number, budget=f"shop-{number:03}") for number in range(count)]


# --- where -----------------------------------------------------------------------------------


def test_an_alert_is_told_in_the_departments_channel_or_the_nearest_one_above() -> None:
    told = [
        _told(_company(USED).step(TUESDAY, [position(1100, department=department)], []))
        for department in ("shop", "web", "unknown", "")
    ]
    assert told == [[("alert", "#shop")], [("alert", "#shop")], [("alert", "#finance")], [("alert", "#finance")]]


def test_what_vendors_charged_is_told_to_finance_alone() -> None:
    company = _company(USED | {"escalate_after_hours": 1})
    found = [position(1100, view="effective"), position(1100)]
    (finance, everyone) = sorted(company.step(TUESDAY, found, []).messages, key=lambda one: one.channel)
    assert (finance.audience, finance.channel) == ("finance", "#finance")
    assert (everyone.audience, everyone.channel) == ("everyone", "#shop")
    later = company.step(TUESDAY + 30 * DAY, found, []).messages
    assert {one.audience for one in later if one.subject == finance.subject} == set()


def test_a_digest_with_anything_that_vendors_charged_is_for_finance() -> None:
    found = [position(900, view="effective"), position(900, department="", budget="all")]
    company = _company(NEARLY)
    assert company.step(TUESDAY, found, []).messages == ()
    (digest,) = company.tend(TUESDAY + DAY).messages
    assert (digest.audience, digest.channel, digest.facts["count"]) == ("finance", "#finance", 2)


# --- when ------------------------------------------------------------------------------------


def test_at_night_and_at_weekends_what_is_told_waits_for_the_morning() -> None:
    asked = ("2026-10-20T09:00+02:00", "2026-10-20T20:00+02:00", "2026-10-21T07:59+02:00", "2026-10-23T21:00+02:00")
    when = [_when(_company(USED).step(_at(now), [position(1100)], []).messages)[0] for now in asked]
    assert when == [
        "2026-10-20T07:00:00+00:00",
        "2026-10-21T06:00:00+00:00",
        "2026-10-21T06:00:00+00:00",
        "2026-10-26T07:00:00+00:00",  # Monday, after the clocks were set back
    ]


def test_nobody_is_told_twice_of_what_grows_before_the_morning() -> None:
    company = _company(USED)
    company.step(_at("2026-10-20T21:00+02:00"), [position(1100)], [])
    assert _told(company.step(_at("2026-10-20T23:00+02:00"), [position(2000)], [])) == []
    assert _told(company.step(_at("2026-10-21T08:00+02:00"), [position(2000)], [])) == [("alert", "#shop")]


def test_a_digest_goes_at_its_hour_with_all_that_was_found_until_then_and_there_is_one_a_day() -> None:
    company = _company(NEARLY)
    first, other = position(900), position(900, budget="other", title="Other")
    assert company.step(_at("2026-10-20T06:00+02:00"), [first], []).messages == ()
    assert company.step(_at("2026-10-20T08:30+02:00"), [first, other], []).messages == ()
    (digest,) = company.tend(_at("2026-10-20T09:00+02:00")).messages
    assert (digest.kind, digest.channel, digest.subject) == ("alert_digest", "#shop", "#shop 2026-10-20")
    assert (_when([digest]), digest.facts["count"]) == (["2026-10-20T07:00:00+00:00"], 2)
    later = position(900, budget="later", title="Later")
    assert company.step(_at("2026-10-20T15:00+02:00"), [first, other, later], []).messages == ()
    assert company.tend(_at("2026-10-21T08:59+02:00")).messages == ()
    (next_day,) = company.tend(_at("2026-10-21T09:30+02:00")).messages
    assert [line["title"] for line in next_day.facts["lines"]] == ["Later"]
    assert company.tend(_at("2026-10-22T09:30+02:00")).messages == ()


def test_who_evaluates_once_a_morning_has_the_digest_of_the_day_before() -> None:
    company = _company(NEARLY)
    assert company.step(_at("2026-10-20T06:00+02:00"), [position(900)], []).messages == ()
    digest = company.step(_at("2026-10-21T06:00+02:00"), [position(900)], [])
    assert (_told(digest), _when(digest.messages)) == ([("alert_digest", "#shop")], ["2026-10-21T07:00:00+00:00"])


def test_what_is_found_at_a_weekend_is_in_one_digest_on_monday() -> None:
    company = _company(NEARLY)
    for day, budget in (("23T10", "friday"), ("24T06", "saturday"), ("25T06", "sunday")):
        assert company.step(_at(f"2026-10-{day}:00+02:00"), [position(900, budget=budget)], []).messages == ()
        assert company.tend(_at(f"2026-10-{day}:30+02:00")).messages == ()
    (digest,) = company.tend(_at("2026-10-26T09:00+01:00")).messages
    assert digest.facts["count"] == 3


def test_what_was_resolved_before_its_digest_is_still_in_it() -> None:
    company = _company(NEARLY)
    company.step(_at("2026-10-20T12:00+02:00"), [position(900)], [])
    company.step(_at("2026-10-20T13:00+02:00"), [position(100)], [])
    (digest,) = company.tend(_at("2026-10-21T09:00+02:00")).messages
    assert [line["state"] for line in digest.facts["lines"]] == ["resolved"]


def test_a_rule_that_tells_nobody_records_and_speaks_as_soon_as_it_may() -> None:
    company = _company(USED | {"tell": "nobody"})
    assert _told(company.step(TUESDAY, [position(1100)], [])) == []
    assert len(company.alerts) == 1
    company.file = rules(USED)
    assert _told(company.step(TUESDAY + DAY, [position(1100)], [])) == [("alert", "#shop")]


# --- too many --------------------------------------------------------------------------------


def test_many_new_alerts_of_one_channel_are_one_message_that_says_how_many() -> None:
    company = _company(USED, storm={"most_in_channel": 10})
    assert len(_told(company.step(TUESDAY, _many(10), []))) == 10
    company = _company(USED, storm={"most_in_channel": 10})
    (storm,) = company.step(TUESDAY, _many(11), []).messages
    assert (storm.kind, storm.facts["count"], storm.facts["storm"]) == ("alert_digest", 11, True)
    assert storm.facts["lines"][0]["impact"] == {"amount": "110.00", "currency": "USD"}


def test_very_many_in_all_channels_together_are_one_message_each() -> None:
    company = _company(USED, storm={"most": 3, "most_in_channel": 3})
    group = [position(1100, budget=f"group-{number}", department="group") for number in range(2)]
    decided = company.step(TUESDAY, [*_many(2), *group], [])
    assert _told(decided) == [("alert_digest", "#group"), ("alert_digest", "#shop")]
    assert decided.storms == ("#group", "#shop")


def test_a_storm_takes_the_days_digest_with_it() -> None:
    company = _company(USED, NEARLY, storm={"most_in_channel": 2})
    (storm,) = company.step(TUESDAY, _many(3), []).messages
    assert storm.facts["count"] == 6


def test_a_storm_after_the_days_digest_tells_the_most_money_and_the_rest_the_next_day() -> None:
    company = _company(USED, storm={"most_in_channel": 2})
    company.digests.add(("#shop", date(2026, 10, 20)))
    decided = company.step(TUESDAY, _many(5), [])
    assert [one.facts["impact"]["amount"] for one in decided.messages] == ["104.00", "103.00"]
    again = company.step(TUESDAY, _many(5), [])
    assert (again.messages, again.changed) == ((), ())
    (digest,) = company.tend(TUESDAY + DAY).messages
    assert (digest.facts["count"], digest.facts["storm"]) == (3, False)


# --- up the tree -----------------------------------------------------------------------------


def _steps(company: Rehearsal, now: str) -> list[str]:
    messages = company.step(_at(now), [position(1100, department="web")], []).messages
    return [one.channel for one in messages if one.facts["escalated"]]


def test_what_nobody_acknowledges_goes_up_the_tree_step_by_step_in_hours_that_are_not_quiet() -> None:
    company = _company(USED | {"escalate_after_hours": 12})
    assert _steps(company, "2026-10-20T08:00+02:00") == []
    assert _steps(company, "2026-10-20T19:59+02:00") == []
    # Its owner has no Slack user: the channel above hers has it already. Next are the shop's own people.
    assert _steps(company, "2026-10-20T20:00+02:00") == ["U0BOB"]
    assert _steps(company, "2026-10-21T20:00+02:00") == ["U0HUGO"]
    assert _steps(company, "2026-10-22T20:00+02:00") == ["U0ADA"]
    assert _steps(company, "2026-10-23T20:00+02:00") == ["#finance"]
    assert _steps(company, "2026-11-30T20:00+01:00") == []


def test_steps_that_no_evaluation_has_seen_are_taken_together_and_once() -> None:
    company = _company(USED | {"escalate_after_hours": 12})
    _steps(company, "2026-10-20T08:00+02:00")
    assert _steps(company, "2026-10-21T20:00+02:00") == ["U0BOB", "U0HUGO"]
    assert _steps(company, "2026-10-21T20:00+02:00") == []


def test_what_somebody_acknowledged_goes_no_further() -> None:
    company = _company(USED | {"escalate_after_hours": 12})
    _steps(company, "2026-10-20T08:00+02:00")
    company.alerts = {one: replace(alert, state="acknowledged") for one, alert in company.alerts.items()}
    assert _steps(company, "2026-10-27T20:00+01:00") == []


def test_many_that_go_up_to_one_person_are_one_message_and_wait_where_the_day_has_one() -> None:
    company = _company(USED | {"escalate_after_hours": 12}, storm={"most_in_channel": 2})
    for number, positions in enumerate((_many(2), _many(4))):
        company.step(_at(f"2026-10-20T{8 + number:02}:00+02:00"), positions, [])
    (up,) = company.step(_at("2026-10-21T10:00+02:00"), _many(4), []).messages
    assert (up.kind, up.channel, up.facts["count"]) == ("alert_digest", "U0BOB", 4)
    assert company.step(_at("2026-10-21T10:00+02:00"), _many(4), []).messages == ()


def test_time_alone_takes_steps_wakes_and_ends() -> None:
    company = _company(USED | {"escalate_after_hours": 12})
    company.step(TUESDAY, [position(1100)], [])
    assert [one.channel for one in company.tend(TUESDAY + DAY).messages] == ["U0BOB"]
    assert company.tend(TUESDAY + DAY).messages == ()
    company.alerts = {
        one: replace(alert, state="snoozed", snoozed_until=TUESDAY + 2 * DAY) for one, alert in company.alerts.items()
    }
    assert company.tend(TUESDAY + 2 * DAY - timedelta(seconds=1)).messages == ()
    woken = company.tend(TUESDAY + 2 * DAY)
    assert [one.facts["evidence"] for one in woken.messages if not one.facts.get("quiet")] == [
        "still so, after it was snoozed until 2026-10-22"
    ]
    company.tend(TUESDAY + 60 * DAY)
    assert [one.resolution for one in company.alerts.values()] == ["ended"]


def test_what_is_not_so_any_more_is_shown_wherever_it_was_told() -> None:
    company = _company(USED | {"escalate_after_hours": 12})
    _steps(company, "2026-10-20T08:00+02:00")
    _steps(company, "2026-10-20T20:00+02:00")
    shown = company.step(TUESDAY + DAY, [position(100, department="web")], []).messages
    assert [(one.channel, one.facts["quiet"], one.facts["state"]) for one in shown] == [
        ("#shop", True, "resolved"),
        ("U0BOB", True, "resolved"),
    ]


def test_an_anomaly_is_told_with_its_causes_and_reason() -> None:
    (message,) = _company(UNUSUAL).step(TUESDAY, [], [anomaly(90)]).messages
    assert message.facts["causes"] == [{"name": "i-123", "amount": {"amount": "90.00", "currency": "USD"}}]
    assert (message.facts["reason"], message.facts["since"]) == ("more usage", date(2026, 10, 18).isoformat())
