"""The one gate to the language model's server: whatever goes there is masked, paid for and limited in time here.

Two kinds of words go into a prompt and are handed over apart: what the shop shows anybody (`shown`), and what people
said (`said`), which is masked (service/core/masking.py). Nothing else has the client, so nothing else can send.
Nothing is logged here. The import of openai takes a second: import this module only when a model is configured.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from service.adapters.prompts import Prompt
from service.core.masking import Words, mask, mask_all
from service.core.spending import Usage, estimate
from service.errors import ModelUnavailable
from service.ports import Ledger, Settlement
from service.settings import OPENAI

_T = TypeVar("_T")
BUDGET_S = 8.0

# What says that the server is there, though this answer is of no use.
_ANSWERED = {"refused", "truncated", "empty"}
# What a server does not ask money for.
_FREE = {"unreachable", "rate_limited", "quota_used_up"}


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct, frozen=True):
    """The part of a chat completion that matters here. openai's own classes do not check what they are built from."""

    choices: list[_Choice]
    usage: object = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question. `shown` and `said` together are the prompt's variables; texts in `said` are masked.

    `names` are what the customer is called, masked wherever they stand. `form` and `schema` describe the answer, a JSON
    object. `after` is what follows the prompt: an answer of the model's and what is wrong with it.
    `background`: nobody waits for it.
    """

    prompt: Prompt
    shown: Mapping[str, object]
    said: Mapping[str, Words]
    names: tuple[str | None, ...] = ()
    form: str
    schema: Mapping[str, object]
    after: tuple[tuple[str, str], ...] = ()
    background: bool = False


class Task(msgspec.Struct, frozen=True):
    """A request as the ledger sees it: what for, what it may cost, within how many seconds, and does nobody wait?

    `tells`: how it ends says whether the language model works.
    """

    name: str
    expected: Usage
    within_s: float
    background: bool
    tells: bool


class ModelGate:
    """One model on one server. `name` is the model's."""

    def __init__(self, client: AsyncOpenAI, *, model: str, ledger: Ledger) -> None:
        self.name = model
        self._client = client.with_options(max_retries=0)
        self._ledger = ledger
        self._refused: set[str] = set()

    async def ask(self, question: Question, within_s: float = BUDGET_S) -> str:
        """Give what the model wrote.

        Raises ModelUnavailable whose text is a reason code alone: `timeout`, `unreachable`, `rate_limited`,
        `quota_used_up`, `http_<status>`, `not_a_completion`, `refused`, `truncated`, `empty`, `internal_<exception>`,
        and those of `service.ports.Ledger`. Its cause may quote the server: do not log that one.
        """
        try:
            messages = _messages(question)
        except Exception as error:
            raise ModelUnavailable(reason_of(error)) from error
        expected = estimate([str(message.get("content")) for message in messages], question.prompt.max_tokens)
        task = Task(question.prompt.id, expected, within_s, background=question.background, tells=True)

        async def send() -> tuple[str, Usage | None]:
            completion = _read(await self._send(question, messages, within_s))
            return _content(completion), _usage(completion)

        return await self._pay(task, send)

    async def embed(
        self,
        shown: Sequence[str] = (),
        said: Sequence[str] = (),
        names: Sequence[str | None] = (),
        within_s: float = BUDGET_S,
    ) -> bytes:
        """Give the server's answer to a request for the vectors of texts, as it came: first those of what the shop
        shows anybody, then those of what people of these `names` said. Where only the shop's are asked for nobody
        waits. How it ends says nothing about the language model: that is another one behind the same address.

        Raises ModelUnavailable as `ask` does.
        """
        texts = [_sendable(text) for text in (*shown, *(mask(text, names) for text in said))]
        task = Task("embed", estimate(texts, 0), within_s, background=not said, tells=False)

        async def send() -> tuple[bytes, Usage | None]:
            response = await self._client.embeddings.with_raw_response.create(
                model=self.name, input=texts, encoding_format="float", timeout=within_s
            )
            return response.content, None

        return await self._pay(task, send)

    async def _pay(self, task: Task, send: Callable[[], Awaitable[tuple[_T, Usage | None]]]) -> _T:
        """Send a request if it may be sent, and settle what it cost: what the server says, else the estimate."""
        admission = await self._ledger.admit(task.name, task.expected, background=task.background)
        usage, result = task.expected, "cancelled"
        try:
            async with asyncio.timeout(task.within_s):
                content, counted = await send()
            usage, result = counted or usage, "ok"
        except Exception as error:
            result = reason_of(error)
            if result in _FREE or result.startswith(("http_", "internal_")):
                usage = Usage()
            raise ModelUnavailable(result) from error
        finally:
            await self._ledger.settle(admission, Settlement(result, usage, _works(result) if task.tells else None))
        return content

    async def _send(self, question: Question, messages: list[ChatCompletionMessageParam], within_s: float) -> bytes:
        """One completion. An option that this model refuses (reasoning models: both) is not sent to it again."""
        prompt = question.prompt
        wanted: dict[str, float] = {"temperature": prompt.temperature, "max_tokens": prompt.max_tokens}
        while True:
            options = {name: value for name, value in wanted.items() if name not in self._refused}
            try:
                response = await self._client.chat.completions.with_raw_response.create(
                    model=self.name,
                    messages=messages,
                    response_format={
                        "type": "json_schema",
                        "json_schema": {"name": question.form, "strict": True, "schema": dict(question.schema)},
                    },
                    extra_body=options,
                    timeout=within_s,
                )
            except openai.BadRequestError as error:
                if error.param not in options:
                    raise
                self._refused.add(error.param)
            else:
                return response.content


@asynccontextmanager
async def open_gate(
    *, api_key: str | None, base_url: str | None, model: str, ledger: Ledger
) -> AsyncGenerator[ModelGate]:
    """A gate with a client of its own, closed at the end.

    `api_key` may be None for servers that want none; without `base_url` it is OpenAI's own. Redirects are not followed:
    customers' words go to the server that was consented to and to no other.
    """
    async with AsyncOpenAI(
        api_key=api_key or "not-needed",
        base_url=base_url or OPENAI,
        http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
    ) as client:
        yield ModelGate(client, model=model, ledger=ledger)


def _messages(question: Question) -> list[ChatCompletionMessageParam]:
    said = {name: mask_all(words, question.names) for name, words in question.said.items()}
    system, user = question.prompt.render({**question.shown, **said})
    messages: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return messages + [{"role": role, "content": content} for role, content in question.after]


def _sendable(text: str) -> str:
    """Half of a surrogate pair cannot be sent on: it becomes `?`. Servers refuse an empty text."""
    return text.encode(errors="replace").decode() or " "


def _read(body: bytes) -> _Completion:
    try:
        return msgspec.json.decode(body, type=_Completion)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnavailable("not_a_completion") from error


def _usage(completion: _Completion) -> Usage | None:
    """What the server counted; None where it does not say, or says nonsense."""
    try:
        return msgspec.convert(completion.usage, Usage | None)
    except msgspec.ValidationError:
        return None


def _content(completion: _Completion) -> str:
    """What the model wrote, out of the server's answer."""
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


def _works(result: str) -> bool | None:
    """What a result says about the server. A question that it finds wrong (400) or a fault of ours says nothing."""
    if result == "ok" or result in _ANSWERED:
        return True
    return None if result in {"http_400", "cancelled"} or result.startswith("internal_") else False


def reason_of(error: Exception) -> str:
    match error:
        case ModelUnavailable():
            return str(error)
        case TimeoutError() | openai.APITimeoutError():
            return "timeout"
        case openai.RateLimitError(code=code):
            return "quota_used_up" if code == "insufficient_quota" else "rate_limited"
        case openai.APIStatusError(status_code=status):
            return f"http_{status}"
        case openai.APIConnectionError():
            return "unreachable"
        case _:
            return f"internal_{type(error).__name__}"
