"""Everything that Twinledger refuses, one class for each mistake.

What belongs here: exceptions that cross a module's border. What does not: bad *data*, which is
returned as a value (a quarantined row, a break), not raised.

    TwinledgerError
    ├── ConfigurationError
    │   ├── UnknownSettingError
    │   ├── UnknownNameError
    │   ├── InvalidConfigError
    │   ├── InvalidTableError
    │   ├── MissingSettingError
    │   ├── PriceEditedError
    │   ├── SigningKeyError
    │   └── StateReversedError
    ├── MoneyError
    │   ├── InvalidAmountError
    │   └── CurrencyMismatchError
    ├── InvalidPeriodError
    ├── DeliveryRefusedError
    │   ├── UnreadableFileError
    │   ├── EmptyFileError
    │   ├── ChecksumMismatchError
    │   ├── TotalMismatchError
    │   ├── MissingPartError
    │   ├── UnknownColumnsError
    │   ├── WrongAccountError
    │   ├── WrongCurrencyError
    │   ├── WrongPeriodError
    │   ├── UnknownFileError
    │   ├── SiblingExportError
    │   ├── CountedTwiceError
    │   ├── UnsafePathError
    │   ├── NoSamplesError
    │   └── GateFailedError
    ├── EventsRefusedError
    │   ├── UnreadableEventsError
    │   ├── EventsTooLargeError
    │   ├── UnknownMediaTypeError
    │   └── UnknownReporterError
    ├── EventsNotKeptError
    ├── PlaceUnreachableError
    ├── ObjectChangedError
    ├── UnreadableNotificationError
    ├── QueueUnreachableError
    ├── GateRunError
    ├── NotStartedError
    ├── ComponentEndedError
    ├── RunFailedError
    ├── UnsafeFolderError
    ├── LakeError
    │   ├── SliceMismatchError
    │   ├── FrozenSliceError
    │   └── ConcurrentSliceError
    ├── ConcurrentChangeError
    ├── InvalidActError
    ├── InvalidMovementError
    ├── InvalidAnswerError
    ├── ActionFailedError
    ├── AmbiguousNameError
    ├── StaleRunError
    ├── NotEntitledError
    ├── AlreadyDecidedError
    ├── WrongAudienceError
    ├── HiddenError
    ├── InvalidHeadError
    ├── SigningError
    │   ├── SignedError
    │   ├── ChangedStatementError
    │   ├── NotSignableError
    │   └── UnsignedStatementsError
    ├── BlendRefusedError
    ├── NotAllowedStateError
    ├── UnknownRequestError
    ├── InvalidSubmissionError
    ├── InvalidAbsenceError
    ├── PolicyRefusedError
    ├── NoApproverError
    ├── PlanError
    │   ├── UnreadablePlanError
    │   ├── PlanTooLargeError
    │   ├── PlanVersionError
    │   ├── FailedPlanError
    │   └── InvalidWorkspaceError
    ├── GrantError
    │   ├── UnknownGrantError
    │   ├── GrantNotLiveError
    │   ├── UnreadableGrantError
    │   ├── ForgedGrantError
    │   ├── NotBrokeredError
    │   ├── PolicyTooLongError
    │   └── BrokerRefusedError
    ├── PersonError
    │   ├── UnknownPersonError
    │   └── AmbiguousPersonError
    ├── SendError
    │   ├── RetryableSendError
    │   └── PermanentSendError
    ├── SocketModeError
    ├── UnreachableError
    ├── StatedTotalError
    ├── MissingPriceError
    ├── NoHistoryError
    └── MissingRateError

Every sentence names the subject, what was expected, what was found, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

_LONGEST_SENTENCE = 2000


class TwinledgerError(Exception):
    """The base of everything raised on purpose."""

    for_finance: ClassVar[bool] = False
    """Whether its sentence may cite what a vendor billed: see `audiences.sentence_for_everyone`."""


# --- configuration ---------------------------------------------------------------------------


class ConfigurationError(TwinledgerError):
    """The configuration cannot be used as it is."""


class UnknownSettingError(ConfigurationError):
    """A settings file or variable names something that is not a setting."""

    def __init__(self, names: Iterable[str], known: Iterable[str]) -> None:
        """Name the unknown settings and list the known ones."""
        super().__init__(
            f"unknown setting {', '.join(sorted(names))}: expected one of {', '.join(sorted(known))}; "
            "correct the name or remove it"
        )


class MissingSettingError(ConfigurationError):
    """Something is asked for that needs a setting which is empty."""

    def __init__(self, name: str, purpose: str) -> None:
        """Name the setting, as `slack.app_token`, and what needs it."""
        variable = f"TWINLEDGER_{name.upper().replace('.', '__')}"
        super().__init__(f"setting {name} is empty: {purpose} needs it; set {variable}")


class UnknownNameError(ConfigurationError):
    """Something refers to a source, pool, product, department or model that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        """Name the missing thing and list what there is."""
        listed = ", ".join(sorted(known)) or "none"
        super().__init__(f"no {kind} named {name!r}: expected one of {listed}")


class InvalidConfigError(ConfigurationError):
    """A configuration file does not have the form it must have."""

    for_finance = True

    def __init__(self, file: str, place: str, problem: str) -> None:
        """Name the file, the place in it and the problem."""
        super().__init__(f"{file}: {place}: {problem}")


class InvalidTableError(ConfigurationError):
    """A table that people hand in (invoices, rates) has cells that cannot be what they should be."""

    for_finance = True

    most = 10
    """Cells that the sentence names; `cells` has them all."""

    def __init__(self, table: str, cells: Iterable[tuple[str, str]]) -> None:
        """Name the table, and each cell (its place) with its problem."""
        self.cells = tuple(cells)
        shown = "; ".join(f"{place}: {problem}" for place, problem in self.cells[: self.most])
        more = f"; and {len(self.cells) - self.most} more" if len(self.cells) > self.most else ""
        super().__init__(f"{table}: {shown}{more}; nothing was taken, correct it and import it again")


class PriceEditedError(ConfigurationError):
    """A published price or an agreement has other terms in the configuration, or is gone from it."""

    def __init__(self, meter: str, since: str, published: str, found: str, remedy: str = "") -> None:
        """Name the meter, the instant and both prices."""
        super().__init__(
            f"price of {meter} from {since} was published as {published}, the configuration has {found}: "
            f"prices are never edited; put it back and {remedy or 'add one with a later `from`'}"
        )


class StateReversedError(ConfigurationError):
    """A product goes back in its life."""

    def __init__(self, product: str, present: str, found: str) -> None:
        """Name the product and both states."""
        super().__init__(
            f"product {product} is {present}, the configuration has {found}: a product goes from draft to listed to "
            "retired and never back; put it back, or publish another product"
        )


# --- money and time --------------------------------------------------------------------------


class MoneyError(TwinledgerError):
    """Money that is not money."""


class InvalidAmountError(MoneyError):
    """A text that is no finite decimal number that the ledger can hold exactly."""

    for_finance = True

    def __init__(self, text: str, problem: str) -> None:
        """Name the text and why it is refused."""
        self.problem = problem
        super().__init__(f"amount {text[:60]!r} {problem}")


class CurrencyMismatchError(MoneyError):
    """Two currencies in one sum."""

    def __init__(self, left: str, right: str) -> None:
        """Name both currencies."""
        super().__init__(f"cannot combine {left} with {right}: convert one at a named rate first")


class InvalidPeriodError(TwinledgerError):
    """A text that names no accounting month."""

    def __init__(self, text: str) -> None:
        """Name the text and the form that is expected."""
        super().__init__(f"period {text[:40]!r} is no accounting month: expected YYYY-MM, as in 2026-10")


class MissingPriceError(TwinledgerError):
    """A meter without a price in force at an instant."""

    def __init__(self, meter: str, at: str) -> None:
        """Name the meter and the instant."""
        super().__init__(f"no price of {meter} is in force at {at}: add one to catalog.yaml with an earlier `from`")


class MissingRateError(TwinledgerError):
    """An amount in a currency for which no rate is known."""

    def __init__(self, currency: str, to: str, day: str) -> None:
        """Name the pair and the day."""
        super().__init__(f"no rate from {currency} to {to} for {day}: add it to rates.csv with its date and source")


class NoHistoryError(TwinledgerError):
    """A series that cannot be forecast: nothing of it is final, or the day asked for is too far ahead."""

    def __init__(self, series: str, needed: str, present: str) -> None:
        """Name the series, what a forecast of it needs, and what there is; never an amount."""
        super().__init__(
            f"series {series[:100]}: a forecast needs {needed}, found {present}; give a history with final days, or "
            "an earlier period"
        )


class UnreachableError(TwinledgerError):
    """Something outside that was asked did not answer, or refused to."""

    def __init__(self, subject: str, problem: str) -> None:
        """Name what was asked and what it answered, without credentials."""
        super().__init__(f"{subject} cannot be asked: {problem}; nothing was recorded, correct it and run again")


class StatedTotalError(TwinledgerError):
    """What a provider says of an account contradicts itself."""

    for_finance = True

    def __init__(self, subject: str, total: str, parts: str) -> None:
        """Name the subject, its total and what its parts add up to."""
        super().__init__(
            f"{subject}: the total is {total}, its parts add up to {parts}; nothing was recorded, ask again"
        )


# --- deliveries ------------------------------------------------------------------------------


class DeliveryRefusedError(TwinledgerError):
    """A delivery cannot become a part of the ledger; it is quarantined whole with this reason."""

    for_finance = True

    code = "refused"

    def __init__(self, sentence: str) -> None:
        """Take the sentence as it can be stored and sent, whatever the delivery made it quote."""
        stored = sentence.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
        super().__init__(stored if len(stored) <= _LONGEST_SENTENCE else f"{stored[: _LONGEST_SENTENCE - 1]}…")


class UnreadableFileError(DeliveryRefusedError):
    """A file is truncated, corrupt, or not what its name says."""

    code = "unreadable"

    def __init__(self, file: str, problem: str) -> None:
        """Name the file and what the reader found."""
        self.problem = problem
        super().__init__(f"{file} cannot be read: {problem}; ask for the delivery again")


class EmptyFileError(DeliveryRefusedError):
    """A file without a single bill line."""

    code = "empty"

    def __init__(self, file: str) -> None:
        """Name the file."""
        super().__init__(f"{file} is empty: expected a header and at least one line")


class ChecksumMismatchError(DeliveryRefusedError):
    """A file is not the one that its manifest describes."""

    code = "checksum"

    def __init__(self, file: str, expected: str, actual: str) -> None:
        """Name the file and both checksums or sizes."""
        super().__init__(f"{file}: the manifest says {expected}, the file has {actual}; ask for it again")


class TotalMismatchError(DeliveryRefusedError):
    """Rows or money differ from what the manifest or the file itself adds up to."""

    code = "total"

    def __init__(self, subject: str, expected: str, actual: str, difference: str) -> None:
        """Name the subject, both figures and their difference."""
        super().__init__(f"{subject}: expected {expected}, found {actual} ({difference})")


class MissingPartError(DeliveryRefusedError):
    """A manifest lists a file that is not there."""

    code = "missing-part"

    def __init__(self, manifest: str, part: str) -> None:
        """Name the manifest and the part."""
        super().__init__(f"{manifest} lists {part}, which is not there; wait for it or ask for it again")


class UnknownColumnsError(DeliveryRefusedError):
    """No known bill format has these columns."""

    code = "unknown-columns"

    def __init__(self, file: str, missing: Iterable[str], format_name: str = "") -> None:
        """Name the file, the format that was expected and the columns that are missing."""
        wanted = f"format {format_name}" if format_name else "any known format"
        super().__init__(
            f"{file} has not the columns of {wanted}: missing {', '.join(list(missing)[:8])}; "
            "correct the source's format or add an alias to its model"
        )


class WrongAccountError(DeliveryRefusedError):
    """A bill of another billing account than the source's."""

    code = "wrong-account"

    def __init__(self, source: str, expected: str, actual: str) -> None:
        """Name the source and both accounts."""
        super().__init__(f"source {source} is billed to account {expected}, the file to {actual}")


class WrongCurrencyError(DeliveryRefusedError):
    """A bill in another currency than the source's."""

    code = "wrong-currency"

    def __init__(self, source: str, expected: str, actual: str) -> None:
        """Name the source and both currencies."""
        super().__init__(f"source {source} is billed in {expected}, the file in {actual}")


class WrongPeriodError(DeliveryRefusedError):
    """A bill of another billing period than its manifest or folder says."""

    code = "wrong-period"

    def __init__(self, source: str, expected: str, actual: str) -> None:
        """Name the source and both periods."""
        super().__init__(f"source {source}: the delivery is of {expected}, its lines are of {actual}")


class UnknownFileError(DeliveryRefusedError):
    """A file whose name does not say which part of a bill it is."""

    code = "unknown-file"

    def __init__(self, file: str, expected: str) -> None:
        """Name the file and what its name should have."""
        super().__init__(f"{file} does not say which part of a bill it is: expected {expected}; rename or remove it")


class SiblingExportError(DeliveryRefusedError):
    """Another export of the same charges as the one that a source takes."""

    code = "sibling-export"

    def __init__(self, file: str, found: str, taken: str) -> None:
        """Name the file, what it is and what the source takes."""
        super().__init__(
            f"{file} is {found}, the source takes {taken}: both bill the same charges, which would count twice; "
            "keep one of them out of the place, or correct the source's format"
        )


class CountedTwiceError(DeliveryRefusedError):
    """A bill of an account and period that another source bills already."""

    code = "counted-twice"

    def __init__(self, source: str, other: str, account: str, period: str) -> None:
        """Name both sources, the account and the period."""
        super().__init__(
            f"source {source}: account {account} is already billed by source {other} for {period}, and would count "
            f"twice; retire one of the two, or name {other} under `beside` in its options when their charges differ"
        )


class UnsafePathError(DeliveryRefusedError):
    """A key or path that leads out of its folder."""

    code = "unsafe-path"

    def __init__(self, key: str, root: str) -> None:
        """Name the key and the folder it must stay in."""
        super().__init__(f"key {key!r} leads out of {root}: refused")


class NoSamplesError(DeliveryRefusedError):
    """A day of which nothing was measured."""

    code = "no-samples"

    def __init__(self, place: str, day: str) -> None:
        """Name the place and the day."""
        super().__init__(
            f"{place} has no sample of any meter on {day}: expected some; correct the queries, or bring what was "
            "measured as a file"
        )


class GateFailedError(DeliveryRefusedError):
    """An expectation marked `stop` does not hold."""

    code = "gate"
    for_finance = False  # a gate's sentences count rows; values are in finance's Data Docs alone

    def __init__(self, gate: str, failures: Iterable[str]) -> None:
        """Name the gate and each expectation that failed."""
        super().__init__(f"gate {gate} stopped: {'; '.join(failures)}")


# --- events over HTTP --------------------------------------------------------------------------


class EventsRefusedError(TwinledgerError):
    """A request with events of which nothing is kept: sent again as it is, it is refused again."""


class UnreadableEventsError(EventsRefusedError):
    """A body that holds no events."""

    def __init__(self, problem: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"events refused: {problem}; nothing of the request was kept")


class EventsTooLargeError(EventsRefusedError):
    """A body, a batch or an event beyond its limit."""

    def __init__(self, subject: str, limit: str) -> None:
        """Name what is too large and the limit."""
        super().__init__(f"the {subject} is larger than {limit}: send it in parts; nothing of the request was kept")


class UnknownMediaTypeError(EventsRefusedError):
    """Events that are sent as something that is not read."""

    def __init__(self, found: str, expected: str) -> None:
        """Name what it is sent as and what is read."""
        super().__init__(f"sent as {found[:100]}: expected {expected}")


class UnknownReporterError(EventsRefusedError):
    """A token that is nobody's."""

    def __init__(self) -> None:
        """Repeat nothing of it."""
        super().__init__(
            "the request has no valid token: expected `Authorization: Bearer TOKEN`, with the token that "
            "`twinledger metering reporters add` printed"
        )


class EventsNotKeptError(TwinledgerError):
    """Events that could not be written now: sent again, they may be."""

    def __init__(self, problem: str) -> None:
        """Say why."""
        super().__init__(f"events were not kept: {problem}; send them again later")


# --- places and queues -------------------------------------------------------------------------


class PlaceUnreachableError(TwinledgerError):
    """The place where a vendor's or feed's files lie does not answer, or refuses."""

    def __init__(self, address: str, problem: str) -> None:
        """Name the place and what its client says."""
        super().__init__(
            f"{address} cannot be read: {problem}; correct the source's place, its options or its credentials, "
            "or wait until it answers"
        )


class ObjectChangedError(TwinledgerError):
    """An object is not the one that was listed: somebody wrote it meanwhile. The next look sees the new one."""

    def __init__(self, address: str, expected: str, actual: str) -> None:
        """Name the object, what was listed and what came."""
        super().__init__(
            f"{address} changed while it was fetched: listed was {expected}, found {actual}; "
            "nothing was kept, look again"
        )


class UnreadableNotificationError(TwinledgerError):
    """A message of a queue that is no notification of a bucket."""

    def __init__(self, problem: str) -> None:
        """Say what is wrong; the message itself is not repeated."""
        super().__init__(f"no notification: {problem}; it is dropped, the daily run looks at every source anyway")


class QueueUnreachableError(TwinledgerError):
    """The queue of notifications does not answer, or refuses."""

    def __init__(self, queue: str, problem: str) -> None:
        """Name the queue and what its client says."""
        super().__init__(
            f"queue {queue} cannot be read: {problem}; correct TWINLEDGER_EVENTS__*, credentials or the queue's "
            "policy; until then the daily run finds every delivery"
        )


class GateRunError(TwinledgerError):
    """A gate could not be evaluated: that says nothing about the data."""

    def __init__(self, gate: str, table: str, expectation: str, problem: str) -> None:
        """Name the gate, the table, the expectation and what the engine answered."""
        super().__init__(
            f"gate {gate} could not evaluate {expectation} on {table}: {problem}; "
            "correct the suite or the engine and run again, nothing was decided about the data"
        )


# --- running Airflow here ----------------------------------------------------------------------


class NotStartedError(TwinledgerError):
    """Airflow did not come up."""

    def __init__(self, problem: str, logs: Path) -> None:
        """Say what is wrong and where its logs are."""
        super().__init__(f"Airflow did not start: {problem}; see {logs}")


class ComponentEndedError(TwinledgerError):
    """A component of Airflow ended by itself."""

    def __init__(self, component: str, status: int, log: Path) -> None:
        """Name the component, its exit status and its log."""
        super().__init__(f"airflow {component} ended with status {status}; see {log}")


class RunFailedError(TwinledgerError):
    """A run of a DAG failed."""

    def __init__(self, run: str, problem: str, log: Path) -> None:
        """Name the run, what failed and where its log is."""
        super().__init__(f"{run}: {problem}; its log is {log}")


class UnsafeFolderError(TwinledgerError):
    """A folder that would be removed, and was not made by us."""

    def __init__(self, folder: Path) -> None:
        """Name the folder."""
        super().__init__(f"{folder} is not empty and no demo made it: name another folder, or remove it yourself")


# --- lake and store --------------------------------------------------------------------------


class LakeError(TwinledgerError):
    """A fact table cannot be read or written as asked."""


class SliceMismatchError(LakeError):
    """Staged files hold rows of another slice than the one they replace."""

    def __init__(self, table: str, expected: str, actual: str) -> None:
        """Name the table and both slices."""
        super().__init__(f"{table}: staged files are of slice {actual}, not of {expected}; nothing was written")


class FrozenSliceError(LakeError):
    """A write to a part of a table that no longer changes."""

    def __init__(self, table: str, slice_name: str, frozen: str) -> None:
        """Name the table, the slice and what froze it."""
        super().__init__(f"{table}: {slice_name} cannot be written: {frozen} is closed and never changes")


class ConcurrentSliceError(LakeError):
    """Another writer committed the same slice first."""

    def __init__(self, table: str, subject: str) -> None:
        """Name the table and the slice."""
        super().__init__(f"{table}: slice {subject} was written by somebody else meanwhile; run again")


class StaleRunError(TwinledgerError):
    """A question about a reconciliation whose ledgers or configuration have moved on since."""

    def __init__(self, period: str, run: str) -> None:
        """Name the period and the run."""
        super().__init__(
            f"reconciliation of {period}: expected both ledgers and the configuration as they were in {run}, "
            f"found them changed since; run `twinledger reconcile {period}` and ask again"
        )


class ConcurrentChangeError(TwinledgerError):
    """A row of the store has moved on since it was read."""

    def __init__(self, subject: str, expected: str, actual: str) -> None:
        """Name the subject, the state that was read and the state that is."""
        super().__init__(f"{subject} is {actual}, not {expected} as when it was read; look again")


class InvalidActError(TwinledgerError):
    """A deed on a break that does not say what it must."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        """Name the field, what it holds and what it must hold."""
        self.field = field
        super().__init__(f"not recorded: {field} is {found[:60]!r}, expected {expected}")


class InvalidMovementError(TwinledgerError):
    """A movement of budget that cannot be."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        """Name the field, what it holds and what it must hold."""
        self.field = field
        super().__init__(f"nothing was moved: {field} is {found[:60]!r}, expected {expected}")


class InvalidAnswerError(TwinledgerError):
    """An answer to an item of a review that does not say what it must."""

    def __init__(self, item: str, problem: str) -> None:
        """Name the item and what is wrong with the answer."""
        super().__init__(f"not recorded: {item[:120]}: {problem}")


class ActionFailedError(TwinledgerError):
    """Something was to be done to a resource of a cloud, and was not."""

    def __init__(self, action: str, resource: str, problem: str) -> None:
        """Name the action, the resource and what the cloud's client says, without credentials."""
        self.problem = problem
        super().__init__(f"{action} of {resource} was not done: {problem}; the next run tries it again")


class AmbiguousNameError(TwinledgerError):
    """The beginning of several identities."""

    def __init__(self, kind: str, start: str, found: Iterable[str]) -> None:
        """Name what was given and what it may mean."""
        listed = ", ".join(one[:20] for one in sorted(found))
        super().__init__(f"{kind} {start!r} may be {listed}: expected as much of it as only one begins with")


class NotAllowedStateError(TwinledgerError):
    """A transition that the state machine does not have."""

    def __init__(self, subject: str, state: str, event: str) -> None:
        """Name the subject, its state and the event."""
        super().__init__(f"{subject} is {state}: {event} is not possible from there")


class NotEntitledError(TwinledgerError):
    """Somebody decides who may not."""

    def __init__(self, person: str, subject: str, reason: str) -> None:
        """Name the person, the subject and the reason."""
        self.reason = reason
        super().__init__(f"{person} may not decide {subject}: {reason}")


class WrongAudienceError(TwinledgerError):
    """Something made for finance is on its way to everyone."""

    def __init__(self, subject: str, expected: str, actual: str) -> None:
        """Name the subject, the audience it may have and the one it was given."""
        super().__init__(f"{subject} is for {expected}, not for {actual}: it was not sent; correct who enqueues it")


class BlendRefusedError(TwinledgerError):
    """A price that would give away what one vendor charges."""

    def __init__(self, meter: str, reason: str) -> None:
        """Name the meter and the rule; never the price or a cost."""
        super().__init__(f"no price of {meter} is proposed: {reason}; publish a list price of your own instead")


class HiddenError(TwinledgerError):
    """Something went wrong whose sentence may cite what a vendor billed."""

    def __init__(self, sentence: str, subject: str) -> None:
        """Take what everybody may be told, and the subject of the audit entry with the rest."""
        super().__init__(f"{sentence} (audit subject {subject or 'not written: the store does not answer'})")


class InvalidHeadError(TwinledgerError):
    """A text that names no entry of the audit trail."""

    def __init__(self, text: str) -> None:
        """Show what was given."""
        super().__init__(
            f"{text[:80]!r} is no head of the audit trail: expected SEQUENCE:HASH, as `twinledger audit head` prints it"
        )


class SigningError(TwinledgerError):
    """A statement of a period cannot be signed, or stands signed in the way of something."""


class SignedError(SigningError):
    """A change of what belongs to a statement that is prepared or signed."""

    def __init__(self, subject: str, state: str, who: str) -> None:
        """Name the statement, its state and who brought it there."""
        super().__init__(
            f"statement {subject} is {state} by {who}: what belongs to it is fixed; "
            "withdraw it first, then sign what it says afterwards"
        )


class ChangedStatementError(SigningError):
    """A signature on figures that are not those of the statement any more."""

    def __init__(self, subject: str) -> None:
        """Name the statement."""
        super().__init__(f"statement {subject} has changed since it was shown: look at it again, nothing was signed")


class NotSignableError(SigningError):
    """A statement with something against it that no signature may stand on."""

    for_finance = True

    def __init__(self, subject: str, reasons: Iterable[str]) -> None:
        """Name the statement and each reason."""
        super().__init__(f"statement {subject} cannot be signed: {'; '.join(reasons)}")


class UnsignedStatementsError(SigningError):
    """A period whose statements are not all signed."""

    def __init__(self, period: str, points: Iterable[str]) -> None:
        """Name the period and say of each statement how it stands."""
        super().__init__(
            f"period {period} cannot be closed before its statements are signed: {'; '.join(points)}; "
            f"see `twinledger signoff list {period}`"
        )


class AlreadyDecidedError(TwinledgerError):
    """A second decision on the same request."""

    def __init__(self, subject: str, outcome: str, who: str, when: str) -> None:
        """Say who decided, what and when."""
        self.outcome, self.who, self.when = outcome, who, when
        super().__init__(f"{subject} was already {outcome} by {who} at {when}")


# --- approvals -------------------------------------------------------------------------------


class UnknownRequestError(TwinledgerError):
    """A request that was never submitted here."""

    def __init__(self, request: str) -> None:
        """Name the request."""
        super().__init__(f"no request {request[:60]!r}: expected the id that its submission returned")


class InvalidSubmissionError(TwinledgerError):
    """A wish to provision that cannot become a request."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        """Name the field, what it holds and what it must hold."""
        self.field = field
        super().__init__(f"request refused: {field} is {found[:60]!r}, expected {expected}")


class InvalidAbsenceError(TwinledgerError):
    """An absence that cannot be."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        """Name the field, what it holds and what it must hold."""
        self.field = field
        super().__init__(f"absence refused: {field} is {found[:60]!r}, expected {expected}")


class PolicyRefusedError(TwinledgerError):
    """The policy refuses a request; nothing was committed, nobody was asked."""

    def __init__(self, rule: str, reason: str) -> None:
        """Name the rule and its reason."""
        super().__init__(f"request refused by rule {rule} of policy.yaml: {reason}")


class NoApproverError(TwinledgerError):
    """Nobody is entitled to decide a request."""

    def __init__(self, requester: str, department: str, role: str = "budget holder") -> None:
        """Name the requester, the department, and who is to decide: its manager, its budget holder or finance."""
        if role == "finance":
            problem = "nobody else has the role finance; give it to another person in people.yaml"
        else:
            problem = (
                f"its {role}, and those of the departments above it, are the requester or no known person; name "
                "another in departments.yaml"
            )
        super().__init__(f"nobody may decide a request of {requester} for {department}: {problem}")


class PersonError(TwinledgerError):
    """A user of Slack or Airflow who is not exactly one person."""


class UnknownPersonError(PersonError):
    """A user whom nobody is mapped to."""

    def __init__(self, surface: str, user: str) -> None:
        """Name the surface and its user."""
        super().__init__(f"{surface} user {user[:60]!r} is no known person: add the user to people.yaml")


class AmbiguousPersonError(PersonError):
    """A user whom several people are mapped to."""

    def __init__(self, surface: str, user: str, people: Iterable[str]) -> None:
        """Name the surface, its user and the people."""
        names = ", ".join(sorted(people))
        super().__init__(f"{surface} user {user[:60]!r} is {names}: leave it with one of them in people.yaml")


# --- grants ----------------------------------------------------------------------------------


class SigningKeyError(ConfigurationError):
    """Grants cannot be signed: there is no key, or none that can be used."""

    def __init__(self, place: str, problem: str) -> None:
        """Name where the key is looked for and what is wrong; never the key."""
        super().__init__(
            f"grants cannot be signed: {place} {problem}; run `twinledger store upgrade`, which makes a key where "
            "there is none, or set TWINLEDGER_GRANTS__SIGNING_KEY to the output of `openssl rand -base64 32`"
        )


class GrantError(TwinledgerError):
    """A grant that cannot be found, read or exchanged as asked."""


class UnknownGrantError(GrantError):
    """A grant that was never given here."""

    def __init__(self, grant: str) -> None:
        """Name the grant."""
        super().__init__(f"no grant {grant[:60]!r}: expected an id as `twinledger grant list` shows it")


class GrantNotLiveError(GrantError):
    """A grant that permits nothing now."""

    def __init__(self, grant: str, problem: str) -> None:
        """Name the grant and why."""
        super().__init__(f"{grant} permits nothing now: {problem}; ask for another with a request")


class UnreadableGrantError(GrantError):
    """A file that holds no signed grant."""

    def __init__(self, file: str, problem: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(
            f"{file} is no signed grant: {problem}; expected what `twinledger grant show GRANT --signed` prints"
        )


class ForgedGrantError(GrantError):
    """A grant whose signature is not of what it says, or not of the key that was expected."""

    def __init__(self, grant: str, problem: str) -> None:
        """Name the grant and what does not hold."""
        super().__init__(f"{grant[:60]} is not genuine: {problem}; trust nothing in it")


class NotBrokeredError(GrantError):
    """A grant that no policy of AWS can be bounded to."""

    def __init__(self, grant: str, field: str, found: str, expected: str) -> None:
        """Name the grant, the field, what it holds and what could be exchanged."""
        super().__init__(
            f"{grant} cannot be exchanged for credentials: {field} is {found[:60]!r}, expected {expected}; "
            "provision it behind `twinledger gate`, or ask for it anew"
        )


class PolicyTooLongError(GrantError):
    """A grant of so many sizes that AWS takes no session policy of them."""

    def __init__(self, grant: str, found: str, limit: str) -> None:
        """Name the grant, the length and the limit."""
        super().__init__(
            f"{grant} cannot be exchanged for credentials: its session policy has {found}, AWS takes {limit}; "
            "ask for fewer types and sizes in one request"
        )


class BrokerRefusedError(GrantError):
    """The broker gave no credentials: the grant is as it was before."""

    def __init__(self, grant: str, problem: str) -> None:
        """Name the grant and what its client says, without credentials."""
        super().__init__(
            f"{grant} was not exchanged: {problem}; the grant is still good, correct TWINLEDGER_BROKER__*, the role's "
            "trust policy or the broker's credentials, and exchange it again"
        )


# --- plans -----------------------------------------------------------------------------------


class PlanError(TwinledgerError):
    """A Terraform plan that is not judged: nothing was drawn, nothing was asked for."""


class UnreadablePlanError(PlanError):
    """Something that is no plan, or a plan in another form."""

    def __init__(self, plan: str, place: str, expected: str, found: str) -> None:
        """Name the plan and the place in it, what was expected there and what was found."""
        super().__init__(
            f"plan {plan[:100]}: {place[:100]}: expected {expected}, found {found[:200]}; "
            "write it with `terraform show -json PLANFILE`"
        )


class PlanTooLargeError(PlanError):
    """A plan beyond what is read at once."""

    def __init__(self, plan: str, measure: str, limit: int) -> None:
        """Name the plan, what there is too much of, and the most that is read."""
        super().__init__(
            f"plan {plan[:100]} has more than {limit} {measure}: divide the configuration and plan its parts"
        )


class PlanVersionError(PlanError):
    """A plan in a version of the format that is not known here."""

    def __init__(self, plan: str, found: str, expected: str) -> None:
        """Name the plan, its version and the one that is read."""
        super().__init__(
            f"plan {plan[:100]}: expected format_version {expected}, found {found[:20]}; "
            "write it with a Terraform from 1.0 on, by `terraform show -json PLANFILE`"
        )


class FailedPlanError(PlanError):
    """A plan that ended with an error."""

    def __init__(self, plan: str) -> None:
        """Name the plan."""
        super().__init__(
            f"plan {plan[:100]} ended with an error and is not whole: correct the configuration and plan again"
        )


class InvalidWorkspaceError(PlanError):
    """A name of a workspace that cannot be kept."""

    def __init__(self, field: str, found: str, limit: int) -> None:
        """Name what it is of, what was found, and how long it may be."""
        super().__init__(f"{field} {found[:60]!r}: expected a name of 1 to {limit} characters of one line")


# --- messages --------------------------------------------------------------------------------


class SendError(TwinledgerError):
    """A message could not be delivered."""


class RetryableSendError(SendError):
    """The receiver is away or busy: the same message will go through later."""

    def __init__(self, problem: str, retry_after_s: float | None = None) -> None:
        """Say what happened and, where the receiver does, how many seconds to wait."""
        self.retry_after_s = retry_after_s
        super().__init__(f"not delivered yet: {problem}")


class SocketModeError(TwinledgerError):
    """Slack opens no connection of Socket Mode."""

    def __init__(self, problem: str) -> None:
        """Say what Slack answered, or what came in the way."""
        super().__init__(
            f"no connection to Slack: {problem}; expected an app-level token (xapp-...) with the scope "
            "connections:write, Socket Mode switched on, and slack.base_url to be reachable"
        )


class PermanentSendError(SendError):
    """The receiver refuses the message: it will not go through until somebody corrects something."""

    def __init__(self, problem: str) -> None:
        """Say what the receiver refuses."""
        super().__init__(f"refused by the receiver: {problem}")
