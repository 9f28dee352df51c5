"""Cards: facts to a Slack message.

What belongs here: what a message says and how it is laid out, as pure functions. What does not:
reading the store (`facts`, `render`), Slack's limits (`blocks`), sending (`sender`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from twinledger.slack.blocks import (
    Block,
    Message,
    actions,
    button,
    confirmation,
    context,
    escaped,
    fields,
    header,
    link,
    link_button,
    message,
    quotation,
    section,
)
from twinledger.slack.facts import (
    ApprovalFacts,
    ApproverFacts,
    ApproverMissingFacts,
    BreakAssignedFacts,
    BreakFacts,
    ComponentFacts,
    DecisionFacts,
    FailureFacts,
    GrantRevokedFacts,
    MoverFacts,
    QuarantineFacts,
    ReconciliationFacts,
    StatementFacts,
)
from twinledger.statements.words import CAUSES
from twinledger.vocabulary.money import Money, plain, round_to, signed

APPROVE, DENY, DETAILS = "approve", "deny", "details"
"""The action ids of the buttons; the value of each is the request's id."""

BREAK_ACKNOWLEDGE, BREAK_SNOOZE, BREAK_EXPLAIN = "break_acknowledge", "break_snooze", "break_explain"
"""Likewise of a break's buttons; the value of each is the break's id."""

SNOOZE_DAYS = 7

_LISTED = 10
_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_OUTCOMES = {
    "approved": "Approved",
    "denied": "Denied",
    "withdrawn": "Withdrawn",
    "expired": "Expired",
    "superseded": "Superseded",
}
_VERDICTS = {
    "incomplete": "is incomplete: an input is missing",
    "breaks": "has breaks",
    "warnings": "reconciles, with warnings",
    "pending": "waits for later data",
    "reconciled": "reconciles",
}


def when(instant: datetime) -> str:
    """An instant for people: `20 Oct 2026, 09:00 UTC`."""
    return f"{instant:%d %b %Y, %H:%M} UTC".lstrip("0")


def quantity_text(quantity: Decimal) -> str:
    """A quantity without needless zeros: `16`, `0.5`."""
    return plain(quantity).rstrip("0").rstrip(".")


def percent(part: Money, whole: Money) -> str:
    """` (+12.5 %)`, or nothing where the whole is zero."""
    if not whole.amount:
        return ""
    return f" ({round_to(part.amount * 100 / abs(whole.amount), Decimal('0.1')):+f} %)"


# --- approvals -------------------------------------------------------------------------------


def approval_card(facts: ApprovalFacts, url: str) -> Message:
    """A request: with buttons while it waits, without any once it has ended."""
    pending = facts.state == "pending"
    heading = "Waiting for approval" if pending else _OUTCOMES.get(facts.state, facts.state.capitalize())
    blocks = [
        header(f"{heading}: {facts.request}"),
        section(f"{_wish(facts)}."),
        fields(_approval_fields(facts)),
        *quotation(facts.justification),
        *_stages(facts),
    ]
    if pending:
        approvers = ", ".join(_mention(one) for one in facts.approvers) or "nobody"
        blocks.append(_buttons(facts, url))
        small = f"Can be decided by {approvers} until {when(facts.expires_at)}. Revision {facts.revision}."
    else:
        blocks.extend(_ending(facts, facts.decision))
        small = f"{link(url, 'Details')} · Revision {facts.revision}."
    return message(f"{heading}: {_wish(facts)}", [*blocks, context(small)])


def stage_value(facts: ApprovalFacts) -> str:
    """What a button of a request carries: the request, and the stage that its card showed."""
    return f"{facts.request}#{facts.stage}" if len(facts.stages) > 1 else facts.request


def _stages(facts: ApprovalFacts) -> list[Block]:
    """Where a request stands that more than one is asked for."""
    if len(facts.stages) < 2:  # noqa: PLR2004 - one stage is said by the card itself
        return []
    lines = []
    for number, stage in enumerate(facts.stages):
        if stage.answer:
            verb = "denied" if facts.state == "denied" and number == facts.stage else "approved"
            said = f"{verb} by {escaped(stage.answer.who, 100)} at {when(stage.answer.at)}"
        elif number == facts.stage and facts.state == "pending":
            said = "asked now"
        else:
            said = "to come" if facts.state == "pending" else "not asked"
        lines.append(f"{number + 1}. {escaped(stage.role, 40).capitalize()}: {said}")
    return [section("\n".join(lines))]


def _wish(facts: ApprovalFacts) -> str:
    return (
        f"{escaped(facts.requester, 100)} asks for {quantity_text(facts.quantity)} {escaped(facts.unit, 60)} a day of "
        f"{escaped(facts.product, 100)} in {escaped(facts.region, 60)} for {facts.days} days: {facts.amount}"
    )


def _approval_fields(facts: ApprovalFacts) -> list[tuple[str, str]]:
    pairs: list[tuple[str, object]] = [
        ("Department", facts.department),
        ("Cost centre", facts.cost_centre),
        ("Period", facts.period),
        ("Budget", facts.budget),
        ("Available before", facts.available_before),
        ("Available after", facts.available_after),
        ("Duration", _duration(facts)),
        ("Rule", facts.rule),
        ("Account", facts.account),
        ("GPU cards", _cards(facts)),
    ]
    return [(name, str(value)) for name, value in pairs if value not in (None, "")]


def _duration(facts: ApprovalFacts) -> str:
    by = f", needed by {facts.needed_by:%d %b %Y}".replace(" by 0", " by ") if facts.needed_by else ""
    return f"{facts.days} days{by}"


def _cards(facts: ApprovalFacts) -> str:
    """What is asked for, and how well those are used that are held: one field, of the ten that there are."""
    return f"{facts.cards}. Held now: {facts.cards_used}" if facts.cards else ""


def _buttons(facts: ApprovalFacts, url: str) -> Block:
    question = confirmation(
        "Approve this request?", f"{facts.amount} is reserved from the budget of {facts.department}.", "Approve"
    )
    return actions(
        button("Approve", APPROVE, stage_value(facts), style="primary", confirm=question),
        button("Deny", DENY, stage_value(facts), style="danger"),
        link_button("Details", DETAILS, url),
    )


def _mention(approver: ApproverFacts) -> str:
    """The one mention we make on purpose: whoever is asked should hear of it."""
    known = _SLACK_USER.fullmatch(approver.slack_user)
    return f"<@{approver.slack_user}>" if known else escaped(approver.title, 60)


def _ending(facts: ApprovalFacts, decision: DecisionFacts | None) -> list[Block]:
    if decision is None:
        return [section(f"{_OUTCOMES.get(facts.state, facts.state)}.")]
    blocks = [section(f"*{outcome(facts.state, decision)}*"), *quotation(decision.comment)]
    if decision.grant:
        blocks.append(section(f"Grant `{escaped(decision.grant, 80)}`"))
    if facts.superseded_by:
        blocks.append(section(f"In its place: `{escaped(facts.superseded_by, 80)}`"))
    return blocks


def outcome(state: str, decision: DecisionFacts) -> str:
    """`Approved by Ada Lovelace at 20 Oct 2026, 09:00 UTC on slack`; nobody lets a request expire."""
    word = _OUTCOMES.get(state, state.capitalize())
    if state == "expired":
        return f"{word} at {when(decision.at)}: nobody decided in time"
    return f"{word} by {escaped(decision.who, 100)} at {when(decision.at)} on {escaped(decision.surface, 40)}"


def already(facts: ApprovalFacts) -> str:
    """What somebody is told privately who comes second: `Already approved by ... at ...`."""
    ending = outcome(facts.state, facts.decision) if facts.decision else facts.state
    return f"Already {ending[:1].lower()}{ending[1:]}"


def reply_card(facts: ApprovalFacts, url: str) -> Message:
    """What the requester is told of the outcome."""
    decision = facts.decision
    ending = outcome(facts.state, decision) if decision else _OUTCOMES.get(facts.state, facts.state.capitalize())
    sentence = f"Your request {escaped(facts.request, 100)} for {facts.amount}: {ending}."
    blocks = [section(f"{sentence} {link(url, 'Details')}"), *(quotation(decision.comment) if decision else [])]
    return message(sentence, blocks)


def grant_revoked_card(facts: GrantRevokedFacts, url: str) -> Message:
    """What the requester is told of a grant that was taken back, and what that changes."""
    sentence = (
        f"Your grant {escaped(facts.grant, 80)} was revoked by {escaped(facts.who, 100)} at {when(facts.at)}: nothing "
        "may be provisioned under it any more"
    )
    what = f"{quantity_text(facts.quantity)} of {escaped(facts.product, 100)}/{escaped(facts.meter, 100)} a day"
    small = f"It was for {what} in {escaped(facts.region, 60)} until {when(facts.ends_at)}."
    if facts.redeemed:
        small += " Credentials that were given for it end by themselves within the hour."
    blocks = [section(f"{sentence}. {link(url, 'Details')}"), *quotation(facts.why), context(small)]
    return message(sentence, blocks)


# --- statements ------------------------------------------------------------------------------


def statement_card(facts: StatementFacts, url: str) -> Message:
    """A department's closed month: what it comes to, and what moved most since the month before."""
    title = escaped(facts.title or facts.department, 100)
    sentence = f"{title} is charged {facts.total} for {facts.period}"
    if facts.before is not None:
        change = facts.total - facts.before
        sentence += f", {signed(change)}{percent(change, facts.before)} since the month before"
    blocks = [
        header(f"Statement of {facts.title or facts.department}, {facts.period}"),
        section(f"{sentence}. The period is closed."),
    ]
    if facts.movers:
        blocks.append(section("*What moved most*\n" + "\n".join(map(_mover, facts.movers))))
    return message(sentence, [*blocks, context(f"{link(url, 'Statement')} · as CSV, XLSX and PDF there")])


def _mover(mover: MoverFacts) -> str:
    line = f"• {escaped(mover.product, 100)}, {escaped(mover.meter, 100)}: *{signed(mover.change)}*"
    if mover.cause == "both":
        return f"{line} (price {signed(mover.by_price)}, quantity {signed(mover.by_quantity)})"
    return f"{line} ({escaped(CAUSES.get(mover.cause, mover.cause), 40)})"


# --- finance ---------------------------------------------------------------------------------


def reconciliation_card(facts: ReconciliationFacts, url: str, docs: Sequence[tuple[str, str]] = ()) -> Message:
    """Both ledgers of a period, the bridge between them and what is beyond tolerance; `docs` are (name, address)."""
    verdict = _VERDICTS.get(facts.verdict, facts.verdict)
    sentence = f"{facts.period} {verdict}: deviation {signed(facts.deviation)}, {_count(len(facts.breaks), 'break')}"
    if facts.claims:
        sentence += f", {_count(facts.claims, 'claim')} worth {facts.claimed}"
    links = [link(url, "Bridge and breaks"), *(link(address, name) for name, address in docs)]
    blocks = [
        header(f"Reconciliation {facts.period}: {facts.verdict}"),
        section(f"{sentence}."),
        fields(
            [
                ("Internal ledger", str(facts.internal)),
                ("External ledger", str(facts.external)),
                ("Deviation", f"{signed(facts.deviation)}{percent(facts.deviation, facts.external)}"),
                ("Claims to vendors", f"{facts.claims}: {facts.claimed}"),
            ]
        ),
        *_bridge(facts.components),
        *_breaks(facts.breaks),
        context(" · ".join(links), f"Data as of {when(facts.data_as_of)} · run {escaped(facts.run, 60)}"),
    ]
    return message(sentence, blocks)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def spoken(name: str) -> str:
    """A component's or rule's name for people: `discount_kept` is `discount kept`."""
    return name.replace("_", " ")


def _bridge(components: tuple[ComponentFacts, ...]) -> list[Block]:
    ranked = sorted(components, key=lambda one: (-abs(one.amount.amount), one.pool, one.name))
    lines = [
        f"• {spoken(one.name)}{f' in {escaped(one.pool, 60)}' if one.pool else ''}: {signed(one.amount)}"
        for one in ranked
        if one.amount.amount
    ]
    return [section("*Bridge, from external to internal*\n" + "\n".join(lines))] if lines else []


def _breaks(breaks: tuple[BreakFacts, ...]) -> list[Block]:
    if not breaks:
        return []
    ranked = sorted(breaks, key=lambda one: (-abs(one.amount.amount), one.rule, one.pool, one.subject))
    blocks = [section("*Breaks*")]
    for one in ranked[:_LISTED]:
        blocks.append(section(_break_line(one)))
        if one.id and one.state != "resolved":
            blocks.append(_break_buttons(one))
    more = len(breaks) - _LISTED
    return [*blocks, *([context(f"and {more} more on the page")] if more > 0 else [])]


def _break_line(one: BreakFacts) -> str:
    """What it is, whose it is, its three largest causes, and who does what about it."""
    whose = f"given to {escaped(one.assignee, 60)}" if one.assignee else f"owner {escaped(one.owner, 60)}"
    priority = f", {escaped(one.priority, 20)}" if one.priority else ""
    where = f", {escaped(one.pool, 60)}" if one.pool else ""
    terms = f"tolerance {one.tolerance}, {whose}{priority}"
    lines = [f"*{signed(one.amount)}* {spoken(one.rule)}{where}: {escaped(one.subject, 120)} ({terms})"]
    if one.causes:
        largest = "; ".join(f"{escaped(cause.name, 100)} {signed(cause.amount)}" for cause in one.causes[:3])
        lines.append(f"Largest: {largest}")
    return "\n".join([*lines, *([f"_{escaped(one.life, 200)}_"] if one.life else [])])


def _break_buttons(one: BreakFacts) -> Block:
    acknowledge = [] if one.state == "acknowledged" else [button("Acknowledge", BREAK_ACKNOWLEDGE, one.id)]
    return actions(
        *acknowledge,
        button(f"Snooze {SNOOZE_DAYS} days", BREAK_SNOOZE, one.id),
        button("Explain", BREAK_EXPLAIN, one.id),
    )


def break_assigned_card(facts: BreakAssignedFacts, url: str) -> Message:
    """Somebody is asked to look into a break; its figures are on the page, for those who may see them."""
    place = (
        f"{spoken(facts.rule)}{f' of {escaped(facts.pool, 60)}' if facts.pool else ''} in {escaped(facts.period, 20)}"
    )
    sentence = f"{escaped(facts.who, 100)} asks you to look into a break: {place}"
    how = f"`twinledger breaks show {escaped(facts.break_id[:12], 20)}`"
    return message(sentence, [section(f"{sentence}. {link(url, 'Details')}"), context(how)])


def quarantine_card(facts: QuarantineFacts, delivery: str) -> Message:
    """A delivery that was refused, with the reason and where to see it; or that is settled by now."""
    if facts.resolved:
        return _resolved_card(facts, delivery)
    sentence = f"A delivery of {escaped(facts.source, 80)} was refused: {escaped(facts.code, 40)}"
    pairs = [("Delivery", delivery), ("File", facts.key)]
    if facts.delivered_at:
        pairs.append(("Delivered", when(facts.delivered_at)))
    blocks = [
        header(f"Quarantine: {facts.source}"),
        section(f"{sentence}. The last good slice stays in the ledger."),
        *quotation(facts.reason),
        fields(pairs),
        context(f"`twinledger quarantine show {escaped(delivery, 120)}` shows it."),
    ]
    return message(sentence, blocks)


def _resolved_card(facts: QuarantineFacts, delivery: str) -> Message:
    """What was refused is in the ledger now, or something newer in its place."""
    taken = "it" if facts.resolved == delivery else f"{escaped(facts.resolved, 120)}, which replaces it,"
    sentence = f"The delivery of {escaped(facts.source, 80)} that was refused is settled: {taken} is now in the ledger"
    blocks = [
        header(f"Settled: {facts.source}"),
        section(f"{sentence}."),
        fields([("Delivery", delivery), ("File", facts.key), ("Was refused for", facts.code)]),
        context("Nothing is left to do."),
    ]
    return message(sentence, blocks)


# --- operators -------------------------------------------------------------------------------


def approver_missing_card(facts: ApproverMissingFacts, url: str) -> Message:
    """For operators: departments.yaml names somebody whom people.yaml does not know."""
    sentence = (
        f"{escaped(facts.person, 100)}, {escaped(facts.role, 40)} of {escaped(facts.department, 100)}, is not known"
    )
    asked = ", ".join(escaped(one, 100) for one in facts.asked)
    blocks = [
        header("An approver is missing"),
        section(f"{sentence}. {asked} was asked instead: name them in people.yaml, or another in departments.yaml."),
        context(link(url, facts.request)),
    ]
    return message(sentence, blocks)


def failure_card(facts: FailureFacts, url: str) -> Message:
    """A run that failed; what it would have found is not known."""
    period = f" for {escaped(facts.period, 20)}" if facts.period else ""
    sentence = f"{escaped(facts.dag, 80)} failed{period}: its result is not known"
    blocks = [
        header(f"Failed: {facts.dag}"),
        section(f"{sentence}. The ledgers are as before the run."),
        context(f"Run {escaped(facts.run, 200)} · {link(url, 'Open in Airflow')}"),
    ]
    return message(sentence, blocks)
