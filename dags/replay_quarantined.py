"""replay_quarantined: refused deliveries, taken again once what they were refused for is corrected.

Does what `twinledger quarantine replay` does: forgets that the deliveries were refused, looks at their
source again, and ingests what is there at once. A corrected delivery that the vendor leaves needs none of
this, nor does a corrected entry of the source: the next run takes both by itself.

**Runs** by hand only, with the parameter `delivery` (as `twinledger quarantine list` names it) or `source`
(all refused deliveries of it).

**Emits** `external_ledger`, one event for each billing period that was touched. Where nothing could be taken,
the task is shown as skipped.

**Who reads it**: finance, which is told once more when a delivery that was refused is in the ledger.

**When the task fails**, the parameters name no refused delivery or source, or the source's place cannot be
reached; the log says which. A delivery that is refused again is no failure: it stays in quarantine.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from twinledger.airflow.assets import EXTERNAL_LEDGER
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=None,
    doc_md=__doc__,
    tags=["external ledger"],
    catchup=False,
    max_active_runs=1,
    params={
        "delivery": Param("", type="string", title="A refused delivery"),
        "source": Param("", type="string", title="or a source: all of its refused deliveries"),
    },
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def replay_quarantined() -> None:
    """One task."""

    @task(outlets=[EXTERNAL_LEDGER])
    def replay(*, params: Any = None, outlet_events: Any = None) -> list[str]:  # noqa: ANN401 - Airflow's
        """Take the deliveries again; the periods that were touched."""
        from twinledger import bills
        from twinledger.airflow.books import open_books
        from twinledger.vocabulary.errors import ConfigurationError, NotAllowedStateError

        with open_books() as books:
            try:
                done = bills.replay(books, params["delivery"], params["source"])
            except (ConfigurationError, NotAllowedStateError) as error:
                raise AirflowFailException(str(error)) from None
        if not done.periods:
            nothing = f"{len(done.deliveries)} refused deliveries looked at, none could be taken"
            raise AirflowSkipException(nothing)
        outlet_events[EXTERNAL_LEDGER].add_partitions(list(done.periods))
        return list(done.periods)

    replay()


replay_quarantined()
