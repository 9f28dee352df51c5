"""Signing: one person of finance prepares the statement of a pool and period, another one signs it.

What belongs here: who may do what with a statement, the record of it, who is told, and what a run that finds
other figures does to a signature. What does not: what a statement says and whether it may be signed, which
`reconciliation` knows and hands in.

    (a run) ──► open ── prepare ──► prepared ── sign, by somebody else ──► signed
                  ▲                   │   │                                  │
      refused ◄───┼─ refuse ──────────┘   └─ withdraw, or other figures ─┐   │
        └─────────┴── prepare again ◄── withdrawn ◄──────────────────────┴───┘
"""

from twinledger.signing.change import LEDGERS, hold, ledgers_digest, record, slices_digest, slices_of, stop
from twinledger.signing.messages import CARD, REPLY
from twinledger.signing.sign import Offer, Step, take
from twinledger.signing.states import ENTITLED, HELD, TRANSITIONS, Event, State, Transition
from twinledger.signing.view import SignatureView, lock, noted_heads, seal, signature, signatures, unsigned

__all__ = [
    "CARD",
    "ENTITLED",
    "HELD",
    "LEDGERS",
    "REPLY",
    "TRANSITIONS",
    "Event",
    "Offer",
    "SignatureView",
    "State",
    "Step",
    "Transition",
    "hold",
    "ledgers_digest",
    "lock",
    "noted_heads",
    "record",
    "seal",
    "signature",
    "signatures",
    "slices_digest",
    "slices_of",
    "stop",
    "take",
    "unsigned",
]
