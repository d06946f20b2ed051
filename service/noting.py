"""LINE's quota, asked for by a worker and noted for whoever shows it."""

import asyncio

import structlog

from service.adapters.line_account import Account
from service.adapters.vitals import Vitals
from service.errors import LineRefused, LineUnavailable, StoreUnavailable

log = structlog.get_logger()
LOOK_EVERY_S = 15.0


async def keep_quota_noted(vitals: Vitals, account: Account) -> None:
    """Note it again and again, for ever. Of all workers one asks LINE every few minutes."""
    while True:
        try:
            if await vitals.may_ask_quota():
                quota = await account.quota()
                await vitals.note_quota(quota.limit, quota.used)
        except (StoreUnavailable, LineUnavailable, LineRefused) as error:
            log.info("quota_not_noted", error=str(error))
        await asyncio.sleep(LOOK_EVERY_S)
