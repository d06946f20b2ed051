"""respx for openai 3.x, whose transport is httpx2: `respx.mock(using="httpcore2")` after importing this module.

respx 0.23 patches httpx's httpcore only, and an openai call it should mock goes out to the network.
"""

from typing import ClassVar

import httpcore2
import httpx
from respx.mocks import HTTPCoreMocker


class HTTPCore2Mocker(HTTPCoreMocker):
    """Patches httpcore2 the way respx patches httpcore; respx registers it by its name."""

    name = "httpcore2"
    targets: ClassVar[list[str]] = [target.replace("httpcore.", "httpcore2.", 1) for target in HTTPCoreMocker.targets]

    @classmethod
    def from_sync_httpx_response(  # pyright: ignore[reportIncompatibleMethodOverride]  # httpcore2's class of this name
        cls, httpx_response: httpx.Response, target: object, **_options: object
    ) -> httpcore2.Response:
        """The mocked response as httpcore2's; `target`, the patched connection, is not needed."""
        del target
        return httpcore2.Response(
            status=httpx_response.status_code,
            headers=httpx_response.headers.raw,
            content=httpx_response.stream,
            extensions=httpx_response.extensions,
        )
