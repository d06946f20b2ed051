"""The shop over REST: what would be answered, from which FAQ, and how things stand."""

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from service.adapters.archive import Archive, Situation
from service.adapters.inquiries import Inquiries
from service.core.inquiry import Loaded, Tried
from service.core.insights import Answering
from service.web.api.shapes import AskRequest, problems

# A worker shows that it is there once a second.
_GONE_AFTER = timedelta(seconds=10)


class Status(msgspec.Struct):
    """How the shop stands. `working` is whether a worker was here in the last ten seconds.

    `answering` is what a worker has said of the knowledge that it answers from, null while none has.
    """

    working: bool
    situation: Situation
    answering: Answering | None


@post("/ask", status_code=200, responses=problems(400, 413))
async def ask(inquiries: NamedDependency[Inquiries], data: JSONBody[AskRequest]) -> Tried:
    """Say what would be decided if a new customer wrote this. Sends nothing, records nothing; a worker decides."""
    return await inquiries.decide(data.text)


@get("/faq", responses=problems(400))
async def read_faq(
    inquiries: NamedDependency[Inquiries],
    cursor: Annotated[str, QueryParameter(pattern="^[0-9]{0,9}$")] = "",
) -> Loaded:
    """Show the FAQ as a worker answers from it now, and what is wrong with its files. 100 entries a page."""
    return await inquiries.faq(int(cursor or "0"))


@get("/status", responses=problems())
async def read_status(archive: NamedDependency[Archive]) -> Status:
    """Say how the shop stands."""
    situation = await archive.situation()
    at = situation.worker_at
    working = at is not None and situation.now - at < _GONE_AFTER
    return Status(working, situation, await archive.answering())


HANDLERS: list[Any] = [ask, read_faq, read_status]
