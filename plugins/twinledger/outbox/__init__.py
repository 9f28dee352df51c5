"""The outbox: what is to be told to people, or to Airflow, and whether it was.

What belongs here: queueing a message in the transaction of the state that it tells of, and
delivering it once, in order within its channel. What does not: what a message looks like, which the
views (`slack`) render from the store, and speaking to Slack or Airflow, which is a `Sender`.

    pending ── claim ──► sending ── sent ──► sent
       ▲                    │ ├─ refused for good, tried 3 times ──► failed
       └── tell it later ───┘ └─ the worker died: claimed again when the claim has run out
"""

from twinledger.outbox.drain import ByKind, DrainResult, LocalSender, Outgoing, Sender, Sent, drain
from twinledger.outbox.messages import Message, OutboxEntry, enqueue, entries, entry
from twinledger.vocabulary.errors import PermanentSendError, RetryableSendError, SendError

__all__ = [
    "ByKind",
    "DrainResult",
    "LocalSender",
    "Message",
    "OutboxEntry",
    "Outgoing",
    "PermanentSendError",
    "RetryableSendError",
    "SendError",
    "Sender",
    "Sent",
    "drain",
    "enqueue",
    "entries",
    "entry",
]
