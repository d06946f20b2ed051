"""Waiting for something to become true: on the condition, never for a length of time."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, timeout_s: float = 10.0) -> T:
    """Call `condition` until it returns something true, and return that; fail after the deadline."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        if time.monotonic() > deadline:
            message = f"not within {timeout_s:g} s: {what}"
            raise AssertionError(message)
        time.sleep(0.005)
    return result


async def eventually(condition: Callable[[], T], what: str, timeout_s: float = 10.0) -> T:
    """As `until`, for a test whose own event loop has to go on."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        if time.monotonic() > deadline:
            message = f"not within {timeout_s:g} s: {what}"
            raise AssertionError(message)
        await tick()
    return result


async def tick(seconds: float = 0.01) -> None:
    """Let the others run for a moment, between two looks at something that only can be asked."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


async def cancel(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel and see it done, however often Python 3.11's `wait_for` swallows it."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.05)
    await asyncio.gather(*tasks, return_exceptions=True)
