"""`./henji serve`: the web process and the worker process, and the Valkey of our own where no other Redis is set."""

import asyncio

from service import wiring
from service.settings import Settings
from service.tools.processes import run_together, service_process


async def serve(settings: Settings, stop: asyncio.Event) -> int:
    """Run web and worker until `stop` is set. Returns the exit code."""
    async with wiring.keep_store(settings) as redis_url:
        environ = {"REDIS_URL": redis_url}
        return await run_together(
            [service_process(["serve", "--no-worker"], environ), service_process(["work"], environ)], stop
        )
