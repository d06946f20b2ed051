"""The whole story of a photo: fetched from LINE once, soon after its message was decided, and kept or given up.

It stands apart from the turns: it holds no conversation's lease, and an answer never waits for it. Whatever ends it in
mid-way, the photo is due again when its claim is over.
"""

import asyncio

import structlog

from service.adapters.line_account import Account, Content, ContentGone, ContentNotReady, ContentTooLarge
from service.adapters.photos import Claim, Photos
from service.core.photos import MAX_BYTES, NoPhoto, Photo, retry_delay_ms, sniff
from service.errors import LineRefused, LineUnavailable, StoreUnavailable

log = structlog.get_logger()

# Each may hold a photo of 10 MB in memory, three times over while it is written.
AT_ONCE = 2
LOOK_EVERY_S = 1.0


async def fetch_photos(photos: Photos, account: Account) -> None:
    """Fetch what is due, for ever. Cancel it to stop: another worker then fetches what was in hand.

    No TaskGroup: that cancels its tasks only once, and redis-py may swallow it. This passes on each cancellation.
    """
    await asyncio.gather(*(_fetch_one_by_one(photos, account) for _ in range(AT_ONCE)), return_exceptions=True)


async def _fetch_one_by_one(photos: Photos, account: Account) -> None:
    while True:
        try:
            claim = await photos.claim()
            if claim:
                await fetch(claim, photos, account)
                continue
        except StoreUnavailable as error:
            log.warning("redis_away", error=str(error))
        except Exception:  # a fault in our own code must not end the fetching of all others; its tries are counted
            log.exception("photo_failed")
        await asyncio.sleep(LOOK_EVERY_S)


async def fetch(claim: Claim, photos: Photos, account: Account) -> None:
    """Fetch one photo, and write down what became of it."""
    found = await _download(claim.message, account)
    if found == NoPhoto("pending"):
        kept = await photos.put_off(claim, retry_delay_ms(claim.tries))
    else:
        kept = await photos.keep(claim, found)
    why = found.why if isinstance(found, NoPhoto) else None
    log.info("photo", message=claim.message, tries=claim.tries, why=why, kept=kept)


async def _download(message: str, account: Account) -> Photo | NoPhoto:
    """Ask LINE for a photo. `pending` says that asking again later may help."""
    try:
        download = await account.content(message, MAX_BYTES)
    except LineUnavailable:
        return NoPhoto("pending")
    except LineRefused as error:
        # A wrong access token is the engineer's to mend: no photo is given up for it in the meantime.
        return NoPhoto("pending" if error.status in {401, 403} else "refused")
    match download:
        case Content(data=b"") | ContentNotReady():
            return NoPhoto("pending")
        case Content(data=data):
            kind = sniff(data)
            return Photo(data, kind) if kind else NoPhoto("no_image")
        case ContentGone():
            return NoPhoto("gone")
        case ContentTooLarge():
            return NoPhoto("too_large")
