"""When alerts may speak: quiet hours, and the hour of the digest, in the company's time zone.

What belongs here: instants. What does not: what is said then (`telling`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SATURDAY = 6
_MIDNIGHT = time(0)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Quiet hours of a time zone, and the digest's hour.

    Attributes:
        zone: name of the time zone.
        quiet_from: when a day's quiet begins; as `quiet_to`, there is none.
        quiet_to: when it ends, on the next day where that is earlier.
        weekends: whether Saturdays and Sundays are quiet too.
        digest_at: the local time of the digest, outside of quiet hours.
    """

    zone: str
    quiet_from: time
    quiet_to: time
    weekends: bool
    digest_at: time

    def speak_at(self, now: datetime) -> datetime:
        """The first instant from now on that is not quiet, in UTC."""
        return self._speak_at(now.astimezone(ZoneInfo(self.zone))).astimezone(UTC)

    def digest_from(self, now: datetime) -> datetime:
        """The first instant from now on at which a digest may be read, in UTC: the digest's hour, or later that day."""
        local = self._speak_at(now.astimezone(ZoneInfo(self.zone)))
        return max(local, datetime.combine(local.date(), self.digest_at, local.tzinfo)).astimezone(UTC)

    def last_digest(self, now: datetime) -> datetime:
        """The digest's hour of the last day that had one, in UTC; not after now."""
        zone = ZoneInfo(self.zone)
        at = datetime.combine(now.astimezone(zone).date(), self.digest_at, zone)
        while at > now or self.is_quiet(at):
            at -= _DAY
        return at.astimezone(UTC)

    def day(self, instant: datetime) -> date:
        """The local day of an instant."""
        return instant.astimezone(ZoneInfo(self.zone)).date()

    def awake(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time between two instants was not quiet."""
        zone = ZoneInfo(self.zone)
        day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        total = timedelta(0)
        while day <= last:
            for opens, closes in self._awake_of(day):
                begins, ends = (datetime.combine(on, at, zone).astimezone(UTC) for on, at in (opens, closes))
                total += max(timedelta(0), min(ends, end) - max(begins, start))
            day += _DAY
        return total

    def is_quiet(self, local: datetime) -> bool:
        """Whether an instant in the company's time zone is quiet."""
        return (self.weekends and local.isoweekday() >= _SATURDAY) or self.is_quiet_time(local.time())

    def is_quiet_time(self, at: time) -> bool:
        """Whether a time of a working day is quiet."""
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= at < self.quiet_to
        return at >= self.quiet_from or at < self.quiet_to

    def _speak_at(self, local: datetime) -> datetime:
        """At most a weekend away: each step goes to the end of a quiet, or to the next day."""
        while self.is_quiet(local):
            same_day = datetime.combine(local.date(), self.quiet_to, local.tzinfo)
            next_day = datetime.combine(local.date() + _DAY, _MIDNIGHT, local.tzinfo)
            ends_today = self.is_quiet_time(local.time()) and local < same_day
            local = same_day if ends_today else next_day
        return local

    def _awake_of(self, day: date) -> list[tuple[tuple[date, time], tuple[date, time]]]:
        """The stretches of a day that are not quiet."""
        if self.weekends and day.isoweekday() >= _SATURDAY:
            return []
        begins, ends = (day, _MIDNIGHT), (day + _DAY, _MIDNIGHT)
        if self.quiet_from <= self.quiet_to:
            return [(begins, (day, self.quiet_from)), ((day, self.quiet_to), ends)]
        return [((day, self.quiet_to), (day, self.quiet_from))]
