"""What the story of a turn needs from outside, where there is more than one implementation."""

from typing import Protocol

from service.core.decisions import Verdict
from service.core.entries import Entry


class Adjudicator(Protocol):
    """A language model that chooses among candidates. It never writes what a customer reads.

    `name` is the model's, `prompt_id` says which prompt it was given: both stand in the trace.
    """

    name: str
    prompt_id: str

    async def adjudicate(self, text: str, candidates: list[Entry]) -> Verdict:
        """Choose among `candidates` (1 to 10, best first) for the customer's `text`.

        Every id in the verdict is one of the candidates' ids: the implementation checks it.
        Raises ModelUnavailable for every failure (no answer in time, an error status, an answer that is not
        a verdict), and nothing else.
        """
        ...
