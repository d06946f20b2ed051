"""Builds the real parts from the settings and closes them again: the only place that chooses.

Heavy imports stand inside the functions on purpose: the web process never needs scikit-learn or the LINE SDK, and a
short command needs neither.
"""

import asyncio
import errno
import secrets
import signal
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import structlog

from service.errors import StartError, StoreUnavailable
from service.modelwiring import make_advisor, make_drafting, open_gate, open_sense
from service.settings import Settings

if TYPE_CHECKING:
    from litestar import Litestar

    from service.adapters.archive import Archive
    from service.adapters.embedded import EmbeddedValkey
    from service.adapters.faqfolder import FaqFolder
    from service.adapters.lastgood import LastGood
    from service.adapters.notify import Notifier
    from service.adapters.people import People
    from service.adapters.shopclock import MovableClock
    from service.adapters.store import Store
    from service.replying import Parts

log = structlog.get_logger()

_T = TypeVar("_T")
WEB_REDIS_TIMEOUT_S = 1.0
WORKER_REDIS_TIMEOUT_S = 10.0
# The rest of what a customer has to say comes into one draft.
DRAFT_AFTER_MS = 3000
_LOOK_EVERY_S = 1.0
_BACKLOG = 2048
_PORT_IS_FREE_WITHIN_S = 3.0


@contextmanager
def open_store(settings: Settings) -> Generator[str]:
    """Give the URL of Redis to a command that ends soon: the configured one, else that of a Valkey of our own.

    It leaves a server that somebody else began to use meanwhile.
    """
    if settings.redis_url:
        yield settings.redis_url.get_secret_value()
        return
    from service.adapters.embedded import EmbeddedValkey

    server = EmbeddedValkey.start(settings.data_dir, keep_if_used=True)
    try:
        yield server.url
    finally:
        server.stop()


@asynccontextmanager
async def keep_store(settings: Settings) -> AsyncGenerator[str]:
    """As `open_store`, for whoever runs for long: a Valkey of our own that dies is started again.

    Use it in the main thread: the kernel ends the server with the thread that started it.
    """
    if settings.redis_url:
        yield settings.redis_url.get_secret_value()
        return
    from service.adapters.embedded import EmbeddedValkey

    server = EmbeddedValkey.start(settings.data_dir)
    keeping = asyncio.create_task(_keep_alive(server))
    try:
        yield server.url
    finally:
        keeping.cancel()
        server.stop()


async def _keep_alive(server: "EmbeddedValkey") -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        try:
            if server.has_died():
                log.error("valkey_died")
                server.start_again()
                log.info("valkey_started_again")
        except StartError as error:
            log.warning("valkey_not_started", error=str(error))


@asynccontextmanager
async def open_archive(redis_url: str) -> AsyncGenerator["Archive"]:
    """Open the reading side of the store."""
    from service.adapters.archive import Archive
    from service.adapters.store import Store

    async with Store(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S) as store:
        yield Archive(store)


@asynccontextmanager
async def open_clock(redis_url: str) -> AsyncGenerator["MovableClock"]:
    """Open the clock of the demo's shop."""
    from service.adapters.shopclock import MovableClock
    from service.adapters.store import Store

    async with Store(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S) as store:
        yield MovableClock(store)


@asynccontextmanager
async def open_people(redis_url: str) -> AsyncGenerator["People"]:
    """Open the accounts of the staff."""
    from service.adapters.people import People
    from service.adapters.store import Store

    async with Store(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S) as store:
        yield People(store)


def make_web(settings: Settings, redis_url: str, stop: asyncio.Event, *, in_demo: bool = False) -> "Litestar":
    """Build the web application. Its connection to Redis opens with the first call and closes with the application.

    `stop` ends what would go on for ever, the pages' live updates. In the demo, and nowhere else, the shop's time is
    one that can be moved.
    """
    from service.adapters.archive import Archive
    from service.adapters.faqfiles import named_images
    from service.adapters.images import ImageServer
    from service.adapters.inquiries import Inquiries
    from service.adapters.livefeed import LiveFeed
    from service.adapters.mailbox import Mailbox
    from service.adapters.shopclock import MovableClock, not_ahead
    from service.adapters.store import Store
    from service.adapters.vitals import Vitals
    from service.web.app import make_app
    from service.web.pages.inbox_contexts import make_parts
    from service.web.pages.router import make_pages
    from service.web.webhook import ChannelSecrets

    store = Store(redis_url, timeout_s=WEB_REDIS_TIMEOUT_S)

    @asynccontextmanager
    async def close_store(_: "Litestar") -> AsyncGenerator[None]:
        async with store:
            yield

    archive, inquiries = Archive(store), Inquiries(store)
    parts = make_parts(store, LiveFeed(store, stop), settings.public_url)
    return make_app(
        mailbox=Mailbox(store, keep_days=settings.retention_days),
        archive=archive,
        inquiries=inquiries,
        vitals=Vitals(store),
        pages=make_pages(store, parts, keep_days=settings.retention_days, public_url=settings.public_url),
        channel_secrets=ChannelSecrets(secret.get_secret_value().encode() for secret in settings.line_channel_secret),
        images=ImageServer(settings.faq_dir, lambda: named_images(settings.faq_dir)),
        ahead_ms=MovableClock(store).ahead_ms if in_demo else not_ahead,
        lifespan=close_store,
    )


async def run_web(settings: Settings, redis_url: str, stop: asyncio.Event, *, in_demo: bool = False) -> None:
    """Serve the web application until `stop` is set. Raises StartError when the address cannot be used."""
    import uvicorn

    app = make_web(settings, redis_url, stop, in_demo=in_demo)
    listener = await _listen_soon(settings.host, settings.port)
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
        def capture_signals(self) -> Generator[None]:
            yield

    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving


def listen(host: str, port: int) -> socket.socket:
    """Take the address now, so that one in use is a clear error. Raises StartError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio switches off the delay of small packets only where it sees TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(f"cannot listen on {host}:{port} ({error.strerror}); set HENJI_HOST or HENJI_PORT") from error
    return listener


async def _listen_soon(host: str, port: int) -> socket.socket:
    """As `listen`, but wait a moment for an address in use: one who was killed just now may still hold it."""
    deadline = time.monotonic() + _PORT_IS_FREE_WITHIN_S
    while True:
        try:
            return listen(host, port)
        except StartError as error:
            in_use = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
            if not in_use or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)


async def run_worker(settings: Settings, redis_url: str, stop: asyncio.Event, *, in_demo: bool = False) -> None:
    """Take and answer messages until `stop` is set, reloading the FAQ folder when it changes.

    In the demo, and nowhere else, the shop's time is one that can be moved. Redis may come later than the worker.
    Raises KnowledgeError when there is nothing to answer from, SettingsError for addresses of alerts or a prompt that
    nobody understands.
    """
    from service.adapters.archive import Archive
    from service.adapters.browsers import Browsers
    from service.adapters.calibrations import Calibrations
    from service.adapters.faqfolder import FaqFolder, report
    from service.adapters.lastgood import LastGood
    from service.adapters.ledger import RedisLedger
    from service.adapters.line import open_line
    from service.adapters.mailbox import Mailbox
    from service.adapters.people import People
    from service.adapters.pushing import open_pusher
    from service.adapters.shopclock import MovableClock, not_ahead
    from service.adapters.store import Store
    from service.adapters.tokenizing import open_tokenizer
    from service.core.alerting import Alerting
    from service.replying import Parts, handle
    from service.worker import Worker, cancel

    async with AsyncExitStack() as stack:
        notifier = await stack.enter_async_context(open_notifier(settings))
        store = await stack.enter_async_context(Store(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S))
        bell = await stack.enter_async_context(Store(redis_url, timeout_s=WORKER_REDIS_TIMEOUT_S))
        last_good = LastGood(store)
        kept = await _when_redis_is_there(last_good.read, stop)
        if kept is None:
            return
        folder = FaqFolder(settings.faq_dir, kept, open_tokenizer(settings.tokenizer), Calibrations(store))
        report(await asyncio.to_thread(folder.load))
        await folder.recall()
        token = settings.line_channel_access_token.get_secret_value()
        ahead_ms = MovableClock(store).ahead_ms if in_demo else not_ahead
        mailbox = Mailbox(
            store,
            keep_days=settings.retention_days,
            ahead_ms=ahead_ms,
            draft_after_ms=DRAFT_AFTER_MS if settings.model_is_on else None,
        )
        archive = Archive(store)
        signing_key = await _when_redis_is_there(archive.signing_key, stop)
        if signing_key is None:
            return
        await _when_redis_is_there(mailbox.restore, stop)
        ledger = RedisLedger(store, settings.tariff, lambda: ZoneInfo(folder.current.shop.timezone))
        gate = await stack.enter_async_context(open_gate(settings, ledger))
        parts = Parts(
            mailbox=mailbox,
            archive=archive,
            line=await stack.enter_async_context(open_line(token, settings.line_api_base)),
            knowledge=lambda: folder.current,
            advisor=make_advisor(settings, gate, store),
            sense=await stack.enter_async_context(open_sense(settings, ledger, folder, store)),
            signing_key=signing_key,
            notifier=notifier,
            pusher=await stack.enter_async_context(
                open_pusher(Browsers(store), People(store), archive, settings.public_url)
            ),
            alerting=Alerting(targets=len(settings.notify), public_url=settings.public_url),
            public_url=settings.public_url,
        )
        works = [
            *make_drafting(settings, gate, store, parts.knowledge),
            *_beside(settings, (store, bell), (folder, last_good), parts),
        ]
        beside = [asyncio.create_task(work) for work in works]
        worker = Worker(mailbox, Mailbox(bell, keep_days=settings.retention_days), lambda lease: handle(lease, parts))
        try:
            await worker.run(stop)
        finally:
            await cancel(*beside)


def _beside(
    settings: Settings, stores: tuple["Store", "Store"], faq: tuple["FaqFolder", "LastGood"], parts: "Parts"
) -> list[Coroutine[Any, Any, None]]:
    """What a worker does beside its messages, for ever."""
    from service.adapters.faqadding import FaqAdder
    from service.adapters.inquiries import Inquiries
    from service.adapters.photos import Photos
    from service.adapters.traffic import Traffic
    from service.adapters.verdicts import Verdicts
    from service.adapters.vitals import Vitals
    from service.fetching import fetch_photos
    from service.informing import Source, inform
    from service.noting import keep_quota_noted
    from service.probing import Prober, keep_probed
    from service.studying import keep_learning

    store, bell = stores
    folder, last_good = faq
    adder = FaqAdder(settings.faq_dir)
    source = Source(parts.knowledge, lambda: folder.problems, parts.advisor, parts.sense, adder.add)
    probing: list[Coroutine[Any, Any, None]] = []
    if parts.advisor:
        prober = Prober(parts.advisor, Verdicts(store), parts.knowledge, name=secrets.token_hex(8))
        probing.append(keep_probed(prober))
    return [
        *probing,
        _reload(folder, last_good),
        inform(Inquiries(bell), source),
        fetch_photos(Photos(store), parts.line.account),
        keep_quota_noted(Vitals(store), parts.line.account),
        keep_learning(Traffic(store, keep_days=settings.retention_days), parts.knowledge, folder.teach),
    ]


async def _when_redis_is_there(call: Callable[[], Awaitable[_T]], stop: asyncio.Event) -> _T | None:
    """Repeat the call until Redis answers; None when it is time to stop before that."""
    while not stop.is_set():
        try:
            return await call()
        except StoreUnavailable as error:
            log.warning("redis_away", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)
    return None


@asynccontextmanager
async def open_notifier(settings: Settings) -> AsyncGenerator["Notifier | None"]:
    """Open what tells the staff, or give None where no address is set. Raises SettingsError for one that is none."""
    if not settings.notify:
        yield None
        return
    from service.adapters import notify

    async with notify.open_notifier([url.get_secret_value() for url in settings.notify]) as notifier:
        yield notifier


async def _reload(folder: "FaqFolder", last_good: "LastGood") -> None:
    """Keep the knowledge current, and what is good of it in Redis. The first round comes by itself."""
    async with aclosing(folder.watch()) as changes:
        async for _ in changes:
            try:
                await last_good.keep(folder.good)
            except StoreUnavailable as error:  # what was kept before is still there; the next save tries again
                log.warning("faq_not_kept", error=str(error))


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
