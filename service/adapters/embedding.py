"""The embedding model: any server that speaks OpenAI's embeddings.

Texts go in, vectors come out; what a server answers is checked here (how many, of one length, finite), because a
vector in the wrong place would speak for another text. Everything goes through the gate
(service/adapters/modelgate.py), which masks what people said.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from service.adapters.modelgate import ModelGate
from service.core.vectors import Meanings, Vector, unit
from service.errors import ModelUnavailable

BATCH = 64
# A batch of phrasings may take a small machine long. Nobody waits for it.
BATCH_S = 60.0


class _Embedding(msgspec.Struct, frozen=True):
    index: int
    embedding: tuple[float, ...]


class _Embeddings(msgspec.Struct, frozen=True):
    """The part of an answer that matters here."""

    data: tuple[_Embedding, ...]


class OpenAIEmbedder:
    """Asks one embedding model, whose `name` it has. A batch may take `batch_s` seconds."""

    def __init__(self, gate: ModelGate, *, batch_s: float = BATCH_S) -> None:
        self.name = gate.name
        self._gate = gate
        self._batch_s = batch_s

    async def embed(self, text: str, names: Sequence[str | None], within_s: float) -> Vector:
        """Give the vector of what somebody called by these `names` said; see `service.ports.Embedder`.

        Raises ModelUnavailable whose text is a reason code alone, those of the gate and `not_embeddings`. Its cause may
        quote the server: do not log that one.
        """
        return _read(await self._gate.embed(said=[text], names=names, within_s=within_s), 1)[0]

    async def embed_all(
        self, texts: Sequence[str], done: Callable[[int], None] = lambda _: None, *, said: bool = False
    ) -> Meanings:
        """Give the vectors of any number of texts, batch after batch; `done` hears how many each one had.

        They are what the shop shows anybody, or what people `said`.

        Raises ModelUnavailable as `embed` does.
        """
        kind = "said" if said else "shown"
        known: dict[str, Vector] = {}
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            answer = await self._gate.embed(**{kind: batch}, within_s=self._batch_s)
            known.update(zip(batch, _read(answer, len(batch)), strict=True))
            done(len(batch))
        return Meanings(self.name, known)


def _read(body: bytes, count: int) -> list[Vector]:
    try:
        given = sorted(msgspec.json.decode(body, type=_Embeddings).data, key=lambda each: each.index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnavailable("not_embeddings") from error
    lengths = {len(each.embedding) for each in given}
    is_whole = [each.index for each in given] == list(range(count)) and len(lengths) == 1 and 0 not in lengths
    if not is_whole or not all(math.isfinite(math.fsum(each.embedding)) for each in given):
        raise ModelUnavailable("not_embeddings")
    return [unit(each.embedding) for each in given]
