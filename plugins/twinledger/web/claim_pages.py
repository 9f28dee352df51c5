"""The claim file that finance takes to a vendor.

What belongs here: its route. What does not: what is claimed and how the file looks (`reconciliation`).
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from twinledger.reconciliation import claim_file, contract_claims
from twinledger.vocabulary.periods import Period
from twinledger.web.context import Finance, OpenBooks, taken_away

router = APIRouter()


@router.get("/claims/{period}.xlsx")
def claims(period: str, books: OpenBooks, reader: Finance, vendor: str = "") -> Response:
    """The claims of a period to one vendor, or to all, as a workbook; for finance only."""
    del reader
    file = claim_file(contract_claims(books, Period.parse(period), vendor), books.clock.now().date())
    return taken_away(file)
