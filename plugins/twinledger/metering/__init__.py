"""Usage: what was consumed, as metering feeds deliver it.

What belongs here: feeds, their files, and the slices of `shared.usage`. What does not: how a format is
read, which is SQL under `sql/metering`, and what usage costs, which is rating's.
"""

from twinledger.metering.ingest import ingest_feed
from twinledger.metering.records import Outcome

__all__ = ["Outcome", "ingest_feed"]
