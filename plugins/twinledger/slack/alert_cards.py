"""Cards of alerts: one alert, and many in one message.

What belongs here: what these messages say, as pure functions. What does not: reading the store (`render`), their
pictures (`alert_pictures`), and buttons coming back (`alert_buttons`).

One card serves both audiences: the facts that it is handed are those of its audience, and the figures in it are
theirs. Each is within Slack's limits, whatever people call things.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

from twinledger.slack.alert_facts import AlertFacts, DigestFacts, FinanceAlertFacts, FinanceDigestFacts
from twinledger.slack.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    escaped,
    fields,
    header,
    link,
    link_button,
    message,
    section,
)
from twinledger.slack.cards import SNOOZE_DAYS, percent, spoken, when
from twinledger.vocabulary.money import Money, signed

KIND = "alert"
"""Of the outbox items that are of one alert."""

ALERT_ACKNOWLEDGE, ALERT_SNOOZE, ALERT_EXPLAIN = "alert_acknowledge", "alert_snooze", "alert_explain"
"""The action ids of an alert's buttons; the value of each is the alert's identity."""

ALERT_DETAILS = "alert_details"
ANSWERS = {"alert_right": "yes", "alert_wrong": "no", "alert_planned": "planned"}
"""What its buttons answer to the question whether an anomaly was one; the value of each names alert and anomaly."""

_ANSWER_LABELS = {"alert_right": "Yes", "alert_wrong": "No", "alert_planned": "Planned"}
_LISTED = 3
_LINES = 20
_LINES_IN_SECTION = 5
_NAME = 120

Alert = AlertFacts | FinanceAlertFacts
Digest = DigestFacts | FinanceDigestFacts


def alert_card(facts: Alert, url: str) -> Message:
    """One alert as it is now: with buttons while it is open, without any once it is resolved."""
    heading = f"Resolved: {facts.title}" if _is_over(facts) else f"{_heading(facts)}: {facts.title}"
    blocks = [
        header(heading),
        section(f"{_sentence(facts)}."),
        fields(_fields(facts)),
        *_causes(facts),
        *_news(facts),
        *([] if _is_over(facts) else _buttons(facts, url)),
        context(f"{link(url, 'This alert')} · Data as of {when(facts.data_as_of)} · rule {escaped(facts.rule, 60)}"),
    ]
    said = f"Resolved: {_sentence(facts)}" if _is_over(facts) else _sentence(facts)
    return message(said, blocks)


def _is_over(facts: Alert) -> bool:
    return facts.state == "resolved"


def _heading(facts: Alert) -> str:
    if facts.kind == "anomaly":
        return "Less than expected" if facts.impact.amount < 0 else "More than expected"
    return {"used": "Budget used", "forecast": "Forecast over budget", "pace": "Spending too fast"}[facts.kind]


def _sentence(facts: Alert) -> str:
    """What a phone shows: what, how much, and how far from what was expected."""
    title, period = escaped(facts.title, _NAME), escaped(facts.period, 30)
    apart = f"{signed(facts.impact)}{percent(facts.impact, facts.expected)}"
    if facts.kind == "anomaly":
        since = f" since {day_text(facts.since)}" if facts.since else ""
        return f"{title} cost {facts.actual}{since}, expected {facts.expected}: {apart}"
    if facts.kind == "forecast":
        return f"{title} is expected to end {period} at {facts.actual}, budget {facts.expected}: {apart}"
    by_now = " by now" if facts.kind == "pace" else ""
    return f"{title} has used {facts.actual} in {period}, budget{by_now} {facts.expected}: {apart}"


def day_text(day: date) -> str:
    """A day for people: `5 Oct 2026`."""
    return f"{day.day} {day:%b %Y}"


def _fields(facts: Alert) -> list[tuple[str, str]]:
    budget = "Budget by now" if facts.kind == "pace" else "Budget"
    pairs = [
        ("Forecast" if facts.kind == "forecast" else "Actual", str(facts.actual)),
        ("Expected" if facts.kind == "anomaly" else budget, str(facts.expected)),
        ("Impact", f"{signed(facts.impact)}{percent(facts.impact, facts.expected)}"),
        ("Since", day_text(facts.since) if facts.since else ""),
        ("Period", "" if facts.kind == "anomaly" else facts.period),
        ("Department", facts.department),
        ("Looks like", facts.reason),
        ("State", facts.state),
        ("Owner", facts.owner),
        ("Given to", facts.assignee),
    ]
    return [(name, value) for name, value in pairs if value]


def _causes(facts: Alert) -> list[Block]:
    """The largest three by money, whichever way."""
    pairs = [(cause.name, cause.amount) for cause in facts.causes]
    ranked = sorted(pairs, key=lambda one: (-abs(one[1].amount), one[0]))[:_LISTED]
    shown: Callable[[Money], str] = signed if facts.kind == "anomaly" else str
    lines = [f"• {escaped(name, _NAME)}: {shown(amount)}" for name, amount in ranked]
    return [section("*Largest causes*\n" + "\n".join(lines))] if lines else []


def _news(facts: Alert) -> list[Block]:
    """What has changed since the last message, and what people did."""
    lines = [f"*{escaped(facts.evidence, 500)}*"] if facts.evidence else []
    if facts.escalated and not _is_over(facts):
        lines.append("Nobody has acknowledged it, so it is told here too.")
    lines += [f"_{escaped(said, 300)}_" for said in (facts.life, facts.answer) if said]
    return [section("\n".join(lines))] if lines else []


def _buttons(facts: Alert, url: str) -> list[Block]:
    acknowledge = [] if facts.state == "acknowledged" else [button("Acknowledge", ALERT_ACKNOWLEDGE, facts.alert)]
    rows = [
        actions(
            *acknowledge,
            button(f"Snooze {SNOOZE_DAYS} days", ALERT_SNOOZE, facts.alert),
            button("Explain", ALERT_EXPLAIN, facts.alert),
            link_button("Details", ALERT_DETAILS, url),
        )
    ]
    if facts.anomaly and not facts.answer:
        place = json.dumps({"alert": facts.alert, "anomaly": facts.anomaly})
        answers = (button(_ANSWER_LABELS[action], action, place) for action in ANSWERS)
        rows += [section("Was it right to tell this? _Planned_ ends it, and so does _No_."), actions(*answers)]
    return rows


def digest_card(facts: Digest, page: Callable[[str], str], every: str) -> Message:
    """A channel's day, or a storm of new alerts, as one message; each line opens its alert.

    Args:
        facts: the largest money first.
        page: the address of an alert's page, by its identity.
        every: the address of the list of all.
    """
    many = f"{facts.count:,} {'alert' if facts.count == 1 else 'alerts'}"
    sentence = f"{many} of {day_text(facts.day)}"
    if facts.storm:
        sentence = f"{many} are new in one run: more than are told one by one, so here they are as one message"
    lines = [_line(facts, place, page) for place in range(min(len(facts.lines), _LINES))]
    groups = [lines[at : at + _LINES_IN_SECTION] for at in range(0, len(lines), _LINES_IN_SECTION)]
    more = facts.count - len(lines)
    small = f"and {more:,} more · {link(every, 'All alerts')}" if more > 0 else link(every, "All alerts")
    blocks = [
        header(f"{many}: {day_text(facts.day)}"),
        section(f"{sentence}. The largest money first."),
        *(section("\n".join(group)) for group in groups),
        context(small),
    ]
    return message(sentence, blocks)


def _line(facts: Digest, place: int, page: Callable[[str], str]) -> str:
    one = facts.lines[place]
    title = link(page(one.alert), one.title[:_NAME].strip() or one.alert[:12])
    terms = f"{escaped(spoken(one.rule), 60)} ({escaped(one.state, 20)})"
    return f"• *{signed(one.impact)}* {title}, {escaped(one.period, 30)}: {terms}"
