"""What the story of a turn needs from outside, where there is more than one implementation."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from service.core.decisions import Verdict
from service.core.drafts import Shown, Sketch
from service.core.entries import Entry
from service.core.history import Utterance
from service.core.spending import Usage
from service.core.texts import Lang
from service.core.vectors import Vector


class Adjudicator(Protocol):
    """A language model that chooses among candidates. It never writes what a customer reads.

    `name` is the model's, `prompt_id` says which prompt it was given: both stand in the trace.
    """

    name: str
    prompt_id: str

    async def adjudicate(
        self,
        text: str,
        candidates: Sequence[Entry],
        history: Sequence[Utterance] = (),
        *,
        names: tuple[str, ...] = (),
        background: bool = False,
    ) -> Verdict:
        """Choose among `candidates` (1 to 10, best first) for the customer's `text`.

        `history` is what was said before it, the newest last. `names` are what the customer is called: a server is not
        to see them. `background`: nobody waits for the verdict.

        Every id in the verdict is one of the candidates' ids: the implementation checks it.
        Raises ModelUnavailable for every failure (no answer in time, an error status, an answer that is not
        a verdict), and nothing else.
        """
        ...


class Drafter(Protocol):
    """A language model that writes for staff. `name` says which, with which prompt."""

    name: str

    async def draft(
        self, texts: Sequence[str], shown: Sequence[Shown], lang: Lang, names: tuple[str | None, ...]
    ) -> Sketch:
        """Sum up what a customer wrote, and draft a reply in a language; `names` are what the customer is called.

        Raises ModelUnavailable.
        """
        ...


class Memory(Protocol):
    """Keeps verdicts for a while, each under a hash of all that it depends on."""

    async def recall(self, key: str) -> Verdict | None:
        """Give the verdict that was kept under the key, if any."""
        ...

    async def remember(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict."""
        ...


class Admission(msgspec.Struct, frozen=True):
    """Leave for one request to the language model's server, for a task (a prompt's id).

    `cost` is what it counts for until it is settled; `trial`: it is to show whether the server is back.
    """

    task: str
    cost: int = 0
    day_ends: int = 0
    trial: bool = False


class Settlement(msgspec.Struct, frozen=True):
    """What became of a request: `ok`, or why not. `works` says of the server that it does, or not, or nothing."""

    result: str
    usage: Usage
    works: bool | None


class Ledger(Protocol):
    """Says whether the model's server may be asked now, and is told what that cost."""

    async def admit(self, task: str, expected: Usage, *, background: bool) -> Admission:
        """Ask for leave for a task (a prompt's id).

        `background`: nobody waits for it, so only a part of the day's budget is there for it.

        Raises ModelUnavailable with `budget_used_up`, `circuit_open` (the server failed again and again and is left
        alone for a while) or `store_away`.
        """
        ...

    async def settle(self, admission: Admission, settlement: Settlement) -> None:
        """Say what became of it. Raises nothing."""
        ...


class Embedder(Protocol):
    """An embedding model: texts that mean the same have vectors of much the same direction."""

    async def embed(self, text: str, names: Sequence[str | None], within_s: float) -> Vector:
        """Give the vector, of length 1, of what somebody called by these `names` said, within so many seconds.

        The text is masked before it leaves.

        Raises ModelUnavailable for every failure, and nothing else.
        """
        ...
