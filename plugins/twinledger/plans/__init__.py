"""Plans: what a Terraform plan would provision, what that costs, and whether grants cover it.

What belongs here: reading `terraform show -json`, counting its resources in the catalog's meters by resources.yaml,
estimating them, asking for them, and judging them against grants. What does not: deciding a request (`approvals`),
prices (`catalog`), and how any of it is printed, but for SARIF, which is a format of its own.
"""

from twinledger.plans.asking import submissions
from twinledger.plans.estimate import MONTH_DAYS, Estimate, Line, Total, estimate
from twinledger.plans.gate import Covered, Uncovered, Verdict, covered_by_grants, gate
from twinledger.plans.measure import Measured, Reading, Unmeasured, Use, measure
from twinledger.plans.read import MAX_BYTES, Change, Plan, parse_plan, read_plan
from twinledger.plans.sarif import sarif
from twinledger.plans.table import Table, known_meters, load_table

__all__ = [
    "MAX_BYTES",
    "MONTH_DAYS",
    "Change",
    "Covered",
    "Estimate",
    "Line",
    "Measured",
    "Plan",
    "Reading",
    "Table",
    "Total",
    "Uncovered",
    "Unmeasured",
    "Use",
    "Verdict",
    "covered_by_grants",
    "estimate",
    "gate",
    "known_meters",
    "load_table",
    "measure",
    "parse_plan",
    "read_plan",
    "sarif",
    "submissions",
]
