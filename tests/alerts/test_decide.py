"""What becomes of an alert from evaluation to evaluation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.alerts.made import NEARLY, TREE, TUESDAY, UNUSUAL, USED, ZONE, anomaly, position, rules
from twinledger.alerts.alert import Alert
from twinledger.alerts.replay import Rehearsal
from twinledger.alerts.telling import Decided

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _company(*given: dict[str, Any], **changes: Any) -> Rehearsal:  # noqa: ANN401 - as in YAML
    return Rehearsal(rules(*given, **changes), TREE, ZONE)


def _spoken(decided: Decided) -> list[str]:
    return [str(one.facts["evidence"]) for one in decided.messages if not one.facts.get("quiet")]


def _only(company: Rehearsal) -> Alert:
    (alert,) = company.alerts.values()
    return alert


def _change(company: Rehearsal, **values: Any) -> None:  # noqa: ANN401 - any field
    alert = replace(_only(company), **values)
    company.alerts[alert.id] = alert


def test_a_breach_is_told_once_and_recorded_always() -> None:
    company = _company(USED)
    assert _spoken(company.step(TUESDAY, [position(1100)], [])) == [""]
    assert _spoken(company.step(TUESDAY + DAY, [position(1150)], [])) == []
    assert _only(company).impact == Decimal(150)


def test_the_same_evaluation_again_changes_nothing() -> None:
    company = _company(USED, NEARLY, UNUSUAL)
    company.step(TUESDAY, [position(1100)], [anomaly(90)])
    again = company.step(TUESDAY, [position(1100)], [anomaly(90)])
    assert (again.opened, again.changed, again.messages) == ((), (), ())


def test_growth_beyond_the_rules_repeat_speaks_again_and_says_by_how_much() -> None:
    company = _company(USED)
    company.step(TUESDAY, [position(1100)], [])
    assert _spoken(company.step(TUESDAY + DAY, [position(1200)], [])) == []
    spoken = _spoken(company.step(TUESDAY + 2 * DAY, [position("1200.01")], []))
    assert spoken == ["100.01 USD more than when it was told last"]


def test_a_rule_without_repeat_speaks_once() -> None:
    company = _company(USED | {"repeat": None})
    company.step(TUESDAY, [position(1100)], [])
    assert _spoken(company.step(TUESDAY + DAY, [position(9000)], [])) == []


def test_a_drop_that_deepens_has_grown() -> None:
    company = _company(UNUSUAL)
    company.step(TUESDAY, [], [anomaly(-60)])
    assert _spoken(company.step(TUESDAY + DAY, [], [anomaly(-30)])) == []
    company.step(TUESDAY + DAY, [], [anomaly(-60)])
    assert len(_spoken(company.step(TUESDAY + DAY, [], [anomaly(-121)]))) == 1


def test_what_says_less_is_silent_where_more_is_said_and_speaks_again_when_that_is_over() -> None:
    company = _company(USED, NEARLY | {"unless": ["used"], "tell": "at once"})
    assert _spoken(company.step(TUESDAY, [position(900)], [])) == [""]
    both = company.step(TUESDAY + DAY, [position(1100)], [])
    assert sorted((one.facts["rule"], one.facts["state"], bool(one.facts.get("quiet"))) for one in both.messages) == [
        ("nearly", "resolved", True),
        ("used", "new", False),
    ]
    assert {one.rule: one.resolution for one in company.alerts.values()} == {"used": None, "nearly": "superseded"}
    (again,) = _spoken(company.step(TUESDAY + 2 * DAY, [position(900)], []))
    assert again.startswith("again, after it was superseded on 2026-10-21")


def test_what_says_less_is_never_opened_beside_what_says_more() -> None:
    company = _company(USED, NEARLY | {"unless": ["used"]})
    company.step(TUESDAY, [position(1100)], [])
    assert [one.rule for one in company.alerts.values()] == ["used"]
    assert company.tend(TUESDAY + DAY).messages == ()


def test_an_alert_is_resolved_only_below_the_hysteresis_and_its_message_then_says_so_quietly() -> None:
    company = _company(USED)
    company.step(TUESDAY, [position(1100)], [])
    assert company.step(TUESDAY + DAY, [position(960)], []).messages == ()
    (shown,) = company.step(TUESDAY + 2 * DAY, [position(940)], []).messages
    assert (shown.facts["quiet"], shown.facts["state"], _only(company).resolution) == (True, "resolved", "cleared")


def test_an_alert_that_fires_again_is_new_and_says_so() -> None:
    company = _company(USED)
    for actual in (1100, 900, 1001):
        decided = company.step(TUESDAY, [position(actual)], [])
    assert _spoken(decided) == ["again, after it was cleared on 2026-10-20"]
    assert _only(company).state == "new"


def test_older_data_neither_resolves_nor_tells() -> None:
    company = _company(USED)
    company.step(TUESDAY, [position(1100)], [])
    older = position(500, known_through=date(2026, 10, 18))
    assert company.step(TUESDAY + DAY, [older], []).changed == ()
    assert company.step(TUESDAY + DAY, [replace(older, actual=position(5000).actual)], []).changed == ()


def test_what_is_not_looked_at_stays_as_it_is_until_its_span_is_long_over() -> None:
    company = _company(USED, keep_days=10)
    company.step(TUESDAY, [position(1100)], [])
    assert company.step(datetime(2026, 11, 10, 9, tzinfo=TUESDAY.tzinfo), [], []).changed == ()
    company.step(datetime(2026, 11, 11, 9, tzinfo=TUESDAY.tzinfo), [], [])
    assert (_only(company).state, _only(company).resolution) == ("resolved", "ended")
    late = company.step(datetime(2026, 11, 12, 9, tzinfo=TUESDAY.tzinfo), [position(2000)], [])
    assert (late.opened, late.changed) == ((), ())


def test_an_acknowledged_alert_is_silent_until_it_grows_and_stays_acknowledged() -> None:
    company = _company(USED)
    company.step(TUESDAY, [position(1100)], [])
    _change(company, state="acknowledged", acted_by="bob")
    assert _spoken(company.step(TUESDAY + DAY, [position(1150)], [])) == []
    assert len(_spoken(company.step(TUESDAY + 2 * DAY, [position(1300)], []))) == 1
    assert (_only(company).state, _only(company).acted_by) == ("acknowledged", "bob")


def test_a_snooze_ends_at_its_instant_and_what_holds_still_is_said_once_more() -> None:
    company = _company(USED)
    company.step(TUESDAY, [position(1100)], [])
    _change(company, state="snoozed", snoozed_until=TUESDAY + DAY, snoozed_impact=Decimal(100))
    assert _spoken(company.step(TUESDAY + DAY - HOUR, [position(1150)], [])) == []
    assert _spoken(company.step(TUESDAY + DAY, [position(1150)], [])) == [
        "still so, after it was snoozed until 2026-10-21"
    ]
    assert (_only(company).state, _only(company).snoozed_until) == ("new", None)


def test_a_snooze_ends_when_the_impact_has_grown_beyond_the_repeat() -> None:
    company = _company(USED)
    company.step(TUESDAY, [position(1100)], [])
    _change(company, state="snoozed", snoozed_until=TUESDAY + 30 * DAY, snoozed_impact=Decimal(100))
    assert _spoken(company.step(TUESDAY + DAY, [position(1200)], [])) == []
    assert _spoken(company.step(TUESDAY + DAY, [position(1201)], [])) == ["101.00 USD more than when it was snoozed"]


@pytest.mark.parametrize(("answer", "resolution"), [("planned", "planned"), ("no", "dismissed")])
def test_an_answer_ends_the_alert_of_an_anomaly(answer: str, resolution: str) -> None:
    company = _company(UNUSUAL)
    company.step(TUESDAY, [], [anomaly(90)])
    company.step(TUESDAY + DAY, [], [anomaly(900, state="dismissed", answer=answer)])
    assert (_only(company).state, _only(company).resolution) == ("resolved", resolution)


def test_an_anomaly_that_was_answered_before_it_was_seen_is_no_alert() -> None:
    company = _company(UNUSUAL)
    assert company.step(TUESDAY, [], [anomaly(90, state="dismissed", answer="no")]).opened == ()


def test_an_anomaly_that_is_over_is_resolved() -> None:
    company = _company(UNUSUAL)
    company.step(TUESDAY, [], [anomaly(90)])
    company.step(TUESDAY + DAY, [], [])
    assert (_only(company).state, _only(company).resolution) == ("resolved", "cleared")


def test_what_another_evaluation_has_opened_since_is_not_over() -> None:
    company = _company(UNUSUAL)
    company.step(TUESDAY, [], [anomaly(90)])
    assert company.step(TUESDAY - HOUR, [], []).changed == ()
    assert _only(company).state == "new"
