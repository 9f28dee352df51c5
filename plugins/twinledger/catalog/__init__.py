"""The catalog: departments, people, sources, pools, products, prices, contracts, budgets and rates.

What belongs here: the company's configuration from YAML to store, and what others look up in it.
What does not: what a price means for usage, which is rating's, and which charge is in which pool.
"""

from twinledger.catalog.apply import Change, apply_config, plan_config
from twinledger.catalog.config import CompanyConfig, load_config
from twinledger.catalog.lookups import (
    PriceInForce,
    RateUsed,
    closed_periods,
    convert,
    price_at,
    rate_of_day,
    rate_of_period,
    sources,
)
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

__all__ = [
    "Change",
    "CompanyConfig",
    "Conversion",
    "ConvertedTotal",
    "PriceInForce",
    "RateUsed",
    "Relation",
    "apply_config",
    "closed_periods",
    "company",
    "convert",
    "convert_totals",
    "known_rates",
    "load_config",
    "plan_config",
    "price_at",
    "rate_of_day",
    "rate_of_period",
    "read_rate_file",
    "read_rate_table",
    "record_rates",
    "sources",
    "view",
]
