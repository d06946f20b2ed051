"""Telling staff through Apprise: the one place that knows the library, with its traps handled.

Apprise's plugins block, and a send that hangs cannot be ended. So each address has one thread of its own: a dead one
holds up neither the loop nor another address. The library's log names addresses, which hold secrets: nobody gets it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from io import StringIO

from apprise import Apprise, AppriseAsset, NotifyBase, PersistentStoreMode

from service.core.alerting import Told
from service.errors import SettingsError

TIME_LIMIT_S = 20.0

_log = logging.getLogger("apprise")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class _Target:
    """One address. `send` never raises: network trouble and refusals are False."""

    def __init__(self, plugin: NotifyBase) -> None:
        self.name = str(plugin.service_name)
        self._plugin = plugin
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alert")

    async def send(self, title: str, text: str, time_limit_s: float) -> bool:
        sending = asyncio.get_running_loop().run_in_executor(self._thread, self._send, title, text)
        try:
            return await asyncio.wait_for(sending, time_limit_s)
        except TimeoutError:
            return False

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _send(self, title: str, text: str) -> bool:
        try:
            return bool(self._plugin.notify(title=title, body=text))
        except Exception:  # noqa: BLE001 - more than a hundred plugins, each with libraries and errors of its own
            return False


class Notifier:
    """Sends alerts to the addresses of HENJI_NOTIFY, which are known by their place in the list, from 0."""

    def __init__(self, targets: Sequence[_Target], time_limit_s: float = TIME_LIMIT_S) -> None:
        self._targets = targets
        self._time_limit_s = time_limit_s

    @property
    def names(self) -> list[str]:
        """What kind of address each is, as Apprise calls it (Slack, E-Mail)."""
        return [target.name for target in self._targets]

    async def send(self, number: int, title: str, text: str) -> Told:
        """Send one alert. What is not accepted within the time limit may still arrive."""
        accepted = await self._targets[number].send(title, text, self._time_limit_s)
        return "accepted" if accepted else "refused"

    async def try_out(self, number: int, title: str, text: str) -> tuple[bool, str]:
        """As `send`, with what Apprise says about a failure: for whoever set the address, not for a log."""
        said = StringIO()
        listener = logging.StreamHandler(said)
        _log.addHandler(listener)
        try:
            accepted = await self.send(number, title, text) == "accepted"
        finally:
            _log.removeHandler(listener)
        return accepted, " ".join(said.getvalue().split())


@asynccontextmanager
async def open_notifier(urls: Sequence[str], time_limit_s: float = TIME_LIMIT_S) -> AsyncGenerator[Notifier]:
    """Open the addresses. Raises SettingsError for those that Apprise does not understand, without naming them."""
    asset = AppriseAsset(storage_mode=PersistentStoreMode.MEMORY)
    asset.app_id, asset.app_desc = "Henji", "Henji"
    plugins = [Apprise.instantiate(url, asset=asset) for url in urls]
    problems = [
        f"HENJI_NOTIFY: address {number} ({url.partition('://')[0]}://…) is none that Apprise understands;"
        " see https://appriseit.com/services/"
        for number, (url, plugin) in enumerate(zip(urls, plugins, strict=True), 1)
        if plugin is None
    ]
    if problems:
        raise SettingsError(problems)
    targets = [_Target(plugin) for plugin in plugins if plugin is not None]
    try:
        yield Notifier(targets, time_limit_s)
    finally:
        for target in targets:
            target.close()
