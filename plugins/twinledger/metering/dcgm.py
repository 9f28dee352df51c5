"""NVIDIA's DCGM metrics as card-hours: who held which card, and how much of it was busy.

What belongs here: what a sample of DCGM means, by the metric's name, and how pods share a card. What does not: what
a value comes to over time (`series`), and where samples come from.

A card counts once, whichever pods share it: at each instant its tenants have equal parts of it. A MIG instance
counts as its slices of the card. A card without a pod is idle, and no tenant's.

Sources: dcgm-exporter's default counters and labels; dcgm_structs.h for blank values; NVIDIA's MIG guide for profiles.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from twinledger.catalog import MeterQuery
from twinledger.metering.series import HOUR, Labels, SeriesUsage, parsed_value
from twinledger.vocabulary.errors import InvalidConfigError, UnreadableFileError

PERCENTAGES = frozenset(
    {"DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_MEM_COPY_UTIL", "DCGM_FI_DEV_ENC_UTIL", "DCGM_FI_DEV_DEC_UTIL"}
)
"""Metrics from 0 to 100."""
RATIOS = frozenset(
    f"DCGM_FI_PROF_{name}"
    for name in (
        "GR_ENGINE_ACTIVE", "SM_ACTIVE", "SM_OCCUPANCY", "DRAM_ACTIVE", "PIPE_TENSOR_ACTIVE", "PIPE_FP64_ACTIVE",
        "PIPE_FP32_ACTIVE", "PIPE_FP16_ACTIVE",
    )
)  # fmt: skip
"""Metrics from 0 to 1: a hundredth of what the ones above would say."""
_BLANKS = tuple((blank, blank + 3) for blank in (0x7FFFFFF0, 1 << 47))
"""DCGM says with these that there is no value (32 bit, floating point): blank, not found, not supported, refused."""
_BLANK_64_BIT = Fraction(92, 10) * 10**18
"""As does 9223372036854775792 and the three after it, which a float in between may have rounded."""
_METRIC = re.compile(r"DCGM_FI_\w+")
_PROFILE = re.compile(r"(?:(\d+)c\.)?(\d+)g\.")
_SLICES = {"A30": 4}
_MOST_SLICES = 7


class _Card(NamedTuple):
    """A card, or one MIG instance of it."""

    uuid: str
    instance: str


@dataclass
class CardUsage:
    """Card-hours of one meter: `cards`, held by a pod, or `busy_cards`, weighted with what the metric says."""

    usage: SeriesUsage
    _full: Fraction = field(init=False)
    """The metric's value of a card that is wholly busy."""
    _tenants: dict[_Card, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        """Find the metric's scale by its name; raises InvalidConfigError where it has none that is known."""
        query = self.usage.query
        names = set(_METRIC.findall(query.query))
        if query.kind == "busy_cards" and (len(names) != 1 or not names <= PERCENTAGES | RATIOS):
            problem = f"{query.meter}: expected one of {', '.join(sorted(PERCENTAGES | RATIOS))} as it is"
            raise InvalidConfigError("sources.yaml", "options.meters", problem)
        self._full = Fraction(100 if names <= PERCENTAGES else 1)

    def observe(self, samples: Mapping[int, Iterable[tuple[Labels, Fraction | None]]]) -> None:
        """All samples of some instants, whose order is that of time."""
        for at in sorted(samples):
            parts: dict[_Card, dict[tuple[str, str], Fraction]] = defaultdict(dict)
            for given, value in samples[at]:
                labels = _labels(given)
                weight = self._weight(value)
                if weight is not None:
                    card = _Card(labels["UUID"], labels.get("GPU_I_ID", ""))
                    parts[card][self._owner(labels)] = weight * _size(labels)
            for card, shares in _without_parents(parts).items():
                self._share(at, card, {owner: size for owner, size in shares.items() if owner[0]})

    def _weight(self, value: Fraction | None) -> Fraction | None:
        """What of the card a sample stands for, from 0 to 1; None where DCGM has no value, or it can be none."""
        if value is None or value >= _BLANK_64_BIT or any(first <= value <= last for first, last in _BLANKS):
            return None
        if self.usage.query.kind == "cards":
            return Fraction(1)
        share = value / self._full
        return share if 0 <= share <= 1 else None

    def _owner(self, labels: Labels) -> tuple[str, str]:
        query = self.usage.query
        return labels.get(query.tenant, ""), labels.get(query.resource, "")

    def _share(self, at: int, card: _Card, sizes: Mapping[tuple[str, str], Fraction]) -> None:
        """Equal parts; whoever held the card before and does not now has none: nothing of it is bridged."""
        self._tenants[card] |= sizes.keys()
        for owner in sorted(self._tenants[card]):
            part = sizes[owner] / len(sizes) if owner in sizes else Fraction(0)
            labels = {"UUID": card.uuid, "GPU_I_ID": card.instance, self.usage.query.tenant: owner[0]}
            if self.usage.query.resource:
                labels[self.usage.query.resource] = owner[1]
            self.usage.observe(labels, at, part)


def _labels(given: Labels) -> dict[str, str]:
    """Labels under their names of today.

    A scrape that keeps the target's own labels gives the pod's as exported_*: those are the pod's.
    """
    labels = {name: value for name, value in given.items() if not name.startswith("exported_")}
    labels |= {name.removeprefix("exported_"): value for name, value in given.items() if name.startswith("exported_")}
    for old, new in (("uuid", "UUID"), ("Hostname", "hostname")):
        labels.setdefault(new, labels.get(old, ""))
    return labels


def _size(labels: Labels) -> Fraction:
    """How much of a card it is: of a MIG instance its compute slices, as in 1c.3g.20gb or 1g.10gb+me."""
    found = _PROFILE.match(labels.get("GPU_I_PROFILE", ""))
    if not found:
        return Fraction(1)
    model = labels.get("modelName", "")
    most = next((slices for name, slices in _SLICES.items() if name in model), _MOST_SLICES)
    return min(Fraction(1), Fraction(int(found[1] or found[2]), most))


def _without_parents(
    parts: Mapping[_Card, dict[tuple[str, str], Fraction]],
) -> dict[_Card, dict[tuple[str, str], Fraction]]:
    """A card that is cut into instances is counted by them alone."""
    cut = {card.uuid for card in parts if card.instance}
    return {card: owners for card, owners in parts.items() if card.instance or card.uuid not in cut}


def exported_lines(text: Iterable[str], name: str, queries: Sequence[MeterQuery]) -> Iterator[dict[str, str | None]]:
    """Usage records of exported samples: JSON lines of {"metric": {labels}, "values": [[seconds, "value"], ...]}.

    That is how Prometheus answers, a series a line. A query's text is the name of its metric here.

    Raises:
        UnreadableFileError: a line is no series.
        InvalidConfigError: a meter is of no metric of cards.
    """
    series = [_series(line, name, number) for number, line in enumerate(text, 1) if line.strip()]
    for query in queries:
        step = query.step_seconds
        # Several samples of a series within a step: the last one stands for it.
        samples: dict[int, dict[tuple[tuple[str, str], ...], Fraction | None]] = defaultdict(dict)
        for labels, values in series:
            if labels.get("__name__") == query.query:
                for at, value in values:
                    samples[at - at % step][tuple(sorted(labels.items()))] = value
        if samples:
            first = min(samples)
            usage = SeriesUsage(query, first - first % HOUR, max(samples) + step)
            CardUsage(usage).observe(
                {at: [(dict(labels), value) for labels, value in found.items()] for at, found in samples.items()}
            )
            yield from usage.lines()


def _series(line: str, name: str, number: int) -> tuple[dict[str, str], list[tuple[int, Fraction | None]]]:
    try:
        found = json.loads(line)
        labels = {str(label): str(value) for label, value in found["metric"].items()}
        return labels, [(int(at), parsed_value(str(value))) for at, value in found["values"]]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise UnreadableFileError(name, f"line {number} is no series with metric and values") from None
