"""Anomalies: stretches of daily and hourly series that are not as they were expected.

What belongs here: finding spikes and level shifts on final days, their money, their causes, what usually explains
them, and what people answered. What does not: who is told and when (`alerts`).

Amounts come in and leave as Decimal; inside, statistics are floats. Equal input gives equal output.
"""

from twinledger.anomalies.anomaly import Anomaly, AnomalyCause
from twinledger.anomalies.answers import Answer, Verdict, answer, answers
from twinledger.anomalies.curve import AnomalyCurves
from twinledger.anomalies.find import find_anomalies
from twinledger.anomalies.record import anomalies, anomaly_of, named, open_anomalies

__all__ = [
    "Anomaly",
    "AnomalyCause",
    "AnomalyCurves",
    "Answer",
    "Verdict",
    "anomalies",
    "anomaly_of",
    "answer",
    "answers",
    "find_anomalies",
    "named",
    "open_anomalies",
]
