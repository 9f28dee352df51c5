"""From a notification to the sources that are looked at.

What belongs here: reading what a watcher's event says, and the source that a run is of. What does not: the
queue (`watcher`), and looking, which `bills` and `metering` do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import select

from twinledger.books import Books
from twinledger.catalog import sources
from twinledger.cloud.notifications import CreatedObject, covering
from twinledger.store.models import Source
from twinledger.vocabulary.errors import UnknownNameError


def created_of(extras: Iterable[Mapping[str, Any]]) -> set[CreatedObject]:
    """The objects that events of the watcher name, by what stands in their `extra`; other events name none."""
    return {
        CreatedObject(bucket, key)
        for extra in extras
        for bucket, key in ((extra.get("payload") or {}).get("created") or [])
    }


def sources_covering(books: Books, created: Iterable[CreatedObject]) -> list[str]:
    """Names of the sources whose place an object was created in, in order; retired ones are left out."""
    active = {name for name, _ in sources(books.store)}
    with books.store.reading() as session:
        rows = session.scalars(select(Source).where(Source.name.in_(active)))
        places = {source.name: source.place for source in rows}
    return covering(places, created)


def source_of(books: Books, dag_run: Any) -> tuple[str, str]:  # noqa: ANN401 - Airflow hands tasks one of several run types
    """Name and kind of the source that a run is of: its partition key, else `source` of its configuration.

    A run without either, or of no source, fails at once and is not tried again.
    """
    key = dag_run.partition_key or (dag_run.conf or {}).get("source") or ""
    if not key:
        missing = "this run is of no source; trigger the DAG with a source's name as partition key"
        raise AirflowFailException(missing)
    try:
        ((name, kind),) = sources(books.store, key)
    except UnknownNameError as error:
        raise AirflowFailException(str(error)) from None
    return name, kind
