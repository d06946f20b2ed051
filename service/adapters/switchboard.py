"""What holds for the whole shop because staff have said so. Workers read it with every conversation that they take."""

from datetime import datetime

import msgspec

from service.adapters.audit import AUDIT_MS, entry
from service.adapters.store import Store
from service.core.shop import TodayHours
from service.core.switches import choice_of


class Switchboard:
    """Sets the switches; Archive reads them. Raises StoreUnavailable when Redis is away. `by` is who does it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pause(self, now: datetime, *, paused: bool, by: str) -> None:
        """SWITCH: have nobody answered automatically, or everybody again."""
        audit = entry(by, "switch_auto", now, to="off" if paused else "on")
        await self._set("paused", "1" if paused else "", audit)

    async def set_today(self, today: TodayHours | None, now: datetime, *, by: str) -> None:
        """SWITCH: set the hours of one day; None for those of `_shop.yaml`."""
        value = msgspec.json.encode(today).decode() if today else ""
        await self._set("today", value, entry(by, "switch_today", now, to=choice_of(today)))

    async def _set(self, name: str, value: str, audit: list[str]) -> None:
        call = {"name": name, "value": value, "audit": audit, "audit_ms": AUDIT_MS}
        await self._store.run("switch", msgspec.msgpack.encode(call), durable=True)
