"""What the web process asks a worker, and what it is told: only workers hold the knowledge."""

from typing import Literal

import msgspec

from service.core.additions import Addition
from service.core.decisions import Decision
from service.core.entries import Entry, Problem
from service.core.records import ModelTrace, Thresholds


class Inquiry(msgspec.Struct, frozen=True):
    """`decide`: what would be decided about `text`. `faq`: the entries behind the first `start`, and what is wrong.

    `add`: write `addition` into the FAQ; `try`: only say whether that would do.
    """

    id: str
    what: Literal["decide", "faq", "add", "try"]
    text: str = ""
    start: int = 0
    addition: Addition | None = None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What would be decided about a message of a new customer's. `bubbles` are what the answer would say."""

    decision: Decision
    bubbles: tuple[str, ...]
    thresholds: Thresholds
    knowledge: str
    calibration: str
    model: ModelTrace | None


class Loaded(msgspec.Struct, frozen=True):
    """A page of the FAQ as it answers now, in the order of the files, and all that is wrong with them.

    `next` is where the next page starts, null on the last one. Pages of another `knowledge` do not fit together.
    """

    knowledge: str
    problems: tuple[Problem, ...]
    items: tuple[Entry, ...]
    next: str | None
