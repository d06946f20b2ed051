"""What became of a reply: a worker sends it, whoever asked for it waits a little."""

import asyncio

from litestar.exceptions import ClientException

from service.adapters.archive import Archive
from service.core.bubbles import MAX_BUBBLES
from service.core.records import BubbleItem
from service.errors import StoreUnavailable
from service.web.api.shapes import ReplyResult, fits

WAIT_FOR_DELIVERY_S = 3.0
_POLL_S = 0.05


def check_length(text: str) -> None:
    """Refuse what cannot be sent as one LINE request."""
    if not fits(text):
        raise ClientException(f"text: must fill 1 to {MAX_BUBBLES} LINE messages", status_code=422)


async def wait_for_delivery(archive: Archive, bubble_id: str) -> ReplyResult:
    """Wait at most three seconds for a bubble to be sent."""
    result = ReplyResult("pending", billed=False)
    try:
        async with asyncio.timeout(WAIT_FOR_DELIVERY_S):
            while result.delivery == "pending":
                await asyncio.sleep(_POLL_S)
                item = await archive.item(bubble_id)
                if isinstance(item, BubbleItem):
                    result = ReplyResult(item.delivery, item.billed)
    except (TimeoutError, StoreUnavailable):
        # Stored it is: an error now would have the reply sent again.
        pass
    return result
