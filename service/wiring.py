"""Builds the real parts from the settings and closes them again: the only place that chooses.

Heavy imports stand inside the functions on purpose: the web process never needs scikit-learn or the LINE SDK, and a
short command needs neither.
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from service.errors import StartError
from service.settings import Settings

if TYPE_CHECKING:
    from litestar import Litestar

    from service.adapters.archive import Archive
    from service.adapters.faqfolder import FaqFolder
    from service.ports import Adjudicator

_T = TypeVar("_T")
WEB_REDIS_TIMEOUT_S = 1.0
WORKER_REDIS_TIMEOUT_S = 10.0


@contextmanager
def open_store(settings: Settings, *, short: bool = False) -> Iterator[str]:
    """Give the URL of Redis: the configured one, else a Valkey of our own that lives as long as the context.

    `short` is for commands that end soon: they leave a server that somebody else began to use meanwhile.
    """
    if settings.redis_url:
        yield settings.redis_url.get_secret_value()
        return
    from service.adapters.embedded import EmbeddedValkey

    server = EmbeddedValkey.start(settings.data_dir, keep_if_used=short)
    try:
        yield server.url
    finally:
        server.stop()


@asynccontextmanager
async def open_archive(redis_url: str) -> AsyncIterator["Archive"]:
    """Open the reading side of the store."""
    from service.adapters.archive import Archive
    from service.adapters.mailbox import connect

    async with connect(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S) as redis:
        yield Archive(redis)


def make_web(settings: Settings, redis_url: str) -> "Litestar":
    """Build the web application. Its connection to Redis opens with the first call and closes with the application."""
    from service.adapters.archive import Archive
    from service.adapters.mailbox import Mailbox, connect
    from service.web.app import make_app
    from service.web.webhook import ChannelSecrets

    redis = connect(redis_url, timeout_s=WEB_REDIS_TIMEOUT_S)

    @asynccontextmanager
    async def close_redis(_: "Litestar") -> AsyncIterator[None]:
        async with redis:
            yield

    return make_app(
        mailbox=Mailbox(redis, keep_days=settings.retention_days),
        archive=Archive(redis),
        channel_secrets=ChannelSecrets(secret.get_secret_value().encode() for secret in settings.line_channel_secret),
        lifespan=close_redis,
    )


async def run_web(settings: Settings, redis_url: str, stop: asyncio.Event) -> None:
    """Serve the web application until `stop` is set. Raises StartError when the address cannot be used."""
    import uvicorn

    app = make_web(settings, redis_url)
    listener = listen(settings.host, settings.port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        loop="none",
    )

    class Server(uvicorn.Server):
        """Leaves signals alone: ours set `stop`, uvicorn's would be raised a second time after a clean end."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving


def listen(host: str, port: int) -> socket.socket:
    """Bind the address now, so that one in use is a clear error. Raises StartError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartError(f"cannot listen on {host}:{port} ({error.strerror}); set HENJI_HOST or HENJI_PORT") from error
    listener.set_inheritable(True)
    return listener


async def run_worker(settings: Settings, redis_url: str, stop: asyncio.Event) -> None:
    """Take and answer messages until `stop` is set, reloading the FAQ folder when it changes.

    Raises KnowledgeError when there is nothing to answer from.
    """
    from service.adapters.archive import Archive
    from service.adapters.faqfolder import FaqFolder, report
    from service.adapters.line import open_line
    from service.adapters.mailbox import Mailbox, connect
    from service.replying import Parts, handle
    from service.worker import Worker

    folder = FaqFolder(settings.faq_dir)
    report(await asyncio.to_thread(folder.load))
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S))
        bell = await stack.enter_async_context(connect(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S))
        token = settings.line_channel_access_token.get_secret_value()
        mailbox = Mailbox(redis, keep_days=settings.retention_days)
        parts = Parts(
            mailbox=mailbox,
            line=await stack.enter_async_context(open_line(token, settings.line_api_base)),
            knowledge=lambda: folder.current,
            model=await stack.enter_async_context(open_model(settings)),
            signing_key=await Archive(redis).signing_key(),
        )
        reloading = asyncio.create_task(_reload(folder))
        worker = Worker(mailbox, Mailbox(bell, keep_days=settings.retention_days), lambda lease: handle(lease, parts))
        await worker.run(stop)
        reloading.cancel()


@asynccontextmanager
async def open_model(settings: Settings) -> AsyncIterator["Adjudicator | None"]:
    """Open the language model, or give None where none is configured. Raises SettingsError for a broken prompt."""
    if not settings.model_is_on:
        yield None
        return
    from service.adapters.model import load_adjudication_prompt, open_adjudicator

    async with open_adjudicator(
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.openai_base_url,
        model=settings.openai_model or "",
        prompt=load_adjudication_prompt(settings.prompts_dir),
    ) as model:
        yield model


async def _reload(folder: "FaqFolder") -> None:
    async for _ in folder.watch():
        pass


def run(main: Callable[[asyncio.Event], Coroutine[Any, Any, _T]]) -> _T:
    """Run a program's main coroutine on uvloop. The event it gets is set by SIGTERM or Ctrl-C."""
    import uvloop

    async def with_signals() -> _T:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await main(stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(with_signals())
