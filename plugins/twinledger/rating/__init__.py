"""Rating: usage x price in force, and direct resources at list price, as internal charges.

What belongs here: the internal ledger of a period and its statements. What does not: the arithmetic,
which is SQL under `sql/rating`, prices (`catalog`), and comparing with bills (`reconciliation`).
"""

from twinledger.rating.rate import RatingResult, UnpricedUsage, rate_period
from twinledger.rating.statements import Statement, StatementLine, statement

__all__ = ["RatingResult", "Statement", "StatementLine", "UnpricedUsage", "rate_period", "statement"]
