"""Asking in Slack: a shortcut and a command that open one form, and the request that it becomes.

What belongs here: opening the form, showing what it comes to while somebody fills it in, and submitting it once. What
does not: how the form looks (`ask_form`), and what may be had (`approvals`).

Whatever is shown is judged anew when the form is sent in; a form that is sent in twice is one request, for the
request's id comes from the form's.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from twinledger.approvals import Desk, Preview, Submission, by_slack_user, preview, submit
from twinledger.slack.afterwards import Afterwards
from twinledger.slack.ask_form import (
    ACTION,
    PROVISION,
    Choice,
    Filled,
    again,
    ask_form,
    estimate,
    filled,
    matching,
    notice,
    options,
    wish,
    wish_so_far,
)
from twinledger.slack.blocks import Block, context, escaped, section
from twinledger.slack.cards import outcome, when
from twinledger.slack.render import approval_facts
from twinledger.slack.spent import Position, Spent, card_uses_of, position_of
from twinledger.store.models import Department, Interaction, Meter, Product, Request
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import (
    CurrencyMismatchError,
    InvalidSubmissionError,
    NoApproverError,
    PersonError,
    PolicyRefusedError,
    TwinledgerError,
    UnknownNameError,
)
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.periods import Period

_ASKED = re.compile(f"^{ACTION}")
_ERROR_LENGTH = 500
_READING = "Reading what the department has spent..."
_MISSING = "Price, estimate and budget are shown here once department, product, region, quantity and days are there."
_UNREAD = "What the department has spent is being read: send it in again in a moment."
_FIELDS = {"department", "product", "region", "quantity", "days", "account", "needed_by", "justification"}
_CONFLICT = "hash_conflict"

log = logging.getLogger(__name__)

Json = dict[str, Any]


class Asking:
    """What Slack may ask of us to have something provisioned."""

    def __init__(
        self, desk: Desk, client: WebClient, spent: Spent, afterwards: Afterwards, asked: Callable[[str], object]
    ) -> None:
        """Take where requests are kept and what departments have spent; `asked` is told of a user whose form is in."""
        self._desk = desk
        self._client = client
        self._spent = spent
        self._afterwards = afterwards
        self._asked = asked

    def listen(self, app: App) -> None:
        """Answer the shortcut, the command and the form."""
        app.shortcut(PROVISION)(self._open)
        app.command(f"/{PROVISION}")(self._open)
        app.action(_ASKED)(self._changed)
        app.options(_ASKED)(self._suggest)
        app.view(PROVISION)(self._submit)

    # --- opening and filling in -----------------------------------------------------------------

    def _open(self, ack: Ack, body: Json) -> None:
        ack()
        user = body["user_id"] if "user_id" in body else body["user"]["id"]
        self._afterwards.call("opening the form to ask with", lambda: self._opened(body["trigger_id"], user))

    def _opened(self, trigger: str, user: str) -> None:
        try:
            person = self._person(user)
        except PersonError as error:
            refusal = notice("You cannot ask here", section(escaped(str(error))))
            self._client.views_open(trigger_id=trigger, view=refusal)
            return
        departments, own = self._departments(person)
        said = [section(_READING if own else _MISSING)]
        view = ask_form(departments, self._products(), own, said)
        opened: Json = dict(self._client.views_open(trigger_id=trigger, view=view)["view"])
        if own:
            position, problem = self._position(own)
            self._update(opened, [section(problem or _MISSING)], position)

    def _changed(self, ack: Ack, body: Json) -> None:
        ack()
        self._afterwards.call("showing an estimate", lambda: self._shown(body["view"], body["user"]["id"]))

    def _shown(self, view: Json, user: str) -> None:
        form = filled(view)
        position, problem = self._position(form.department, position_of(view["private_metadata"]))
        self._update(view, self._said(user, form, position, problem), position)

    def _said(self, user: str, form: Filled, position: Position | None, problem: str) -> list[Block]:
        if position is None or not form.estimable:
            return [section(problem or _MISSING)]
        try:
            seen = self._foreseen(wish_so_far(form, self._person(user), position), position)
        except TwinledgerError as error:
            return [section(escaped(sentence_for_everyone(error)))]
        return estimate(form, seen, position)

    def _update(self, view: Json, said: list[Block], position: Position | None) -> None:
        """Show something else below the fields, unless the form has been changed since it was looked at."""
        try:
            self._client.views_update(view_id=view["id"], hash=view["hash"], view=again(view, said, position))
        except SlackApiError as error:
            if error.response.get("error") != _CONFLICT:
                raise
            log.info("a form was shown anew meanwhile: what an older state of it comes to is not shown")

    def _suggest(self, ack: Ack, body: Json) -> None:
        choices = self._products()
        if body["action_id"] == f"{ACTION}department":
            choices, _ = self._departments("")
        ack(options=options(matching(choices, str(body.get("value", "")))))

    # --- sending in -----------------------------------------------------------------------------

    def _submit(self, ack: Ack, body: Json) -> None:
        view, user = body["view"], body["user"]["id"]
        request = f"req-{digest('slack', str((body.get('team') or {}).get('id')), view['id'])[:16]}"
        errors = {} if self._is_there(request) else self._sent_in(request, body)
        if errors:
            ack(response_action="errors", errors=errors)
            return
        ack(response_action="update", view=self._answer(request))
        self._afterwards.nudge()
        self._asked(user)

    def _sent_in(self, request: str, body: Json) -> dict[str, str]:
        """Make a request of the form; what to say at which field where it became none."""
        view, user = body["view"], body["user"]["id"]
        form, position = filled(view), position_of(view["private_metadata"])
        key = digest("slack form", str(body.get("trigger_id") or json.dumps(body, sort_keys=True)))
        if told := self._refused_before(key):
            return told
        if position is None or not position.fits(form.department, self._period(), self._desk.clock.now()):
            self._afterwards.call("showing an estimate", lambda: self._shown(view, user))
            return {"department": _UNREAD}
        try:
            person = self._person(user)
            asked = wish(form, person, position)
            self._foreseen(asked, position)
            submit(self._desk, asked, identify=lambda _: request)
        except PolicyRefusedError as error:
            return self._refused(key, request, person, _at_field(error))
        except TwinledgerError as error:
            return _at_field(error)
        except IntegrityError:
            if not self._is_there(request):  # else the same form came twice at once
                raise
        return {}

    def _foreseen(self, asked: Submission, position: Position) -> Preview:
        """What it comes to; raises CurrencyMismatchError where what was spent is in another currency."""
        seen = preview(self._desk, asked)
        if seen.currency != position.spent.currency:
            raise CurrencyMismatchError(position.spent.currency, seen.currency)
        return seen

    def _refused(self, key: str, request: str, person: str, told: dict[str, str]) -> dict[str, str]:
        """Remember what the policy refused: the same bytes again are told the same, and recorded once."""
        now = self._desk.clock.now()
        row = Interaction(
            key=key, request=request, person=person, surface="slack", answer="submit", at=now, result=json.dumps(told)
        )
        with suppress(IntegrityError), self._desk.store.transaction() as session:
            session.add(row)
        return told

    def _refused_before(self, key: str) -> dict[str, str]:
        with self._desk.store.reading() as session:
            known = session.get(Interaction, key)
        return dict(json.loads(known.result)) if known else {}

    def _answer(self, request: str) -> Json:
        """What the requester is told: who is asked until when, or that it is granted at once."""
        with self._desk.store.reading() as session:
            facts = approval_facts(session, request)
        if facts.decision:
            told = f"{outcome(facts.state, facts.decision)}. {escaped(facts.decision.grant)}"
        else:
            asked = ", ".join(escaped(one.title, 60) for one in facts.approvers)
            told = f"{asked} can decide until {when(facts.expires_at)}; you are told of the outcome."
        said = f"*{escaped(request)}* for {facts.amount}, paid by {escaped(facts.department, 100)}."
        return notice("Asked", section(said), section(told), context("App Home shows it, and takes it back."))

    # --- what is looked up ----------------------------------------------------------------------

    def _person(self, user: str) -> str:
        with self._desk.store.reading() as session:
            return by_slack_user(session, user)

    def _is_there(self, request: str) -> bool:
        with self._desk.store.reading() as session:
            return session.get(Request, request) is not None

    def _period(self) -> Period:
        return Period.of(self._desk.clock.now(), self._desk.settings.timezone)

    def _position(self, department: str, known: Position | None = None) -> tuple[Position | None, str]:
        """What the department has spent, as known or read now; or why that is not to be had."""
        now, period = self._desk.clock.now(), self._period()
        if not department:
            return None, ""
        if known and known.fits(department, period, now):
            return known, ""
        try:
            spent, uses = self._spent(department, period), card_uses_of(self._desk, department)
            return Position(department, str(period), spent, now, uses), ""
        except Exception as error:  # noqa: BLE001 - whatever the lake raises, the form says that it cannot be read
            log.warning("what a department has spent could not be read: %s", type(error).__name__)
            return None, "What the department has spent cannot be read now: try again later, or ask operators."

    def _departments(self, person: str) -> tuple[list[Choice], str]:
        """All departments, and the first one that is the person's own."""
        with self._desk.store.reading() as session:
            rows = session.scalars(select(Department).order_by(Department.title, Department.name)).all()
        own = [row.name for row in rows if person and person in (row.budget_holder, row.owner)]
        return [Choice(row.name, row.title) for row in rows], next(iter(own), "")

    def _products(self) -> list[Choice]:
        """Every meter of the products that are listed."""
        query = select(Product, Meter).join(Meter, Meter.product == Product.name).where(Product.state == "listed")
        with self._desk.store.reading() as session:
            rows = session.execute(query.order_by(Product.title, Product.name, Meter.name)).all()
        return [Choice(f"{one.name}/{meter.name}", f"{one.title}: {meter.title}") for one, meter in rows]


def _at_field(error: TwinledgerError) -> dict[str, str]:
    """The error's sentence at the field that it is of; Slack shows none that is at no field."""
    if isinstance(error, InvalidSubmissionError):
        field = error.field if error.field in _FIELDS else "justification"
    elif isinstance(error, (NoApproverError, PersonError)):
        field = "department"
    elif isinstance(error, UnknownNameError):
        field = "department" if str(error).startswith("no department") else "product"
    else:
        field = "product"
    return {field: sentence_for_everyone(error)[:_ERROR_LENGTH]}
