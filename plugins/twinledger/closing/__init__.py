"""Closing a period: open -> closing -> closed, agreed to by finance and never undone.

What belongs here: who may ask and agree, on which figures and signatures, what still stands against it, and that
finance and departments are told. What does not: signing statements (`signing`), which comes before, and what a
vendor changes afterwards, which `bills` posts in the open period.

    open ── ask ──► closing ── approve, by somebody else, on the figures that were asked about ──► closed
      ▲                │
      └─ refuse, or the figures changed
"""

from twinledger.closing.close import Closing, Verdict, ask, decide, lapse, look, noted_heads

__all__ = ["Closing", "Verdict", "ask", "decide", "lapse", "look", "noted_heads"]
