"""What the resources of a plan count as, in units of the catalog's meters for each day.

What belongs here: which resources count, and their quantities by the table. What does not: what they cost (`estimate`),
and whether grants cover them (`gate`).

What is created, replaced or enlarged counts, in its whole new size; so does what gets another size that comes to the
same, since a grant may name sizes. What is deleted, reduced or unchanged does not. What cannot be counted is listed
with the reason and what to do: never left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_UP, Context, Decimal, localcontext
from typing import Literal

from twinledger.plans.attributes import LONGEST_TEXT, GapError, Side, digits, number_of, text_of, values
from twinledger.plans.forms import CountConfig, ProviderConfig, TypeConfig
from twinledger.plans.read import Change, Plan
from twinledger.plans.table import Table
from twinledger.vocabulary.money import QUANTITY_SCALE

Why = Literal["created", "replaced", "enlarged", "resized", "reduced"]

_EXACT = Context(prec=120)
_QUANTITY_LIMIT = Decimal(10) ** 10
_DONE: Mapping[str, Why] = {"create": "created", "replace": "replaced", "update": "enlarged"}


@dataclass(frozen=True, slots=True)
class Use:
    """What one resource counts as in one meter."""

    product: str
    meter: str
    quantity: Decimal
    """Units of the meter for each day, at most 9 decimals."""
    how: str
    """The multiplication that it is, as in `2 x 48`."""

    @property
    def key(self) -> str:
        """product/meter."""
        return f"{self.product}/{self.meter}"


@dataclass(frozen=True, slots=True)
class Measured:
    """A resource that counts, or did and counts for less."""

    address: str
    type: str
    size: str
    """As the provider names it; several that it may have, in order, with commas between."""
    count: Decimal
    region: str
    account: str | None
    why: Why
    uses: tuple[Use, ...]
    had: Mapping[str, Decimal] = field(default_factory=dict)
    """What it counted as before, by product/meter."""


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A resource that cannot be counted."""

    address: str
    type: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan, counted."""

    plan: str
    digest: str
    counted: tuple[Measured, ...]
    unmeasured: tuple[Unmeasured, ...]
    reduced: tuple[Measured, ...]
    """In-place changes to less."""
    free: int
    """Resources created or changed whose types cost nothing."""
    gone: tuple[str, ...]
    """Addresses that are destroyed."""
    moved: Mapping[str, str]
    """Addresses by those that the resources had before."""


def measure(plan: Plan, table: Table, *, region: str = "", account: str | None = None) -> Reading:
    """Count a plan; `region` and `account` are taken where neither the plan nor its providers say any."""
    looked = _Look(table, region, account)
    changing = [change for change in plan.changes if change.action in _DONE]
    found = [looked.at(change) for change in changing if not table.is_free(change.type)]
    measured = [one for one in found if isinstance(one, Measured)]
    return Reading(
        plan=plan.name,
        digest=plan.digest,
        counted=tuple(one for one in measured if one.why != "reduced"),
        unmeasured=tuple(one for one in found if isinstance(one, Unmeasured)),
        reduced=tuple(one for one in measured if one.why == "reduced"),
        free=sum(table.is_free(change.type) for change in changing),
        gone=tuple(change.address for change in plan.changes if change.action == "delete"),
        moved={one.previous_address: one.address for one in plan.changes if one.previous_address},
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """The table, and what holds for resources that do not say it."""

    table: Table
    region: str
    account: str | None

    def at(self, change: Change) -> Measured | Unmeasured | None:
        """What one change counts as; None where nothing grows or changes in size."""
        place = self.table.type_named(change.type)
        if place is None:
            return _unknown_type(change)
        before = self._before(change, place)
        try:
            after = self._measured(change, place, change.after)
        except GapError as gap:
            if change.action == "update" and self._same(change, place):
                return None
            return Unmeasured(change.address, change.type, gap.reason, gap.remedy)
        had = {use.key: use.quantity for use in before.uses} if before else {}
        why = _DONE[change.action] if change.action != "update" else _update(before, after, had)
        if why is None:
            return None
        return Measured(
            after.address, after.type, after.size, after.count, after.region, after.account, why, after.uses, had
        )

    def _before(self, change: Change, place: TypeConfig) -> Measured | None:
        try:
            return None if change.action == "create" else self._measured(change, place, change.before)
        except GapError:
            return None

    def _measured(self, change: Change, place: TypeConfig, side: Side) -> Measured:
        sizes = tuple(dict.fromkeys(sorted(text_of(size, "size") for size in side.first(place.size)))) or ("",)
        label = ", ".join(sizes)
        if len(label) > LONGEST_TEXT:
            raise GapError("it may have too many sizes", "name fewer of them in the configuration")
        counted = side.first(place.count)
        count = number_of(counted, "count") if counted else Decimal(1)
        uses = _largest([self._uses(change.type, size, count, side) for size in sizes])
        provider = self.table.provider_of(change.type)
        return Measured(
            address=change.address,
            type=change.type,
            size=label,
            count=count,
            region=_region(change, place, side, provider) or self._own_region(),
            account=_account(change, place, side, provider) or self.account,
            why="created",
            uses=uses,
        )

    def _own_region(self) -> str:
        if not self.region:
            raise GapError("its region is not in the plan", "give --region, or say it in the provider's configuration")
        return self.region

    def _uses(self, type_name: str, size: str, count: Decimal, side: Side) -> list[Use]:
        uses: dict[str, Use] = {}
        for rule in self.table.rules_for(type_name):
            if rule.meter not in uses and (use := _use(rule, size, count, side)):
                uses[rule.meter] = use
        if not uses:
            said = f"size {size!r}" if size else "no size"
            remedy = f"add it to `sizes` of a meter in `counts` of resources.yaml, with {type_name} among its `types`"
            raise GapError(f"resources.yaml has no meter for {type_name} of {said}", remedy)
        return list(uses.values())

    def _same(self, change: Change, place: TypeConfig) -> bool:
        """Whether all that it could be counted by stays as it is."""
        times = [rule.times for rule in self.table.rules_for(change.type) if rule.times]
        paths = [*place.size, *place.count, *times]
        return all(values(change.before.tree, path) == values(change.after.tree, path) for path in paths) and not any(
            _hidden(change.after, path) for path in paths
        )


def _unknown_type(change: Change) -> Unmeasured:
    remedy = (
        f"add {change.type} to `types` of resources.yaml with where its size stands, and to a meter in `counts`; "
        "or to `free`"
    )
    return Unmeasured(change.address, change.type, f"{change.type} is in no table of types", remedy)


def _update(before: Measured | None, after: Measured, had: Mapping[str, Decimal]) -> Why | None:
    """What an in-place change does to the quantity, where it does something."""
    new = {use.key: use.quantity for use in after.uses}
    if before is None or any(new[key] > had.get(key, 0) for key in new):
        return "enlarged"
    if new != had:
        return "reduced"
    return "resized" if before.size != after.size else None


def _use(rule: CountConfig, size: str, count: Decimal, side: Side) -> Use | None:
    """What a rule makes of a size, or None where it is not about it."""
    matched = rule.units(size)
    if matched is None:
        return None
    factors = [count, matched.units]
    if matched.number is not None:
        factors.append(Decimal(matched.number))
    if rule.times is not None:
        found = side.first((rule.times,))
        if not found and rule.otherwise is None:
            raise GapError(
                f"its {rule.times} is not set", f"add `otherwise` beside `times: {rule.times}` in resources.yaml"
            )
        if not found and not rule.otherwise:
            return None
        factors.append(number_of(found, rule.times) if found else rule.otherwise or Decimal(0))
    product, _, meter = rule.meter.partition("/")
    return Use(product, meter, _product(factors), " x ".join(digits(factor) for factor in factors))


def _product(factors: Sequence[Decimal]) -> Decimal:
    """The factors multiplied, to the decimals that a quantity may have; what is finer is rounded up."""
    with localcontext(_EXACT):
        quantity = Decimal(1)
        for factor in factors:
            quantity *= factor
        if quantity >= _QUANTITY_LIMIT:
            raise GapError(
                f"it counts as {_QUANTITY_LIMIT:f} units a day or more", "correct its units in resources.yaml"
            )
        return quantity.quantize(Decimal(1).scaleb(-QUANTITY_SCALE), ROUND_UP).normalize() + 0


def _largest(found: Sequence[Sequence[Use]]) -> tuple[Use, ...]:
    """Of the sizes that a resource may have, the one that counts most, meter by meter."""
    most: dict[str, Use] = {}
    for use in (use for uses in found for use in uses):
        if use.key not in most or use.quantity > most[use.key].quantity:
            most[use.key] = use
    return tuple(most[key] for key in sorted(most))


def _region(change: Change, place: TypeConfig, side: Side, provider: ProviderConfig) -> str:
    text = side.text(place.region) or side.text(place.zone)
    if not text:
        text = change.settings.text(provider.region, provider.region_form)
    if not text and provider.zone:
        text = change.settings.text(provider.zone, f"{provider.region_form}-?[a-z0-9]*")
    return provider.region_of(text)


def _account(change: Change, place: TypeConfig, side: Side, provider: ProviderConfig) -> str | None:
    return side.text(place.account) or change.settings.text(provider.account, provider.account_form) or None


def _hidden(side: Side, path: str) -> bool:
    try:
        side.first((path,))
    except GapError:
        return True
    return False
