"""Rating: usage x price in force, and direct resources at list price, as internal charges.

What belongs here: the internal ledger of a period and its statements. What does not: the arithmetic,
which is SQL under `sql/rating`, prices (`catalog`), and comparing with bills (`reconciliation`).
"""

from twinledger.rating.concerned import RatedAgain, rated_again
from twinledger.rating.rate import RatingResult, UnpricedUsage, rate_period, rating_due
from twinledger.rating.statements import UNASSIGNED, Statement, StatementLine, statement, statements

__all__ = [
    "UNASSIGNED",
    "RatedAgain",
    "RatingResult",
    "Statement",
    "StatementLine",
    "UnpricedUsage",
    "rate_period",
    "rated_again",
    "rating_due",
    "statement",
    "statements",
]
