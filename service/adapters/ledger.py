"""What all workers together have spent on the language model today, and whether its server is worth asking, in Redis.

A restart forgets nothing of it: two steps write it, ADMIT before a request and SETTLE after it (lua/).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from service.adapters.store import Store
from service.core.counting import REFUSALS, count_model
from service.core.records import ms
from service.core.spending import FAILURES, Tariff, Usage, end_of_day
from service.errors import ModelUnavailable, StoreUnavailable
from service.ports import Admission, Settlement

# How long a server that fails again and again is left alone: twice as long each time, 10 min at most.
SHUT_MS = 30_000
LONGEST_MS = 600_000
# Longer than any request may take: then the next one tries.
TRIAL_MS = 30_000


class RedisLedger:
    """`zone` says where the shop's day ends. `shut_ms` is how long the server is left alone at first."""

    def __init__(self, store: Store, tariff: Tariff, zone: Callable[[], ZoneInfo], *, shut_ms: int = SHUT_MS) -> None:
        self._store = store
        self._tariff = tariff
        self._zone = zone
        self._shut_ms = shut_ms

    async def admit(self, task: str, expected: Usage, *, background: bool) -> Admission:
        """ADMIT: see `service.ports.Ledger`."""
        cost = self._tariff.cost(expected)
        call = {
            "cost": cost,
            "most": self._tariff.limit(background=background),
            "budget": self._tariff.limit(background=False),
            "day_ends": ms(end_of_day(datetime.now(UTC), self._zone())),
            "failures": FAILURES,
            "trial_ms": TRIAL_MS,
            "names": {answer: count_model(task, answer) for answer in REFUSALS},
        }
        try:
            answer, day_ends = await self._run("admit", call)
        except StoreUnavailable as error:
            raise ModelUnavailable("store_away") from error
        if answer not in {b"go", b"trial"}:
            raise ModelUnavailable(answer.decode())
        return Admission(task, cost=cost, day_ends=int(day_ends), trial=answer == b"trial")

    async def settle(self, admission: Admission, settlement: Settlement) -> None:
        """SETTLE: see `service.ports.Ledger`. When Redis is away the estimate stands."""
        usage = settlement.usage
        call = {
            "day_ends": admission.day_ends,
            "more": self._tariff.cost(usage) - admission.cost,
            "works": {True: 1, False: 0, None: -1}[settlement.works],
            "trial": admission.trial,
            "failures": FAILURES,
            "shut_ms": self._shut_ms,
            "longest_ms": LONGEST_MS,
            "counts": [count_model(admission.task, settlement.result)],
            "sent": usage.prompt_tokens,
            "received": usage.completion_tokens,
        }
        try:
            await self._run("settle", call)
        except StoreUnavailable:
            return

    async def _run(self, name: str, call: dict[str, Any]) -> Any:
        return await self._store.run(name, msgspec.msgpack.encode(call))


class OpenLedger:
    """Counts nothing and refuses nothing: for what somebody asks by hand, `./henji ask` or `./henji doctor`."""

    async def admit(self, task: str, expected: Usage, *, background: bool) -> Admission:  # noqa: ARG002
        """Let every request go."""
        return Admission(task)

    async def settle(self, admission: Admission, settlement: Settlement) -> None:
        """Forget it."""
