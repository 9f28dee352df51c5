"""The command line: `twinledger`.

What belongs here: arguments, and how answers are shown. What does not: any rule; every command calls
the domain as the DAGs do.

Exit codes: 0, done and nothing needs anybody; 1, done, and something needs somebody (a delivery was
refused, a period is incomplete); 2, not done: the arguments, the configuration or the file are wrong.
"""

from __future__ import annotations

import typer

from twinledger.cli import (
    alerts,
    anomalies,
    audit,
    bills,
    breaks,
    budgets,
    catalog,
    claims,
    closing,
    company,
    controls,
    detection,
    forecast,
    grants,
    held,
    matching,
    metering,
    periods,
    plans,
    policy,
    pools,
    rates,
    reconciliation,
    requests,
    reviews,
    shield,
    signoff,
    statements,
    unit_cost,
)
from twinledger.cli.demo import demo
from twinledger.cli.slack import slack

app = typer.Typer(
    name="twinledger",
    help="Two ledgers of one cloud bill, and every day the proof of how they differ and why.",
    epilog="First steps: twinledger inspect FILE shows what one of your own bills would become.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
app.command("inspect")(bills.inspect)
app.command("ingest")(bills.ingest)
app.command("rate")(periods.rate)
app.command("reconcile")(periods.reconcile)
app.command("statement")(statements.statement)
app.command("claims")(claims.claims)
app.command("held")(held.held)
app.command("estimate")(plans.estimate)
app.command("gate")(plans.gate)
requests.request.command("submit")(plans.submit)
app.command("sample")(company.sample)
app.command("demo")(demo)
app.command("slack")(slack)
app.add_typer(bills.ledger, name="ledger")
app.add_typer(bills.quarantine, name="quarantine")
app.add_typer(closing.period, name="period")
app.add_typer(signoff.signoff, name="signoff")
app.add_typer(alerts.alerts, name="alerts")
app.add_typer(anomalies.anomaly, name="anomaly")
app.add_typer(audit.audit, name="audit")
app.add_typer(breaks.breaks, name="breaks")
app.add_typer(budgets.budget, name="budget")
app.add_typer(controls.controls, name="controls")
app.add_typer(detection.detection, name="detection")
app.add_typer(forecast.forecast, name="forecast")
app.add_typer(grants.grant, name="grant")
app.add_typer(matching.match, name="match")
app.add_typer(policy.policy, name="policy")
app.add_typer(unit_cost.unit_cost, name="unit-cost")
app.add_typer(pools.pools, name="pools")
app.add_typer(rates.rates, name="rates")
app.add_typer(requests.request, name="request")
app.add_typer(requests.away, name="away")
app.add_typer(reconciliation.reconciliation, name="reconciliation")
app.add_typer(reviews.review, name="review")
app.add_typer(shield.shield, name="shield")
app.add_typer(metering.metering, name="metering")
app.add_typer(company.outbox, name="outbox")
app.add_typer(catalog.catalog, name="catalog")
app.add_typer(company.store, name="store")
app.add_typer(company.lake, name="lake")

__all__ = ["app"]
