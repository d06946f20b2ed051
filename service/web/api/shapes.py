"""What goes in and out over REST, with its limits, and how every error looks (RFC 9457)."""

from typing import Annotated, Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from service.core.bubbles import MAX_BUBBLES, MAX_UNITS, split_text, utf16_units
from service.core.conversation import State
from service.core.records import Delivery, HandoffRecord, Item

PROBLEM = "application/problem+json"
# All that five bubbles hold, twice: white space where it is cut is not sent.
_MOST_UNITS = 2 * MAX_BUBBLES * MAX_UNITS
_WORD = r"\S"

Words = Annotated[
    str, msgspec.Meta(min_length=1, pattern=_WORD, description=f"Fills 1 to {MAX_BUBBLES} LINE messages.")
]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=_WORD)]
Tags = Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)]
NoteText = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=_WORD)]
Pinned = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=_WORD)]
MessageId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, description="The last message that was seen: `id` or `message`.")
]


Cursor = Annotated[
    str | None, QueryParameter(pattern="^-?[0-9]{1,15}_.{1,100}$", description="The last page's `next`.")
]


class ProblemDetails(msgspec.Struct, omit_defaults=True):
    """What went wrong. `errors` names the fields of a body or the parameters that are."""

    status: int
    title: str
    detail: str
    errors: list[dict[str, Any]] | UnsetType = UNSET


class Page(msgspec.Struct):
    """Some records, and the cursor of the next page; null on the last one."""

    items: list[HandoffRecord]
    next: str | None


class ClaimRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`take_over` claims what somebody else holds."""

    take_over: bool = False


class SeenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """With `seen`, nothing is done when the customer has written since."""

    seen: MessageId | None = None


class ReplyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What the customer shall read. With `seen`, nothing is sent when the customer has written since."""

    text: Words
    seen: MessageId | None = None


class NoteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A note for the other staff."""

    text: NoteText


class TagsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """All tags the handoff shall have."""

    tags: Tags


class AskRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a customer might write."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_UNITS)]


class ProfileRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What shall change; null takes it away."""

    nickname: Name | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    note: Pinned | UnsetType | None = UNSET


class ReplyResult(msgspec.Struct):
    """What became of a reply within three seconds. `billed` is true when it cost one message of the quota."""

    delivery: Delivery
    billed: bool


class Talk(msgspec.Struct):
    """A conversation: its state, what staff wrote about the customer, its handoffs, what was said, oldest first.

    `handoff` is the open one; `handoffs` are all of them, the newest first. `next` is the cursor of what was said
    before.
    """

    customer: str
    state: State
    display_name: str | None
    nickname: str | None
    tags: tuple[str, ...]
    note: str | None
    handoff: HandoffRecord | None
    handoffs: list[HandoffRecord]
    items: list[Item]
    next: str | None


def fits(words: str) -> bool:
    """Whether a text fills 1 to 5 LINE messages: one request of LINE's."""
    return utf16_units(words) <= _MOST_UNITS and 1 <= len(split_text(words)) <= MAX_BUBBLES


_PROBLEMS = {
    400: "The request does not fit this description.",
    401: "A valid bearer token is needed.",
    403: "The token is not good for this.",
    404: "There is no such record.",
    409: "Somebody else was faster, or its state forbids it.",
    413: "The body is too large.",
    422: "It cannot be sent as one LINE request, or the Idempotency-Key came with another request before.",
    503: "Redis or a worker is away: try again.",
}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Describe the errors of an address, besides those that every one has."""
    return {
        status: ResponseSpec(ProblemDetails, generate_examples=False, description=_PROBLEMS[status], media_type=PROBLEM)
        for status in sorted({*statuses, 401, 403, 503})
    }


# What every address has that changes something.
WRITE: dict[str, Any] = {"status_code": 200, "writes": True, "responses": problems(400, 404, 409, 413, 422)}
