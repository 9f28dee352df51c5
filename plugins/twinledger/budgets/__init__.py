"""Budgets: plan, actual, commitments and forecast of departments and of lines, and what lies between them.

What belongs here: where each budget stands and will end, why a period costs more than another one, and drawing
commitments down by what was spent. What does not: what a message looks like (`slack`), and who is told when (`alerts`).
What vendors really charged is read for finance's own lines and its view of the effects alone.
"""

from twinledger.budgets.curves import budget_curve
from twinledger.budgets.drawn import count_spent, draw_down, spent_so_far
from twinledger.budgets.effects import Effects, external_effects, internal_effects
from twinledger.budgets.evaluate import budget_positions, by_variance, line_positions
from twinledger.budgets.movements import Movement, movements, roll_over, transfer
from twinledger.budgets.position import Cause, Position
from twinledger.budgets.tree import roll_up
from twinledger.budgets.unit_cost import MetricConfig, UnitCost, metrics, record_metrics, unit_costs
from twinledger.budgets.variance import Variance, check_period, positions

__all__ = [
    "Cause",
    "Effects",
    "MetricConfig",
    "Movement",
    "Position",
    "UnitCost",
    "Variance",
    "budget_curve",
    "budget_positions",
    "by_variance",
    "check_period",
    "count_spent",
    "draw_down",
    "external_effects",
    "internal_effects",
    "line_positions",
    "metrics",
    "movements",
    "positions",
    "record_metrics",
    "roll_over",
    "roll_up",
    "spent_so_far",
    "transfer",
    "unit_costs",
]
