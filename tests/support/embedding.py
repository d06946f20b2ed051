"""The real embedding adapter, opened for a toy model's server."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from service.adapters.embedding import BATCH_S, OpenAIEmbedder
from service.adapters.ledger import OpenLedger
from service.adapters.modelgate import open_gate
from service.ports import Ledger
from tests.support.toy_embeddings import ToyEmbeddings


@asynccontextmanager
async def embedder(
    server: ToyEmbeddings, batch_s: float = BATCH_S, *, model: str = "toy", ledger: Ledger | None = None
) -> AsyncGenerator[OpenAIEmbedder]:
    """An embedder that is closed at the end; without a ledger nothing is counted."""
    async with open_gate(api_key=None, base_url=server.base_url, model=model, ledger=ledger or OpenLedger()) as gate:
        yield OpenAIEmbedder(gate, batch_s=batch_s)
