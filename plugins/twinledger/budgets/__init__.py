"""Budgets: plan, actual and commitments of a department, and what lies between them.

What belongs here: the variance of a period, at internal prices, and drawing commitments down by what was spent. What
does not: discounts, which nothing here reads, and what a message looks like (`slack`).
"""

from twinledger.budgets.drawn import count_spent, draw_down, spent_so_far
from twinledger.budgets.variance import Variance, check_period

__all__ = ["Variance", "check_period", "count_spent", "draw_down", "spent_so_far"]
