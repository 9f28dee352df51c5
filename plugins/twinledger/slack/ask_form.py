"""The form that asks for something to be provisioned: how it looks, and what somebody filled in.

What belongs here: the view and reading its state, as pure functions. What does not: what it comes to and what becomes
of it (`asking`). Limits: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from twinledger.approvals import Preview, Submission
from twinledger.slack.blocks import Block, context, escaped, fields, section
from twinledger.slack.cards import quantity_text
from twinledger.slack.spent import Position
from twinledger.vocabulary.errors import InvalidAmountError, InvalidSubmissionError
from twinledger.vocabulary.identities import digest, short
from twinledger.vocabulary.money import Money, parse_amount, plain

PROVISION = "provision"
"""The callback id of the shortcut and of the form; with a slash before it, the command."""

ACTION = "ask_"
"""What the action id of each field begins with; the field's name follows, which is its block's id."""

MOST_OPTIONS = 100
OPTION_LENGTH = 75
LONGEST = {"quantity": 30, "days": 4, "region": 255, "account": 255, "justification": 1000}
"""Characters that a field takes, also where somebody sends more than the form lets them write."""

_NOT_WRITTEN = "(not written yet)"
_OUTCOMES = {"allow": "Granted at once", "refuse": "Would be refused"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a list: what it stands for and what people read."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form's fields, as it was typed, without space around it; `product` is product/meter."""

    department: str
    product: str
    region: str
    quantity: str
    days: str
    account: str
    needed_by: str
    justification: str

    @property
    def estimable(self) -> bool:
        """Whether everything is there that an estimate needs."""
        return all((self.department, self.product, self.region, self.quantity, self.days))


# --- the form ----------------------------------------------------------------------------------


def ask_form(departments: Sequence[Choice], products: Sequence[Choice], own: str, said: Iterable[Block]) -> Json:
    """The empty form; `own` is the department that is chosen at first, and `said` stands below the fields."""
    inputs = [
        _input(
            "department", "Department that pays", _select("department", departments, "A department", own), hear=True
        ),
        _input("product", "Product and meter", _select("product", products, "Of the catalog"), hear=True),
        _input("region", "Region", _text("region", _hear("on_enter_pressed")), hear=True),
        _input("quantity", "Quantity a day", _number("quantity", decimals=True), hear=True),
        _input("days", "Days", _number("days", decimals=False), hear=True),
        _input("account", "Account", _text("account"), optional=True),
        _input("needed_by", "Needed by", {"type": "datepicker", "action_id": ACTION + "needed_by"}, optional=True),
        _input("justification", "Why", _text("justification", {"multiline": True})),
    ]
    return _modal("Ask to provision", [*inputs, *_apart(said)], PROVISION, "Ask")


def again(view: Json, said: Iterable[Block], position: Position | None) -> Json:
    """The form with its fields as they are, so that nothing typed is lost, and something else below them."""
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    kept = {name: view[name] for name in ("type", "callback_id", "title", "submit", "close")}
    return {**kept, "private_metadata": position.as_json() if position else "", "blocks": [*inputs, *_apart(said)]}


def notice(title: str, *blocks: Block) -> Json:
    """A view that says something privately and asks nothing."""
    return _modal(title, blocks)


def _modal(title: str, blocks: Iterable[Block], callback: str = "", submit: str = "") -> Json:
    view: Json = {"type": "modal", "title": _plain(title), "close": _plain("Close"), "blocks": list(blocks)}
    if submit:
        view |= {"callback_id": callback, "submit": _plain(submit), "private_metadata": ""}
    return view


def _apart(blocks: Iterable[Block]) -> list[Block]:
    """Below a line, under ids that are others whenever something else is said."""
    kept = list(blocks)
    stem = short(digest(repr(kept)))
    return [{"type": "divider"}, *({**one, "block_id": f"{stem}-{place}"} for place, one in enumerate(kept))]


def _input(name: str, label: str, element: Json, *, hear: bool = False, optional: bool = False) -> Block:
    made: Block = {"type": "input", "block_id": name, "label": _plain(label), "element": element}
    return {**made, "dispatch_action": hear, "optional": optional}


def _select(name: str, choices: Sequence[Choice], placeholder: str, chosen: str = "") -> Json:
    """A list; of more lines than Slack takes, one that asks us while somebody types."""
    listed = len(choices) <= MOST_OPTIONS and bool(choices)
    element: Json = {"action_id": ACTION + name, "placeholder": _plain(placeholder)}
    if listed:
        element |= {"type": "static_select", "options": options(choices)}
    else:
        element |= {"type": "external_select", "min_query_length": 0}
    if first := next((one for one in choices if one.value == chosen), None):
        element["initial_option"] = options([first])[0]
    return element


def options(choices: Iterable[Choice]) -> list[Json]:
    """Lines of a list as Slack takes them."""
    return [
        {"text": _plain(one.label[:OPTION_LENGTH] or one.value[:OPTION_LENGTH]), "value": one.value} for one in choices
    ]


def matching(choices: Iterable[Choice], typed: str) -> list[Choice]:
    """The lines with what somebody typed in them, as many as Slack takes."""
    wanted = typed.casefold()
    found = [one for one in choices if wanted in one.label.casefold() or wanted in one.value]
    return found[:MOST_OPTIONS]


def _number(name: str, *, decimals: bool) -> Json:
    element: Json = {"type": "number_input", "action_id": ACTION + name, "is_decimal_allowed": decimals}
    return element | _hear("on_character_entered")


def _text(name: str, more: Mapping[str, Any] | None = None) -> Json:
    return {"type": "plain_text_input", "action_id": ACTION + name, "max_length": LONGEST[name], **(more or {})}


def _hear(when: str) -> Json:
    return {"dispatch_action_config": {"trigger_actions_on": [when]}}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


# --- what is filled in -------------------------------------------------------------------------


def filled(view: Mapping[str, Any]) -> Filled:
    """What stands in the form now."""
    values: Mapping[str, Any] = view["state"]["values"]
    return Filled(**{name: _value(values.get(name, {}).get(ACTION + name, {})) for name in Filled.__slots__})


def _value(element: Mapping[str, Any]) -> str:
    option = element.get("selected_option") or {}
    return str(option.get("value") or element.get("selected_date") or element.get("value") or "").strip()


def wish(form: Filled, requester: str, position: Position) -> Submission:
    """What it asks for, in the name of a person.

    Raises:
        InvalidSubmissionError: a field is longer than it may be, or is no number where it must be one.
    """
    for name, longest in LONGEST.items():
        found = len(getattr(form, name))
        if found > longest:
            raise InvalidSubmissionError(name, f"{found} characters", f"at most {longest}")
    product, _, meter = form.product.partition("/")
    return Submission(
        requester=requester,
        department=form.department,
        product=product,
        meter=meter,
        quantity=_quantity(form.quantity),
        days=_days(form.days),
        region=form.region,
        justification=form.justification,
        actual=position.spent.amount,
        account=form.account or None,
        card_uses=position.card_uses,
        needed_by=_day(form.needed_by) if form.needed_by else None,
    )


def wish_so_far(form: Filled, requester: str, position: Position) -> Submission:
    """As `wish`, before a reason is written: no rule looks at it."""
    kept = {name: getattr(form, name) for name in Filled.__slots__}
    return wish(Filled(**kept | {"justification": form.justification or _NOT_WRITTEN}), requester, position)


def _quantity(text: str) -> Decimal:
    try:
        return parse_amount(text)
    except InvalidAmountError:
        raise InvalidSubmissionError("quantity", text, "a number above zero") from None


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidSubmissionError("days", text, "a whole number")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidSubmissionError("needed_by", text, "a date, YYYY-MM-DD") from None


# --- what it comes to --------------------------------------------------------------------------


def estimate(form: Filled, seen: Preview, position: Position) -> list[Block]:
    """Price, estimate with its arithmetic, budget before and after, and what the policy would say."""

    def money(amount: Decimal) -> str:
        return str(Money(amount, seen.currency))

    quantity = quantity_text(parse_amount(form.quantity))
    pairs = [
        ("Price", f"{plain(seen.price)} {seen.currency} for one {seen.unit}"),
        ("Estimate", f"{quantity} x {form.days} days x {plain(seen.price)} = {money(seen.amount)}"),
        ("Available before", money(seen.available_before)),
        ("Available after", money(seen.available_after)),
    ]
    spent = f"{position.spent} spent in {position.period}, read at {position.read_at:%H:%M} UTC"
    return [fields(pairs), section(_ruling(seen)), context(escaped(spent))]


def _ruling(seen: Preview) -> str:
    outcome = _OUTCOMES.get(seen.outcome, seen.outcome.capitalize())
    asked = f". First asked: {escaped(', '.join(seen.asked), 300)}" if seen.asked else ""
    reason = f" ({escaped(seen.reason, 300)})" if seen.reason else ""
    return f"*{escaped(outcome, 200)}*{reason}{asked}"
