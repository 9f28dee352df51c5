"""Shielding: what only finance may know stays with finance.

What belongs here: finding secret figures wherever they were written, and refusing prices that give a
discount away. What does not: who may read which table of the store (`store.roles`), which facts a
message is made from (`slack.facts`), and the comparison itself, which is sql/shielding.
"""

from twinledger.shielding.blend import BlendedPrice, ContractCost, blend, propose
from twinledger.shielding.databases import read_database
from twinledger.shielding.leaks import MOST_CHANCE, Leak, ScanResult, scan
from twinledger.shielding.places import read_place
from twinledger.shielding.readers import BOUNDS, Bounds, Record, Unread

__all__ = [
    "BOUNDS",
    "MOST_CHANCE",
    "BlendedPrice",
    "Bounds",
    "ContractCost",
    "Leak",
    "Record",
    "ScanResult",
    "Unread",
    "blend",
    "propose",
    "read_database",
    "read_place",
    "scan",
]
