"""Deeds: what people do with something that was found, a break or an alert, once and on record.

What belongs here: one person's act as it came in from a surface, and carrying it out: by compare-and-swap on (state,
revision), in one transaction with its audit entry and whoever is told; replays and refusals. What does not: what is
possible with which thing, who may, and what follows, which each room says of its own (`reconciliation`, `alerts`).
"""

from twinledger.deeds.act import LONGEST_TEXT, Act, Done, Step, future, words
from twinledger.deeds.kept import Deed, Kept, found, name_of
from twinledger.deeds.record import Comment, Entry, comments, find, history
from twinledger.deeds.run import run

__all__ = [
    "LONGEST_TEXT",
    "Act",
    "Comment",
    "Deed",
    "Done",
    "Entry",
    "Kept",
    "Step",
    "comments",
    "find",
    "found",
    "future",
    "history",
    "name_of",
    "run",
    "words",
]
