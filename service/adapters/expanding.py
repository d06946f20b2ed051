"""Has the language model propose phrasings of an entry. What it may be shown is decided by whoever asks.

Its answer is a list of texts and nothing else; whether they are any good is judged by service/core/proposing.py, and in
the end by a person.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from service.adapters.modelgate import ModelGate, Question
from service.adapters.prompts import Prompt, load_prompt
from service.core.entries import Entry, words_of
from service.core.texts import language_of
from service.errors import ModelUnavailable

WANTED = 10
# Ten phrases take a small machine a while, and nobody waits but the one who gave the command.
_BUDGET_S = 60.0
_PHRASINGS_SHOWN = 20
_ANSWER_CHARS_SHOWN = 1500
_SCHEMA = {
    "type": "object",
    "properties": {"phrasings": {"type": "array", "items": {"type": "string"}}},
    "required": ["phrasings"],
    "additionalProperties": False,
}
_FENCE = re.compile(r"\s*```\w*\s*\n(.*?)\s*```\s*", re.DOTALL)
_LANGUAGES = {
    "ja": "Japanese",
    "en": "English",
    "zh": "Chinese",
    "ko": "Korean",
    "th": "Thai",
    "vi": "Vietnamese",
    "id": "Indonesian",
    "ne": "Nepali",
    "pt": "Portuguese",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "it": "Italian",
    "ru": "Russian",
    "tl": "Tagalog",
    "my": "Burmese",
}


class _Reply(msgspec.Struct, frozen=True):
    phrasings: tuple[str, ...]


async def propose(entry: Entry, others: Sequence[str], prompt: Prompt, gate: ModelGate) -> tuple[str, ...]:
    """Give phrasings of an entry, as the model wrote them. `others` are questions that they must not be mistaken for.

    Raises ModelUnavailable whose text is a reason code alone: those of the gate and `not_phrasings`.
    """
    question = Question(
        prompt=prompt,
        shown=_variables(entry, others),
        said={},
        form="phrasings",
        schema=_SCHEMA,
        background=True,
    )
    content = await gate.ask(question, _BUDGET_S)
    fenced = _FENCE.fullmatch(content)
    try:
        return msgspec.json.decode(fenced[1] if fenced else content, type=_Reply).phrasings
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ModelUnavailable("not_phrasings") from error


def load_expansion_prompt(folder: Path) -> Prompt:
    """The checked prompt `expand.md` of `folder`. Raises SettingsError when it is missing or broken."""
    entry = Entry(
        id="hours", question="営業時間", phrasings=("何時まで",), bubbles=("19時まで",), file="faq.md", line=1
    )
    return load_prompt(folder / "expand.md", _variables(entry, ["定休日"]))


def _variables(entry: Entry, others: Sequence[str]) -> dict[str, object]:
    shown = {
        "question": entry.question,
        "phrasings": entry.phrasings[:_PHRASINGS_SHOWN],
        "answer": "\n".join(map(words_of, entry.bubbles))[:_ANSWER_CHARS_SHOWN],
        "language": _LANGUAGES[entry.lang or language_of(entry.question)],
    }
    return {"entry": shown, "others": list(others), "count": WANTED}
