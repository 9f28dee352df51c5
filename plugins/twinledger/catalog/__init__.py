"""The catalog: departments, people, sources, pools, products, prices, contracts, budgets and rates.

What belongs here: the company's configuration from YAML to store, and what others look up in it.
What does not: what a price means for usage, which is rating's, and which charge is in which pool.
"""

from twinledger.catalog.aliases import CONFIRMED
from twinledger.catalog.apply import Change, apply_config, plan_config
from twinledger.catalog.config import CompanyConfig, load_config, read_cases, read_form
from twinledger.catalog.feeds import AllocationMeters, CoverageOptions, MeterQuery
from twinledger.catalog.lookups import (
    PriceInForce,
    RateUsed,
    closed_periods,
    convert,
    price_at,
    price_for,
    rate_of_day,
    rate_of_period,
    sources,
    with_those_above,
)
from twinledger.catalog.policy import WEEKDAYS, CaseConfig, Conditions, Outcome, Role, RuleConfig, roles_asked
from twinledger.catalog.rates import (
    Conversion,
    ConvertedTotal,
    convert_totals,
    known_rates,
    read_rate_file,
    read_rate_table,
    record_rates,
)
from twinledger.catalog.relations import Relation, company, view
from twinledger.catalog.shown import PriceVersion, ShownMeter, price_history, shown_catalog
from twinledger.catalog.sync import Proposal, apply_plan, decide_plan, lapse_plan, look_at_plan, propose

__all__ = [
    "CONFIRMED",
    "WEEKDAYS",
    "AllocationMeters",
    "CaseConfig",
    "Change",
    "CompanyConfig",
    "Conditions",
    "Conversion",
    "ConvertedTotal",
    "CoverageOptions",
    "MeterQuery",
    "Outcome",
    "PriceInForce",
    "PriceVersion",
    "Proposal",
    "RateUsed",
    "Relation",
    "Role",
    "RuleConfig",
    "ShownMeter",
    "apply_config",
    "apply_plan",
    "closed_periods",
    "company",
    "convert",
    "convert_totals",
    "decide_plan",
    "known_rates",
    "lapse_plan",
    "load_config",
    "look_at_plan",
    "plan_config",
    "price_at",
    "price_for",
    "price_history",
    "propose",
    "rate_of_day",
    "rate_of_period",
    "read_cases",
    "read_form",
    "read_rate_file",
    "read_rate_table",
    "record_rates",
    "roles_asked",
    "shown_catalog",
    "sources",
    "view",
    "with_those_above",
]
