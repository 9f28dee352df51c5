"""The audit trail: one chain, and every change of it is found."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.conftest import audit_unguarded
from twinledger.clock import FixedClock
from twinledger.store import MIGRATIONS, Store, audit
from twinledger.store.audit import GENESIS, Head
from twinledger.store.chain import Anchor, Entry, Proof, Wanted, entries, newest, verify
from twinledger.store.models import AuditEntry, PeriodState
from twinledger.vocabulary.errors import InvalidHeadError

NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)


def deeds(store: Store, number: int, facts: dict[str, Any] | None = None) -> None:
    """So many deeds, each in a transaction of its own."""
    for one in range(number):
        with store.transaction() as session:
            audit.append(session, FixedClock(NOON), who="carol", action="test", subject=f"s{one}", facts=facts or {})


def chain(store: Store) -> list[Entry]:
    with store.reading() as session:
        return list(entries(session))


def proof(store: Store, *anchors: Anchor) -> Proof:
    with store.reading() as session:
        return verify(session, anchors)


def forge(store: Store, *statements: Any) -> None:  # noqa: ANN401 - whatever SQLAlchemy executes
    """Do what only the tables' owner can: past the guards."""
    with store.transaction() as session, audit_unguarded(session):
        for statement in statements:
            session.execute(statement)


# --- appending ------------------------------------------------------------------------------------


def test_an_auditor_recomputes_a_hash_with_nothing_but_json_and_sha_256(store: Store) -> None:
    deeds(store, 1, {"b": ["é", 2], "a": {"amount": "1.50"}})
    (one,) = chain(store)

    said = (
        '{"action":"test","at":"2026-10-20T12:00:00.000000Z","facts":{"a":{"amount":"1.50"},"b":["é",2]},'
        f'"previous":"{GENESIS}","sequence":1,"subject":"s0","who":"carol"}}'
    )
    assert one.hash == hashlib.sha256(said.encode()).hexdigest()


def test_entries_are_numbered_without_gaps_and_a_deed_that_is_undone_leaves_none(store: Store) -> None:
    deeds(store, 1)
    with suppress(ZeroDivisionError), store.transaction() as session:
        audit.append(session, FixedClock(NOON), who="carol", action="undone", subject="s", facts={})
        raise ZeroDivisionError
    deeds(store, 1)

    first, second = chain(store)
    assert (first.sequence, first.previous, second.sequence, second.previous) == (1, GENESIS, 2, first.hash)
    assert [one.action for one in (first, second)] == ["test", "test"]


def test_entries_of_one_transaction_follow_each_other_after_a_savepoint_failed(store: Store) -> None:
    with store.transaction() as session:
        audit.append(session, FixedClock(NOON), who="carol", action="first", subject="s", facts={})
        with suppress(ZeroDivisionError), session.begin_nested():
            session.add(PeriodState(period="2026-10", state="open"))
            raise ZeroDivisionError
        with session.begin_nested():
            session.add(PeriodState(period="2026-11", state="open"))
        audit.append(session, FixedClock(NOON), who="carol", action="second", subject="s", facts={})

    assert [one.action for one in chain(store)] == ["first", "second"]
    assert proof(store).whole


@pytest.mark.parametrize("facts", [{"amount": 1.5}, {"amount": Decimal("1.5")}, {"at": NOON}, {"all": {"a": [{1, 2}]}}])
def test_facts_that_have_no_one_form_are_refused(store: Store, facts: dict[str, Any]) -> None:
    with pytest.raises(TypeError), store.transaction() as session:
        audit.append(session, FixedClock(NOON), who="carol", action="test", subject="s", facts=facts)
    assert chain(store) == []


def test_a_deed_within_a_savepoint_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match="savepoint"), store.transaction() as session, session.begin_nested():
        audit.append(session, FixedClock(NOON), who="carol", action="test", subject="s", facts={})


def test_text_that_utf_8_does_not_have_is_written_as_an_escape(store: Store) -> None:
    deeds(store, 1, {"file": "bill-\udcff.csv", "rows": (1, True, None)})

    assert chain(store)[0].facts == {"file": "bill-\\udcff.csv", "rows": [1, True, None]}
    assert proof(store).whole


def test_sixteen_writers_make_one_chain_and_nothing_is_lost(store: Store) -> None:
    def work(writer: int) -> None:
        for one in range(8):
            with suppress(ZeroDivisionError), store.transaction() as session:
                audit.append(session, FixedClock(NOON), who=f"w{writer}", action="test", subject=f"{one}", facts={})
                session.add(PeriodState(period=f"{writer}-{one}", state="open"))
                audit.append(session, FixedClock(NOON), who=f"w{writer}", action="more", subject=f"{one}", facts={})
                if one % 4 == 3:
                    raise ZeroDivisionError

    with ThreadPoolExecutor(16) as workers:
        list(workers.map(work, range(16)))

    done = chain(store)
    assert [one.sequence for one in done] == list(range(1, 16 * 6 * 2 + 1))
    assert {(one.who, one.action, one.subject) for one in done} == {
        (f"w{writer}", action, str(one)) for writer in range(16) for action in ("test", "more")
        for one in range(8) if one % 4 != 3
    }  # fmt: skip
    assert proof(store).whole


def test_the_chain_is_taken_last_so_that_writers_of_the_same_rows_do_not_block_each_other(store: Store) -> None:
    """Each writer audits first and locks rows in another order than the chain's: a deadlock, if it held the chain."""
    with store.transaction() as session:
        session.add(PeriodState(period="2026-10", state="open", revision=0))

    def work(writer: int) -> None:
        for _ in range(4):
            with store.transaction() as session:
                audit.append(session, FixedClock(NOON), who=f"w{writer}", action="test", subject="s", facts={})
                row = session.get(PeriodState, "2026-10", with_for_update=True)
                assert row is not None
                row.revision += 1

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work, range(8)))
    with store.reading() as session:
        assert session.scalars(select(PeriodState.revision)).one() == 32
    assert proof(store).entries == 32


# --- proving --------------------------------------------------------------------------------------

_OTHER: dict[str, Callable[[Entry], Any]] = {
    "at": lambda one: one.at.replace(microsecond=(one.at.microsecond + 1) % 1_000_000),
    "who": lambda one: one.who + "x",
    "action": lambda one: one.action[:-1],
    "subject": lambda one: one.subject.upper() if one.subject.upper() != one.subject else one.subject + " ",
    "facts": lambda one: {**one.facts, "added": None},
    "previous": lambda one: f"{one.previous[:-1]}{'1' if one.previous[-1] == '0' else '0'}",
    "hash": lambda one: f"{one.hash[:-1]}{'1' if one.hash[-1] == '0' else '0'}",
    "sequence": lambda one: one.sequence + 100,
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    subjects=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20), min_size=1,
                      max_size=5),
    chosen=st.integers(0, 4),
    field=st.sampled_from(sorted(_OTHER)),
)  # fmt: skip
def test_any_change_of_any_field_is_found(
    store: Store, empty: Callable[[Store], None], subjects: list[str], chosen: int, field: str
) -> None:
    empty(store)
    for one in subjects:
        with store.transaction() as session:
            audit.append(session, FixedClock(NOON), who="carol", action="test", subject=one, facts={"subject": one})
    assert proof(store).whole
    before = chain(store)[chosen % len(subjects)]
    changed = _OTHER[field](before)
    forge(store, update(AuditEntry).where(AuditEntry.sequence == before.sequence).values({field: changed}))

    fault = proof(store).fault
    # The last entry with another number may look like one that was put after a gap: it is named by its own.
    assert fault is not None
    assert fault.sequence in {before.sequence, before.sequence + 1, before.sequence + 100}


def test_what_was_removed_in_the_middle_is_named_by_the_entry_that_follows(store: Store) -> None:
    deeds(store, 4)
    forge(store, delete(AuditEntry).where(AuditEntry.sequence == 2))

    assert str(proof(store).fault) == "entry 3: its sequence is 3, expected 2"
    assert proof(store).head.sequence == 1


def test_entries_that_changed_places_are_found(store: Store) -> None:
    deeds(store, 3)
    move = [(1, 9), (2, 1), (9, 2)]
    forge(store, *(update(AuditEntry).where(AuditEntry.sequence == a).values(sequence=b) for a, b in move))

    fault = proof(store).fault
    assert fault is not None
    assert (fault.sequence, fault.what) == (1, "the hash of the entry before it")


def test_an_entry_that_was_put_in_between_is_found_also_when_it_is_numbered_well(store: Store) -> None:
    deeds(store, 3)
    third = chain(store)[2]
    forged = {**{name: getattr(third, name) for name in Entry.__slots__}, "subject": "forged", "sequence": 4}
    forged["previous"] = third.previous[::-1]
    forge(store, insert(AuditEntry).values(forged))

    assert proof(store).fault is not None


def test_a_name_that_is_written_twice_in_the_facts_is_found(store: Store) -> None:
    deeds(store, 1, {"amount": "1"})
    forge(store, text("""UPDATE audit SET facts = '{"amount": "9", "amount": "1"}'"""))

    assert "twice" in str(proof(store).fault)


def test_a_tail_that_was_cut_off_is_found_by_a_head_that_was_kept(store: Store) -> None:
    deeds(store, 3)
    with store.reading() as session:
        kept = audit.head(session)
    forge(store, delete(AuditEntry).where(AuditEntry.sequence == 3))

    assert proof(store).whole
    fault = proof(store, Anchor(kept, "the auditor")).fault
    assert str(fault) == (
        f"entry 3: the head that the auditor noted is missing: the chain was cut, expected {kept.hash}"
    )


def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_kept(store: Store) -> None:
    deeds(store, 2)
    with store.reading() as session:
        kept = audit.head(session)
    first = chain(store)[0]
    hashed = audit.entry_hash(2, NOON, "mallory", "test", "s1", {}, first.hash)
    forge(store, update(AuditEntry).where(AuditEntry.sequence == 2).values(who="mallory", hash=hashed))

    assert proof(store).whole
    assert proof(store, Anchor(kept, "the auditor")).fault is not None
    assert proof(store, Anchor(Head(1, first.hash), "an older note")).anchors == 1


@pytest.mark.parametrize("said", ["", "7", "7:abc", f"-1:{GENESIS}", f"7:{'g' * 64}", f"x:{GENESIS}"])
def test_what_is_no_head_is_refused_by_its_sentence(said: str) -> None:
    with pytest.raises(InvalidHeadError, match="SEQUENCE:HASH"):
        Head.parse(said)
    assert Head.parse(str(Head(7, GENESIS))) == Head(7, GENESIS)


def test_entries_are_found_by_subject_person_and_time_and_the_newest_first_come_last(store: Store) -> None:
    deeds(store, 3)
    with store.reading() as session:
        assert [one.sequence for one in entries(session, Wanted(subject="s1", who="carol"))] == [2]
        assert list(entries(session, Wanted(since=NOON.replace(hour=13)))) == []
        assert [one.sequence for one in newest(session, Wanted(since=NOON), 2)] == [2, 3]


def test_a_long_chain_is_proven_a_page_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinledger.store.chain.PAGE", 2)
    deeds(store, 5)
    told: list[int] = []
    with store.reading() as session:
        assert verify(session, told=told.append).entries == 5
    assert told == [2, 4, 5]


# --- the guards of the database -------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET who = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE sequence = 1"]
)
def test_the_database_refuses_to_change_the_trail_also_to_its_owner(store: Store, statement: str) -> None:
    deeds(store, 1)
    with pytest.raises(DBAPIError, match="only appended"), store.transaction() as session:
        session.execute(text(statement))
    assert proof(store).entries == 1


def test_an_entry_that_takes_the_place_of_another_is_refused(store: Store) -> None:
    deeds(store, 1)
    kept = chain(store)
    conflict = (
        "INSERT OR REPLACE INTO audit SELECT * FROM audit"
        if store.engine.dialect.name == "sqlite"
        else "INSERT INTO audit SELECT * FROM audit ON CONFLICT (sequence) DO UPDATE SET who = 'x'"
    )
    with pytest.raises(DBAPIError, match="only appended"), store.transaction() as session:
        session.execute(text(conflict))
    assert chain(store) == kept


# --- the migration --------------------------------------------------------------------------------


def _upgraded_to(store: Store, revision: str, *statements: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_entries_of_before_are_chained_in_their_order_without_the_gaps_they_had(bare_store: Store) -> None:
    row = (
        "INSERT INTO audit (id, at, who, action, subject, facts) VALUES ({}, '2026-10-0{} 10:00', 'w', 'a', 's', '{}')"
    )
    numbers = ((1, 2), (2, 5), (3, 9))
    _upgraded_to(bare_store, "0007", *(row.format(old, day, json.dumps({"n": day})) for day, old in numbers))

    bare_store.upgrade()
    deeds(bare_store, 1)

    assert [(one.sequence, one.facts.get("n")) for one in chain(bare_store)] == [(1, 1), (2, 2), (3, 3), (4, None)]
    assert proof(bare_store).whole


def test_a_process_that_dies_before_its_commit_leaves_no_entry(store: Store) -> None:
    deeds(store, 1)
    script = (
        "import os, sys\n"
        "from twinledger.clock import SystemClock\n"
        "from twinledger.store import Store, audit\n"
        "with Store(sys.argv[1]).transaction() as session:\n"
        "    audit.append(session, SystemClock(), who='w', action='a', subject='s', facts={})\n"
        "    audit._chain(session)\n"
        "    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, store.url], check=False).returncode == 9
    deeds(store, 1)
    assert proof(store).entries == 2
