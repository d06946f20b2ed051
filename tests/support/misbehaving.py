"""A LINE that misbehaves in ways the fake LINE cannot: every answer is the test's own."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from service.adapters.line_account import Account, open_account


@asynccontextmanager
async def served(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncGenerator[Account]:
    """An account at a LINE that answers everything with `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with open_account("token", f"http://127.0.0.1:{runner.addresses[0][1]}", patience_s=1) as account:
            yield account
    finally:
        await runner.cleanup()
