"""Budgets: plan, actual and commitments of a department, and what lies between them.

What belongs here: the variance of a period, at internal prices, why a period costs more than another one, and drawing
commitments down by what was spent. What does not: what a message looks like (`slack`). What vendors really charged is
read for finance's own view of the effects alone.
"""

from twinledger.budgets.drawn import count_spent, draw_down, spent_so_far
from twinledger.budgets.effects import Effects, external_effects, internal_effects
from twinledger.budgets.movements import Movement, movements, roll_over, transfer
from twinledger.budgets.outlook import Outlook, by_variance, outlooks
from twinledger.budgets.tree import roll_up
from twinledger.budgets.unit_cost import MetricConfig, UnitCost, metrics, record_metrics, unit_costs
from twinledger.budgets.variance import Variance, check_period

__all__ = [
    "Effects",
    "MetricConfig",
    "Movement",
    "Outlook",
    "UnitCost",
    "Variance",
    "by_variance",
    "check_period",
    "count_spent",
    "draw_down",
    "external_effects",
    "internal_effects",
    "metrics",
    "movements",
    "outlooks",
    "record_metrics",
    "roll_over",
    "roll_up",
    "spent_so_far",
    "transfer",
    "unit_costs",
]
