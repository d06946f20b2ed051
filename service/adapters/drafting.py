"""The language model as a writer for staff: a summary of what a customer wants, and the draft of a reply.

It goes through the gate (service/adapters/modelgate.py), which masks the customer's words, and as work that nobody
waits for. What it writes is checked in service/core/drafts.py before anybody sees it.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from service.adapters.modelgate import ModelGate, Question
from service.adapters.prompts import Prompt, load_prompt
from service.core.drafts import Shown, Sketch
from service.core.texts import Lang
from service.errors import ModelUnavailable

BUDGET_S = 30.0
ANSWER_CHARS_SHOWN = 1500
_SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "draft": {"type": "string"}},
    "required": ["summary", "draft"],
    "additionalProperties": False,
}


class OpenAIDrafter:
    """Asks one model with one prompt. `name` says which, as it stands in records."""

    def __init__(self, gate: ModelGate, prompt: Prompt, *, budget_s: float = BUDGET_S) -> None:
        self.name = f"{gate.name} {prompt.label}"
        self._gate = gate
        self._prompt = prompt
        self._budget_s = budget_s

    async def draft(
        self, texts: Sequence[str], shown: Sequence[Shown], lang: Lang, names: tuple[str | None, ...]
    ) -> Sketch:
        """Draft a reply to what a customer wrote; `names` are what the customer is called.

        Raises ModelUnavailable with a reason code of the gate's, or `not_a_draft`.
        """
        question = Question(
            prompt=self._prompt,
            shown=_entries(shown) | {"language": lang},
            said={"texts": list(texts)},
            names=names,
            form="draft",
            schema=_SCHEMA,
            background=True,
        )
        content = await self._gate.ask(question, self._budget_s)
        try:
            return msgspec.json.decode(content, type=Sketch)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ModelUnavailable("not_a_draft") from error


def load_draft_prompt(folder: Path) -> Prompt:
    """The checked prompt `draft.md` of `folder`. Raises SettingsError when it is missing or broken."""
    sample = _entries([Shown("営業時間", "10時から19時です。")]) | {"language": "ja", "texts": ["何時まで?"]}
    return load_prompt(folder / "draft.md", sample)


def _entries(shown: Sequence[Shown]) -> dict[str, object]:
    return {"entries": [{"question": each.question, "answer": each.answer[:ANSWER_CHARS_SHOWN]} for each in shown]}
