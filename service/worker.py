"""The worker: takes conversations that are due and handles many of them at once, each by one holder."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from service.adapters.lease import Lease
from service.adapters.mailbox import Mailbox
from service.errors import LeaseLost, StoreUnavailable

log = structlog.get_logger()

# LINE takes 50 to 200 ms for a reply: this many at once keep one worker above 300 replies a second.
CONCURRENCY = 128
RENEW_EVERY_S = 10.0
IDLE_S = 1.0
TICK_EVERY_S = 1.0
GRACE_S = 10.0
_AWAY_S = 0.5
_CANCEL_AGAIN_S = 0.1
_GIVE_BACK_S = 5.0


class Worker:
    """Runs until told to stop, then finishes what it holds.

    `bell` is a second mailbox with a connection of its own, since waiting on it blocks the connection. `grace_s` is how
    long it may take to finish.
    """

    def __init__(
        self, mailbox: Mailbox, bell: Mailbox, handle: Callable[[Lease], Awaitable[None]], *, grace_s: float = GRACE_S
    ) -> None:
        self._mailbox = mailbox
        self._bell = bell
        self._handle = handle
        self._grace_s = grace_s
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._more_is_due = True
        self._running: dict[asyncio.Task[None], Lease] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Take and handle conversations until `stop` is set; then finish those in hand, within the time of grace.

        What is not finished by then goes back at once for another worker: nothing waits for a lease's end.
        """
        taking = asyncio.create_task(self._take_all(stop))
        ticking = asyncio.create_task(self._tick())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            # First the taking: it may be about to begin with one more.
            deadline = asyncio.get_running_loop().time() + self._grace_s
            await asyncio.wait({taking}, timeout=self._grace_s)
            if self._running:
                await asyncio.wait(self._running, timeout=max(0, deadline - asyncio.get_running_loop().time()))
        finally:
            unfinished = list(self._running.values())
            await cancel(taking, ticking, stopping, *self._running)
        await _give_back(*(self._mailbox.park(lease, 0) for lease in unfinished))
        if not taking.cancelled():
            taking.result()

    async def _take_all(self, stop: asyncio.Event) -> None:
        while True:
            await self._slots.acquire()
            lease = await self._take_one(stop)
            if lease is None:
                return
            task = asyncio.create_task(self._hold(lease))
            self._running[task] = lease
            task.add_done_callback(self._finished)

    async def _tick(self) -> None:
        """Fire timers and show that a worker is here, every second."""
        while True:
            try:
                await self._mailbox.tick()
            except StoreUnavailable as error:
                log.warning("redis_away", error=str(error))
            await asyncio.sleep(TICK_EVERY_S)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._slots.release()

    async def _take_one(self, stop: asyncio.Event) -> Lease | None:
        """Wait until a conversation is due and lease it; None when it is time to stop.

        A call whose answer was lost is repeated with its token, so that no lease is left behind unused.
        """
        token, again = secrets.token_hex(16), False
        while not stop.is_set():
            try:
                if self._more_is_due:
                    lease = await self._mailbox.take(token, again=again)
                    self._more_is_due = lease is not None and lease.more_is_due
                    if lease:
                        return lease
                    token, again = secrets.token_hex(16), False
                else:
                    await _until(self._bell.wait_for_work(IDLE_S), stop)
                    self._more_is_due = True
            except StoreUnavailable as error:
                again = True
                log.warning("redis_away", error=str(error))
                await _until(asyncio.sleep(_AWAY_S), stop)
        return None

    async def _hold(self, lease: Lease) -> None:
        """Handle a leased conversation, renewing the lease while it lasts. Whatever goes wrong ends here."""
        work = asyncio.ensure_future(self._handle(lease))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=RENEW_EVERY_S)
                if not work.done() and not await self._mailbox.renew(lease):
                    log.info("lease_revoked")
                    return
            work.result()
        except (LeaseLost, StoreUnavailable) as error:
            log.warning("given_up", error=type(error).__name__)
        except Exception:  # a fault in our own code must neither end the worker nor lose the message
            log.exception("handler_failed")
            await _give_back(self._mailbox.fail(lease))
        finally:
            await cancel(work)


async def _give_back(*steps: Awaitable[object]) -> None:
    """Give leases back; what Redis does not take within the time ends by itself."""
    try:
        async with asyncio.timeout(_GIVE_BACK_S):
            await asyncio.gather(*steps)
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("given_up", error=str(error))


async def _until(waiting: Coroutine[Any, Any, Any], stop: asyncio.Event) -> None:
    """Wait for the one or for the other; what is not needed any more is cancelled."""
    work, stopping = asyncio.create_task(waiting), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel(work, stopping)
    if not work.cancelled():
        work.result()


async def cancel(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel and see it done. Python 3.11's `wait_for`, which redis-py uses, may swallow a cancellation: repeat it."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
