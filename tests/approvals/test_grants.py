"""Grants: read, signed, revoked and exchanged, each as often as it may be."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select

from tests.approvals.conftest import FakeDesk
from twinledger.approvals import (
    Credentials,
    GrantView,
    PublicKey,
    SigningKey,
    ensure_signing_key,
    grant_document,
    grant_view,
    grants_of,
    redeem,
    revoke,
    signed_grant,
    signing_key,
    verified_grant,
)
from twinledger.outbox import entries
from twinledger.slack.render import Links, render
from twinledger.store.models import AuditEntry, Commitment, Grant, Person, Request
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    BrokerRefusedError,
    ForgedGrantError,
    GrantNotLiveError,
    InvalidSubmissionError,
    NotEntitledError,
    SigningKeyError,
    TwinledgerError,
    UnknownGrantError,
    UnknownPersonError,
    UnreadableGrantError,
)
from twinledger.vocabulary.settings import GrantSettings, Settings

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
TEN_DAYS = timedelta(days=10)
LARGE = {"type": "aws_instance", "size": "m5.large", "count": 1, "quantity": "24"}
VIEW = GrantView(
    id="grant-1", request="req-1", requester="cy", department="shop", product="vm", meter="core-hours",
    quantity=Decimal("24.500"), region="eu-west-1", account=None, resources=(LARGE,), starts_at=NOW,
    ends_at=NOW + TEN_DAYS, revision=1, revoked_at=None, revoked_by=None, revoked_why=None, redeemed_at=None,
    redeemed_by=None,
)  # fmt: skip
KEY = SigningKey(b"k" * 32)


@dataclass
class FakeBroker:
    """Remembers what it was asked for; `first` is done before it answers."""

    first: Callable[[], None] = lambda: None
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def credentials(self, grant: GrantView, session_name: str, seconds: int) -> Credentials:
        self.asked.append((grant.id, session_name, seconds))
        self.first()
        return Credentials("AKIA1", SecretStr("very secret"), SecretStr("token"), NOW + timedelta(minutes=15))


def refusing(error: BaseException) -> Callable[[], None]:
    def refuse() -> None:
        raise error

    return refuse


@pytest.fixture
def desk(desk: FakeDesk) -> FakeDesk:
    """Cy's approved request of the shop, with its grant and its commitment; Eve is of finance alone."""
    request = Request(
        id="req-1", requester="cy", department="shop", product="vm", meter="core-hours", quantity=Decimal(24),
        region="eu-west-1", days=10, period="2026-10", amount=Decimal(12), currency="USD", justification="load test",
        state="approved", revision=2, approvers=["bob"], created_at=NOW, expires_at=NOW + TEN_DAYS, facts={},
    )  # fmt: skip
    with desk.store.transaction() as session:
        session.add(Person(name="eve", title="Eve", roles=["finance"]))
        session.add(request)
        session.flush()
        session.add(
            Commitment(
                request="req-1", department="shop", period="2026-10", amount=Decimal(12), currency="USD", state="posted"
            )
        )
        session.add(
            Grant(
                id="grant-1", request="req-1", department="shop", product="vm", meter="core-hours",
                quantity=Decimal(24), region="eu-west-1", resources=[LARGE], starts_at=NOW, ends_at=NOW + TEN_DAYS,
            )
        )  # fmt: skip
    return desk


def seen(desk: FakeDesk) -> GrantView:
    with desk.store.reading() as session:
        return grant_view(session, "grant-1")


def audited(desk: FakeDesk) -> list[tuple[str, str]]:
    with desk.store.reading() as session:
        return [(one.who, one.action) for one in session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))]


# --- reading ---------------------------------------------------------------------------------


def test_a_grant_is_live_from_its_first_instant_to_before_its_last() -> None:
    moments = {NOW - timedelta(seconds=1): "not begun", NOW: "live", VIEW.ends_at: "over"}
    assert {at: VIEW.state(at) for at in moments} == moments
    assert replace(VIEW, revoked_at=NOW).state(NOW) == "revoked"


def test_the_live_grants_of_a_department_are_found_and_no_others(desk: FakeDesk) -> None:
    with desk.store.reading() as session:
        assert [one.id for one in grants_of(session, "shop", NOW)] == ["grant-1"]
        assert grants_of(session, "shop", NOW + TEN_DAYS) == []
        assert grants_of(session, "group") == []
        with pytest.raises(UnknownGrantError, match="no grant 'grant-2'"):
            grant_view(session, "grant-2")
    revoke(desk, "grant-1", "bob", "over", "page")
    with desk.store.reading() as session:
        assert grants_of(session, "shop", NOW) == []
        assert [one.state(NOW) for one in grants_of(session)] == ["revoked"]


# --- revoking --------------------------------------------------------------------------------


def test_a_revoked_grant_permits_nothing_its_requester_is_told_and_its_commitment_stays(desk: FakeDesk) -> None:
    view = revoke(desk, "grant-1", "bob", "the sale is off", "page")

    assert (view.state(NOW), view.revoked_by, view.revoked_why, view.revision) == (
        "revoked", "bob", "the sale is off", 2,
    )  # fmt: skip
    (told,) = entries(desk.store)
    assert (told.kind, told.channel, told.audience) == ("grant_revoked", "U-CY", "everyone")
    with desk.store.reading() as session:
        card = render(session, told, Links("https://twinledger.example"))
    assert card.text.startswith("Your grant grant-1 was revoked by Bob at 20 Oct 2026, 09:00 UTC")
    assert "the sale is off" in json.dumps(card.blocks)
    assert audited(desk) == [("bob", "grant.revoke")]
    with desk.store.reading() as session:
        assert session.get_one(Commitment, "req-1").state == "posted"


def test_a_second_revocation_is_told_who_came_first(desk: FakeDesk) -> None:
    revoke(desk, "grant-1", "bob", "the sale is off", "page")
    with pytest.raises(AlreadyDecidedError, match="grant-1 was already revoked by bob at 2026-10-20T09:00:00"):
        revoke(desk, "grant-1", "ada", "me too", "page")
    assert len(entries(desk.store)) == 1


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(
    ("person", "refusal"),
    [("bob", None), ("ada", None), ("eve", None), ("cy", NotEntitledError), ("mallory", UnknownPersonError)],
)
def test_the_holder_those_above_and_finance_may_revoke_and_nobody_else(
    desk: FakeDesk, person: str, refusal: type[TwinledgerError] | None
) -> None:
    if refusal is None:
        assert revoke(desk, "grant-1", person, "why", "page").revoked_by == person
        return
    with pytest.raises(refusal):
        revoke(desk, "grant-1", person, "why", "page")
    assert seen(desk).revoked_at is None
    assert audited(desk) == [(person, "grant.revoke.refused")]


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("why", ["", "  ", "x" * 2001])
def test_a_revocation_needs_a_reason_of_some_length(desk: FakeDesk, why: str) -> None:
    with pytest.raises(InvalidSubmissionError, match="why"):
        revoke(desk, "grant-1", "bob", why, "page")


# --- exchanging ------------------------------------------------------------------------------


def test_a_grant_is_exchanged_once_and_the_second_is_told_who_did(desk: FakeDesk) -> None:
    broker = FakeBroker()
    given = redeem(desk, "grant-1", "cy", broker)

    assert broker.asked == [("grant-1", "cy", 10 * 24 * 3600)]
    assert "very secret" not in repr(given)
    with pytest.raises(AlreadyDecidedError, match="already exchanged by cy"):
        redeem(desk, "grant-1", "bob", broker)
    assert len(broker.asked) == 1
    assert audited(desk) == [("cy", "grant.redeem"), ("cy", "grant.credentials"), ("bob", "grant.redeem.refused")]
    with desk.store.reading() as session:
        facts = [one.facts for one in session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))]
    assert facts[1] == {"access_key_id": "AKIA1", "expires_at": "2026-10-20T09:15:00+00:00", "handed_out": "yes"}
    assert "secret" not in json.dumps(facts)


def test_of_many_that_exchange_it_at_once_one_gets_credentials(desk: FakeDesk) -> None:
    broker, start = FakeBroker(), threading.Barrier(6)

    def attempt(number: int) -> str:
        start.wait()
        try:
            return redeem(desk, "grant-1", "cy" if number % 2 else "bob", broker).access_key_id
        except AlreadyDecidedError:
            return "came second"

    with ThreadPoolExecutor(6) as pool:
        results = sorted(pool.map(attempt, range(6)))
    assert results == ["AKIA1", *["came second"] * 5]
    assert len(broker.asked) == 1


@pytest.mark.parametrize("error", [BrokerRefusedError("grant-1", "STS answers AccessDenied"), KeyboardInterrupt()])
def test_what_the_broker_does_not_give_can_be_asked_for_again(desk: FakeDesk, error: BaseException) -> None:
    with pytest.raises(type(error)):
        redeem(desk, "grant-1", "cy", FakeBroker(refusing(error)))

    assert (seen(desk).redeemed_at, seen(desk).redeemed_by) == (None, None)
    assert audited(desk) == [("cy", "grant.redeem"), ("cy", "grant.redeem.failed")]
    assert redeem(desk, "grant-1", "bob", FakeBroker()).access_key_id == "AKIA1"


def test_a_grant_that_is_revoked_while_it_is_exchanged_gives_nothing(desk: FakeDesk) -> None:
    broker = FakeBroker(lambda: void(revoke(desk, "grant-1", "bob", "stop", "page")))
    with pytest.raises(GrantNotLiveError, match="revoked while it was exchanged"):
        redeem(desk, "grant-1", "cy", broker)
    assert audited(desk) == [("cy", "grant.redeem"), ("bob", "grant.revoke"), ("cy", "grant.credentials")]
    assert entries(desk.store)[0].facts["redeemed"] is True


def test_a_grant_that_is_revoked_while_the_broker_refuses_stays_revoked_and_unexchanged(desk: FakeDesk) -> None:
    def revoked_then_refused() -> None:
        revoke(desk, "grant-1", "bob", "stop", "page")
        raise BrokerRefusedError("grant-1", "no answer")

    with pytest.raises(BrokerRefusedError):
        redeem(desk, "grant-1", "cy", FakeBroker(revoked_then_refused))
    assert (seen(desk).redeemed_at, seen(desk).state(NOW)) == (None, "revoked")


def void(_: object) -> None:
    """Forgets what it is handed."""


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(
    ("moved", "sentence"),
    [(-timedelta(seconds=1), "it is not begun"), (TEN_DAYS, "it is over"), (None, "it is revoked")],
)
def test_only_a_live_grant_is_exchanged(desk: FakeDesk, moved: timedelta | None, sentence: str) -> None:
    if moved is None:
        revoke(desk, "grant-1", "bob", "stop", "page")
    else:
        desk.clock.advance(moved)
    broker = FakeBroker()
    with pytest.raises(GrantNotLiveError, match=sentence):
        redeem(desk, "grant-1", "cy", broker)
    assert broker.asked == []


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(("person", "refusal"), [("eve", NotEntitledError), ("mallory", UnknownPersonError)])
def test_its_requester_and_the_owner_exchange_it_and_nobody_else(
    desk: FakeDesk, person: str, refusal: type[TwinledgerError]
) -> None:
    broker = FakeBroker()
    with pytest.raises(refusal):
        redeem(desk, "grant-1", person, broker)
    assert broker.asked == []
    assert seen(desk).redeemed_at is None


# --- on paper --------------------------------------------------------------------------------


def test_a_signed_grant_is_believed_without_the_store() -> None:
    found = verified_grant(signed_grant(VIEW, KEY), KEY.public)
    assert found.document == grant_document(VIEW)
    assert found.document["quantity"] == "24.50"
    assert [found.permits_at(at) for at in (NOW, VIEW.ends_at)] == [True, False]


CHANGES = st.sampled_from(["department", "ends_at", "id", "meter", "product", "quantity", "region", "starts_at"])


@examples(deadline=None, max_examples=30)
@given(CHANGES, st.text(max_size=30))
def test_whatever_is_changed_in_a_signed_grant_is_found(member: str, value: str) -> None:
    read: dict[str, Any] = json.loads(signed_grant(VIEW, KEY))
    if read["grant"][member] == value:
        return
    read["grant"][member] = value
    with pytest.raises(ForgedGrantError, match="what it says is not what was signed"):
        verified_grant(json.dumps(read), KEY.public)


def test_more_of_a_resource_or_an_account_taken_away_is_found() -> None:
    read: dict[str, Any] = json.loads(signed_grant(replace(VIEW, account="111122223333"), KEY))
    changes: list[dict[str, Any]] = [{"account": None}, {"resources": [{**LARGE, "count": 2}]}, {"resources": []}]
    for changed in changes:
        with pytest.raises(ForgedGrantError):
            verified_grant(json.dumps({**read, "grant": {**read["grant"], **changed}}), KEY.public)


def test_a_grant_of_another_key_is_not_believed_whichever_key_it_names() -> None:
    other = SigningKey(b"o" * 32)
    with pytest.raises(ForgedGrantError, match=f"signed with key {other.public.id}"):
        verified_grant(signed_grant(VIEW, other), KEY.public)
    pretending = {**json.loads(signed_grant(VIEW, other)), "key": KEY.public.id}
    with pytest.raises(ForgedGrantError, match="not what was signed"):
        verified_grant(json.dumps(pretending), KEY.public)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"grant": 1.5, "key": "", "signature": ""}', '{"grant": {}, "key": "", "signature": ""}',
     '{"grant": {}, "key": "", "signature": "é"}', "[" * 70_000, "[" * 60_000],
)  # fmt: skip
def test_what_is_no_signed_grant_is_refused_in_words(text: str) -> None:
    with pytest.raises(UnreadableGrantError, match=r"grant\.json is no signed grant"):
        verified_grant(text, KEY.public, "grant.json")


# --- the key ---------------------------------------------------------------------------------


def test_the_key_is_made_once_for_its_owner_alone_by_many_at_once(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ensure_signing_key, [settings] * 4))
    made = signing_key(settings)
    ensure_signing_key(settings)

    assert (settings.home / "grants.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["grants.key"]
    assert signing_key(settings).public == made.public
    assert PublicKey.parse(str(made.public)) == made.public


def test_the_key_of_the_setting_comes_first_and_makes_no_file(tmp_path: Path) -> None:
    text = base64.b64encode(b"k" * 32).decode()
    chosen = Settings(home=tmp_path, grants=GrantSettings(signing_key=SecretStr(text)))
    ensure_signing_key(chosen)

    assert list(tmp_path.iterdir()) == []
    assert signing_key(chosen).public == KEY.public
    assert text not in repr(chosen)
    assert "kkk" not in repr(signing_key(chosen))


def test_a_missing_or_broken_key_is_named_and_not_shown(settings: Settings) -> None:
    with pytest.raises(SigningKeyError, match=r"grants\.key is not there"):
        signing_key(settings)
    for content, problem in (("not base64!", "is no Base64"), ("c2hvcnQ=", "has 5 bytes, expected 32")):
        (settings.home / "grants.key").write_text(content)
        with pytest.raises(SigningKeyError, match=problem) as told:
            signing_key(settings)
        assert content not in str(told.value)
