"""A refusal: the one way in which the fake says no, already in the shape of LINE's error answers.

Texts follow the Messaging API reference, "Error messages"; LINE calls them unstable, so bots should branch on status.
"""

from collections.abc import Mapping, Sequence

from service.tools.fakeline.records import Json


class Refused(Exception):
    """A request that LINE answers with an error: HTTP `status`, JSON `body`, extra `headers`."""

    def __init__(
        self, status: int, message: str, *, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, **(body or {})}
        self.headers = dict(headers or {})


def refuse_details(details: Sequence[Json]) -> None:
    """Raise the 400 that lists `details` (`message` and `property` each), unless there are none."""
    if details:
        raise Refused(400, f"The request body has {len(details)} error(s)", body={"details": list(details)})
