"""The embedding model: any server that speaks OpenAI's embeddings.

Texts go in, vectors come out; what a server answers is checked here (how many, of one length, finite), because a
vector in the wrong place would speak for another text. Nothing is logged here. The import of openai takes a second:
import this module only when a model is configured.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
import openai
from openai import AsyncOpenAI

from service.adapters.modelgate import reason_of
from service.core.vectors import Meanings, Vector, pack_vector, unpack_vector
from service.errors import ModelUnavailable
from service.settings import OPENAI

BATCH = 64
# A batch of phrasings may take a small machine long. Nobody waits for it.
_BATCH_BUDGET_S = 60.0


class _Embedding(msgspec.Struct, frozen=True):
    index: int
    embedding: tuple[float, ...]


class _Embeddings(msgspec.Struct, frozen=True):
    """The part of an answer that matters here."""

    data: tuple[_Embedding, ...]


class OpenAIEmbedder:
    """Asks one embedding model, whose `name` it has."""

    def __init__(self, client: AsyncOpenAI, *, model: str) -> None:
        self.name = model
        self._client = client.with_options(max_retries=0)

    async def embed(self, texts: Sequence[str], budget_s: float) -> list[Vector]:
        """Give the vectors of at most `BATCH` texts, of length 1, in their order, within so many seconds.

        Raises ModelUnavailable whose text is a reason code alone, those of `service.adapters.model` and
        `not_embeddings`. Its cause may quote the server: do not log that one.
        """
        try:
            async with asyncio.timeout(budget_s):
                response = await self._client.embeddings.with_raw_response.create(
                    model=self.name, input=[_sendable(text) for text in texts], encoding_format="float"
                )
                return _read(response.content, len(texts))
        except ModelUnavailable:
            raise
        except Exception as error:  # whatever happens, the decision is made without the vector
            raise ModelUnavailable(reason_of(error)) from error

    async def embed_all(self, texts: Sequence[str], done: Callable[[int], None] = lambda _: None) -> Meanings:
        """Give the vectors of any number of texts, batch after batch; `done` hears how many each one had.

        Raises ModelUnavailable as `embed` does.
        """
        known: dict[str, Vector] = {}
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            known.update(zip(batch, await self.embed(batch, _BATCH_BUDGET_S), strict=True))
            done(len(batch))
        return Meanings(self.name, known)


@asynccontextmanager
async def open_embedder(*, api_key: str | None, base_url: str | None, model: str) -> AsyncGenerator[OpenAIEmbedder]:
    """An embedder with a client of its own, closed at the end.

    `api_key` may be None for servers that want none; without `base_url` it is OpenAI's own. Redirects are not followed:
    words go to the server that was consented to and to no other.
    """
    async with AsyncOpenAI(
        api_key=api_key or "not-needed",
        base_url=base_url or OPENAI,
        http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
    ) as client:
        yield OpenAIEmbedder(client, model=model)


def _sendable(text: str) -> str:
    """Half of a surrogate pair cannot be sent on: it becomes `?`. Servers refuse an empty text."""
    return text.encode(errors="replace").decode() or " "


def _read(body: bytes, count: int) -> list[Vector]:
    try:
        given = sorted(msgspec.json.decode(body, type=_Embeddings).data, key=lambda each: each.index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnavailable("not_embeddings") from error
    lengths = {len(each.embedding) for each in given}
    is_whole = [each.index for each in given] == list(range(count)) and len(lengths) == 1 and 0 not in lengths
    if not is_whole or not all(math.isfinite(math.fsum(each.embedding)) for each in given):
        raise ModelUnavailable("not_embeddings")
    return [unpack_vector(pack_vector(each.embedding)) for each in given]
