"""The scripted model of bench/ over HTTP, for a shop whose labels are its phrasings."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from bench.scripted_model import ScriptedModel, as_heard
from service.core.entries import Entry


def labels_of(entries: Sequence[Entry], more: Mapping[str, Sequence[str]] | None = None) -> dict[str, Sequence[str]]:
    """The entry of each phrasing, and what `more` says."""
    own = {as_heard(text): (entry.id,) for entry in entries for text in entry.phrasings}
    return own | {as_heard(text): known for text, known in (more or {}).items()}


@asynccontextmanager
async def serve_model(model: ScriptedModel) -> AsyncGenerator[str]:
    """Serve it on a free port; gives the base URL."""
    runner = web.AppRunner(model.application(), shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()
