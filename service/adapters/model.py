"""The language model behind `service.ports.Adjudicator`: any server that speaks OpenAI's chat completions.

It is asked for a strict JSON schema, and its answer is checked here all the same: many servers accept the schema and do
not enforce it (reference/ecosystem.md section 6). What a customer writes goes in as JSON data and the only thing that
comes out is ids of entries that were shown, so the worst a message can talk the model into is a wrong existing answer.
Nothing is logged here. The import of openai takes a second: import this module only when a model is configured.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec
import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from service.adapters.prompts import Prompt, load_prompt
from service.core.decisions import NoneFits, Pick, Unclear, Verdict
from service.core.entries import Entry, words_of
from service.errors import ModelUnavailable

OPENAI_BASE_URL = "https://api.openai.com/v1"
PHRASINGS_SHOWN = 5
ANSWER_CHARS_SHOWN = 1500
REPAIR_BEFORE = 0.5  # a second, paid request only while less than this share of the budget is used up

_FENCE = re.compile(r"\s*```\w*\s*\n(.*?)\s*```\s*", re.DOTALL)


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct, frozen=True):
    """The part of a chat completion that matters here. openai's own classes do not check what they are built from."""

    choices: list[_Choice]


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
        client: AsyncOpenAI,
        *,
        model: str,
        prompt: Prompt,
        budget_s: float = 8.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = model
        self.prompt_id = prompt.label
        self._client = client.with_options(max_retries=0, timeout=budget_s)
        self._prompt = prompt
        self._options: dict[str, float] = {"temperature": prompt.temperature, "max_tokens": prompt.max_tokens}
        self._budget_s = budget_s
        self._clock = clock

    async def adjudicate(self, text: str, candidates: list[Entry]) -> Verdict:
        """Choose among `candidates` for the customer's `text`; see `service.ports.Adjudicator`.

        Raises ModelUnavailable whose text is a reason code alone: `timeout`, `unreachable`, `rate_limited`,
        `quota_used_up`, `http_<status>`, `not_a_completion`, `refused`, `truncated`, `empty`, `not_a_verdict`,
        `unknown_entry`, `wrong_count`, `internal_<exception>`. Its cause may quote the server: do not log that one.
        """
        try:
            async with asyncio.timeout(self._budget_s):
                return await self._choose(text, candidates)
        except ModelUnavailable:
            raise
        except Exception as error:  # the port promises that nothing else comes out
            raise ModelUnavailable(reason_of(error)) from error

    async def _choose(self, text: str, candidates: list[Entry]) -> Verdict:
        started = self._clock()
        system, user = self._prompt.render(_variables(text, candidates))
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": system},
            {"role": "user", "content": user},
        ]
        shown = frozenset(entry.id for entry in candidates)
        content = await self._ask(messages, shown)
        try:
            return _read_verdict(content, shown)
        except _NotAVerdict as error:
            if self._clock() - started >= REPAIR_BEFORE * self._budget_s:
                raise
            fault = f"This is not a valid verdict: {error.sentence} Reply with only the JSON."
            messages.append({"role": "assistant", "content": content})
            messages.append({"role": "user", "content": fault})
        return _read_verdict(await self._ask(messages, shown), shown)

    async def _ask(self, messages: list[ChatCompletionMessageParam], shown: frozenset[str]) -> str:
        """One completion. An option that this model refuses (reasoning models: both) is not sent to it again."""
        while True:
            options = dict(self._options)
            try:
                response = await self._client.chat.completions.with_raw_response.create(
                    model=self.name,
                    messages=messages,
                    response_format={
                        "type": "json_schema",
                        "json_schema": {"name": "verdict", "strict": True, "schema": _schema(shown)},
                    },
                    extra_body=options,
                )
            except openai.BadRequestError as error:
                if error.param not in options:
                    raise
                self._options.pop(error.param, None)
            else:
                return _content(response.content)


@asynccontextmanager
async def open_adjudicator(
    *, api_key: str | None, base_url: str | None, model: str, prompt: Prompt, budget_s: float = 8.0
) -> AsyncGenerator[OpenAIAdjudicator]:
    """An adjudicator with a client of its own, closed at the end.

    `api_key` may be None for servers that want none; without `base_url` it is OpenAI's own. Redirects are not followed:
    customers' words go to the server that was consented to and to no other.
    """
    async with AsyncOpenAI(
        api_key=api_key or "not-needed",
        base_url=base_url or OPENAI_BASE_URL,
        http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
    ) as client:
        yield OpenAIAdjudicator(client, model=model, prompt=prompt, budget_s=budget_s)


def load_adjudication_prompt(folder: Path) -> Prompt:
    """The checked prompt `adjudicate.md` of `folder`. Raises SettingsError when it is missing or broken."""
    entries = [
        Entry(id="hours", question="営業時間", phrasings=("何時まで",), bubbles=("19時まで",), file="faq.md", line=1),
        Entry(id="lost", question="忘れ物", phrasings=(), bubbles=(), action="handoff", file="faq.md", line=9),
    ]
    return load_prompt(folder / "adjudicate.md", _variables("何時まで?", entries))


def _variables(text: str, candidates: list[Entry]) -> dict[str, object]:
    shown = [
        {
            "id": entry.id,
            "question": entry.question,
            "phrasings": entry.phrasings[:PHRASINGS_SHOWN],
            "answer": "\n".join(map(words_of, entry.bubbles))[:ANSWER_CHARS_SHOWN],
            "replied_by": "bot" if entry.action == "answer" else "staff",
        }
        for entry in candidates
    ]
    # Half of a surrogate pair can arrive from a phone and cannot be sent on: it becomes `?`.
    return {"text": text.encode(errors="replace").decode(), "candidates": shown}


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


def _content(body: bytes) -> str:
    """What the model wrote, out of the server's answer."""
    try:
        completion = msgspec.json.decode(body, type=_Completion)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnavailable("not_a_completion") from error
    if not completion.choices:
        raise ModelUnavailable("empty")
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise ModelUnavailable("refused")
    if choice.finish_reason == "length":
        raise ModelUnavailable("truncated")
    if not choice.message.content or not choice.message.content.strip():
        raise ModelUnavailable("empty")
    return choice.message.content


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


def reason_of(error: Exception) -> str:
    match error:
        case TimeoutError() | openai.APITimeoutError():
            return "timeout"
        case openai.RateLimitError(code="insufficient_quota"):
            return "quota_used_up"
        case openai.RateLimitError():
            return "rate_limited"
        case openai.APIStatusError(status_code=status):
            return f"http_{status}"
        case openai.APIConnectionError():
            return "unreachable"
        case _:
            return f"internal_{type(error).__name__}"
