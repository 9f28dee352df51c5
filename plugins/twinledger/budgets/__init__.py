"""Budgets: plan, actual and commitments of a department, and what lies between them.

What belongs here: the variance of a period, at internal prices. What does not: discounts, which nothing
here reads, and what a message looks like (`slack`).
"""

from twinledger.budgets.variance import Variance, check_period

__all__ = ["Variance", "check_period"]
