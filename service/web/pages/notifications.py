"""How staff learn that a customer waits: notifications and a sound in this browser, and the app on the home screen.

The browser's part of it is static/device.js. What it sends here is checked before it is kept.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from service.adapters.browsers import Browsers, id_of
from service.adapters.people import People
from service.core.browsers import Browser, fits, is_push_service, label_of
from service.web.pages.screen import go, show
from service.web.pages.visit import PageRequest


class Subscription(msgspec.Struct):
    """What a browser says when it is to be notified. `key` is our public key that it was told."""

    endpoint: str = ""
    p256dh: str = ""
    auth: str = ""
    key: str = ""


class Which(msgspec.Struct):
    """Which browser is meant: by its id in the list."""

    browser: str = ""


_FORM = Body(media_type=RequestEncodingType.URL_ENCODED)


@get("/notifications")
async def show_notifications(request: PageRequest, browsers: NamedDependency[Browsers]) -> Response[Any]:
    """Show what can be set in this browser, and in which ones this person is notified."""
    own, keys = await browsers.of(request.user.name), await browsers.keys()
    return show(request, "notifications.html", key=keys.shown, browsers=own)


@post("/notifications/on", status_code=200)
async def notify_here(
    request: PageRequest,
    browsers: NamedDependency[Browsers],
    people: NamedDependency[People],
    real_now: NamedDependency[datetime],
    data: Annotated[Subscription, _FORM],
) -> Response[str]:
    """Notify in this browser. 409 with our key as it is now, when the browser was told another one."""
    if not is_push_service(data.endpoint) or not fits(data.p256dh, data.auth):
        return Response("not the address of a push service", status_code=422, media_type="text/plain")
    keys = await browsers.keys()
    if data.key != keys.shown:
        return Response(keys.shown, status_code=409, media_type="text/plain")
    account = await people.account(request.user.name)
    await browsers.add(
        Browser(
            name=account.name,
            epoch=account.epoch,
            endpoint=data.endpoint,
            p256dh=data.p256dh,
            auth=data.auth,
            key=data.key,
            label=label_of(request.headers.get("user-agent", "")),
            created_at=real_now,
        )
    )
    return Response("", media_type="text/plain")


@post("/notifications/off", status_code=303)
async def stop_notifying(
    request: PageRequest,
    browsers: NamedDependency[Browsers],
    real_now: NamedDependency[datetime],
    data: Annotated[Which, _FORM],
) -> Redirect:
    """Notify no more in a browser of one's own."""
    await browsers.remove_own(data.browser, request.user.name, real_now)
    return go(request, "/notifications")


async def forget_browser(browsers: Browsers, endpoint: str, name: str, now: datetime) -> None:
    """Notify no more in the browser in which somebody signs out."""
    if endpoint:
        await browsers.remove_own(id_of(endpoint), name, now)


HANDLERS: list[Any] = [show_notifications, notify_here, stop_notifying]
