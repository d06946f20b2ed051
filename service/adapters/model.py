"""The language model behind `service.ports.Adjudicator`: any server that speaks OpenAI's chat completions.

It is asked for a strict JSON schema, and its answer is checked here all the same: many servers accept the schema and do
not enforce it (reference/ecosystem.md section 6). What a customer writes goes in as JSON data, and so does what was
said before; the only thing that comes out is ids of entries that were shown, so the worst that any of it can talk the
model into is a wrong existing answer. It goes through the gate (service/adapters/modelgate.py), which masks the
customer's words.
"""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from service.adapters.modelgate import BUDGET_S, ModelGate, Question
from service.adapters.prompts import Prompt, load_prompt
from service.core.decisions import NoneFits, Pick, Unclear, Verdict
from service.core.entries import Entry, words_of
from service.core.history import Utterance
from service.core.masking import Words
from service.errors import ModelUnavailable

PHRASINGS_SHOWN = 5
ANSWER_CHARS_SHOWN = 1500
REPAIR_BEFORE = 0.5  # a second, paid request only while less than this share of the budget is used up

_FENCE = re.compile(r"\s*```\w*\s*\n(.*?)\s*```\s*", re.DOTALL)


class _Reply(msgspec.Struct, frozen=True):
    verdict: Literal["pick", "none", "unclear"]
    entries: tuple[str, ...]


class _NotAVerdict(ModelUnavailable):
    """The model answered, but not with a verdict. `sentence` tells the model what is wrong."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason)
        self.sentence = sentence


class OpenAIAdjudicator:
    """Asks one model with one prompt. `name` (the model) and `prompt_id` are for the trace.

    `budget_s` is the time for everything, in seconds. An answer that is not a verdict is sent back once, with what is
    wrong with it, while less than half of the budget is used up by `clock` (seconds, any origin).
    """

    def __init__(
        self,
        gate: ModelGate,
        prompt: Prompt,
        *,
        budget_s: float = BUDGET_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = gate.name
        self.prompt_id = prompt.label
        self._gate = gate
        self._prompt = prompt
        self._budget_s = budget_s
        self._clock = clock

    async def adjudicate(
        self,
        text: str,
        candidates: Sequence[Entry],
        history: Sequence[Utterance] = (),
        *,
        names: tuple[str, ...] = (),
        background: bool = False,
    ) -> Verdict:
        """Choose among `candidates` for the customer's `text`; see `service.ports.Adjudicator`.

        Raises ModelUnavailable whose text is a reason code alone: those of the gate, `not_a_verdict`, `unknown_entry`,
        `wrong_count`. Its cause may quote the server: do not log that one.
        """
        started = self._clock()
        shown = frozenset(entry.id for entry in candidates)
        question = Question(
            prompt=self._prompt,
            shown={"candidates": _shown(candidates)},
            said={"text": text, "history": _told(history)},
            names=names,
            form="verdict",
            schema=_schema(shown),
            background=background,
        )
        content = await self._gate.ask(question, self._budget_s)
        try:
            return _read_verdict(content, shown)
        except _NotAVerdict as error:
            used_s = self._clock() - started
            if used_s >= REPAIR_BEFORE * self._budget_s:
                raise
            fault = f"This is not a valid verdict: {error.sentence} Reply with only the JSON."
        again = msgspec.structs.replace(question, after=(("assistant", content), ("user", fault)))
        return _read_verdict(await self._gate.ask(again, self._budget_s - used_s), shown)


def load_adjudication_prompt(folder: Path) -> Prompt:
    """The checked prompt `adjudicate.md` of `folder`. Raises SettingsError when it is missing or broken."""
    entries = [
        Entry(id="hours", question="営業時間", phrasings=("何時まで",), bubbles=("19時まで",), file="faq.md", line=1),
        Entry(id="lost", question="忘れ物", phrasings=(), bubbles=(), action="handoff", file="faq.md", line=9),
    ]
    history = [Utterance("customer", "カットの料金は?"), Utterance("shop", "4,400円です。")]
    sample = {"text": "何時まで?", "history": _told(history), "candidates": _shown(entries)}
    return load_prompt(folder / "adjudicate.md", sample)


def _told(history: Sequence[Utterance]) -> list[Words]:
    return [{"who": each.who, "text": each.text} for each in history]


def _shown(candidates: Sequence[Entry]) -> list[dict[str, object]]:
    return [
        {
            "id": entry.id,
            "question": entry.question,
            "phrasings": entry.phrasings[:PHRASINGS_SHOWN],
            "answer": "\n".join(map(words_of, entry.bubbles))[:ANSWER_CHARS_SHOWN],
            "replied_by": "bot" if entry.action == "answer" else "staff",
        }
        for entry in candidates
    ]


def _schema(shown: frozenset[str]) -> dict[str, object]:
    """Sorted, because servers prepare a schema once and keep it. No counts: not every server takes `maxItems`."""
    return {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["pick", "none", "unclear"]},
            "entries": {"type": "array", "items": {"type": "string", "enum": sorted(shown)}},
        },
        "required": ["verdict", "entries"],
        "additionalProperties": False,
    }


def _read_verdict(content: str, shown: frozenset[str]) -> Verdict:
    fenced = _FENCE.fullmatch(content)
    try:
        reply = msgspec.json.decode(fenced[1] if fenced else content, type=_Reply)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _NotAVerdict("not_a_verdict", f"{error}.") from error
    if not shown.issuperset(reply.entries):
        raise _NotAVerdict("unknown_entry", f"the ids are {', '.join(sorted(shown))} and no others.")
    match reply.verdict, reply.entries:
        case "pick", (entry,):
            return Pick(entry=entry)
        case "none", ():
            return NoneFits()
        case "unclear", entries if 2 <= len(entries) <= 3 and len(set(entries)) == len(entries):
            return Unclear(entries=entries)
        case _:
            raise _NotAVerdict("wrong_count", "pick takes exactly 1 id, none takes 0, unclear takes 2 or 3 different.")
