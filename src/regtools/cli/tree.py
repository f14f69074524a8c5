"""A diagnosis for a terminal: a line a stage, its share of the time, and the remedy where it broke."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from regtools.cli.output import printable

if TYPE_CHECKING:
    from regtools.collect.diagnosis import Diagnosis
    from regtools.schema import CheckRow

MARKS: Final = {"ok": "✓", "warn": "!", "fail": "✗", "skipped": "·"}
NARROWEST: Final = 60
_BAR: Final = 12
_MOST_FACTS: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and the status whose colour its mark has; empty: it goes on with the one above."""

    status: str
    text: str


def diagnosis_lines(found: Diagnosis, *, width: int) -> list[Line]:
    """Show a diagnosis as a tree that also reads without colour.

    Parameters
    ----------
    width
        Columns of the terminal; below 60 counts as 60.

    Returns
    -------
    list of Line
        Mark, stage, milliseconds, a bar that begins where the one above ended, and what was found.
        Under what failed stand the evidence and the remedy. Stages that were not tried for one
        reason share a line.
    """
    width = max(width, NARROWEST)
    stages = max((len(check.stage) for check in found.checks), default=0)
    layout = _Layout(width=width, stage=stages, total=sum(_ms(one) for one in found.checks))
    lines: list[Line] = []
    begun = 0.0
    for reason, checks in groupby(
        found.checks, key=lambda one: one.summary if one.status == "skipped" else None
    ):
        if reason is not None:
            lines += layout.untried([one.stage for one in checks], reason)
            continue
        for check in checks:
            lines += layout.stage_lines(check, begun)
            begun += _ms(check)
    return lines


def _ms(check: CheckRow) -> float:
    return max(check.ms or 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    width: int
    stage: int
    total: float

    def stage_lines(self, check: CheckRow, begun: float) -> Iterator[Line]:
        head = f"{MARKS.get(check.status, ' ')} {check.stage:<{self.stage}}  "
        time = f"{check.ms:>9,.1f} ms  " if check.ms is not None else " " * 14
        head += f"{time}{self._bar(begun, _ms(check))}  "
        room = self.width - len(head)
        if check.status == "ok":
            words = [_cut(printable(check.summary), room)]
        else:
            words = self._wrapped(f"{check.summary} [{check.code}]", room)
        yield Line(check.status, f"{head}{words[0]}".rstrip())
        more = [*words[1:], *self._below(check, room)]
        for text in more:
            yield Line("", f"{' ' * len(head)}{text}")

    def untried(self, stages: Sequence[str], reason: str) -> Iterator[Line]:
        names = textwrap.wrap(", ".join(stages), self.width - 2)
        told = textwrap.wrap(printable(reason), self.width - 2)
        first, *rest = [*names, *told]
        if len(names) == len(told) == 1 and len(names[0]) + len(told[0]) + 4 <= self.width:
            first, rest = f"{names[0]}  {told[0]}", []
        yield Line("skipped", f"{MARKS['skipped']} {first}")
        for text in rest:
            yield Line("", f"  {text}")

    def _below(self, check: CheckRow, room: int) -> Iterator[str]:
        if check.status == "fail" and (facts := _facts(check.evidence)):
            yield from self._wrapped(f"seen: {facts}", room)
        if check.remedy:
            first, *rest = self._wrapped(check.remedy, room - 2)
            yield f"→ {first}"
            yield from (f"  {text}" for text in rest)

    def _bar(self, begun: float, ms: float) -> str:
        """Draw the part of the whole time that a stage took, where it took it."""
        if not self.total:
            return " " * _BAR
        start = min(round(begun / self.total * _BAR), _BAR - 1)
        length = max(round(ms / self.total * _BAR), 1) if ms else 0
        return f"{' ' * start}{'█' * min(length, _BAR - start)}".ljust(_BAR)

    def _wrapped(self, text: str, room: int) -> list[str]:
        return textwrap.wrap(printable(text), room) or [""]


def _cut(text: str, room: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= room else f"{line[: room - 1]}…"


def _facts(evidence: str) -> str:
    """Name the plain facts of the evidence; lists and objects are for ``--json``."""
    found = json.loads(evidence) if evidence else {}
    plain = [
        f"{name} {value}"
        for name, value in found.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""
    ]
    return ", ".join(plain[:_MOST_FACTS])
