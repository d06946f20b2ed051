"""One-time links: an invitation, a new password, or (in the demo) just the way in.

Opening a link uses nothing up, because chat programs open every link they see; the button on its page does.
"""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.core.people import Link, read_password, weakness
from service.errors import NotFound
from service.web.pages.login import begin
from service.web.pages.screen import go, show
from service.web.pages.visit import PageRequest, address_of


class NewPassword(msgspec.Struct):
    """What was typed; nothing where the link only signs in."""

    password: str = ""


@get("/welcome/{token:str}")
async def show_link(
    request: PageRequest, people: NamedDependency[People], real_now: NamedDependency[datetime], token: FromPath[str]
) -> Response[Any]:
    """Show whose link it is, and ask for the password."""
    try:
        link = await people.link(token, real_now)
    except NotFound:
        return go(request, "/inbox") if request.auth.staff else _over(request)
    return _ask(request, token, link)


@post("/welcome/{token:str}", status_code=303)
async def use_link(
    request: PageRequest,
    *,
    people: NamedDependency[People],
    sessions: NamedDependency[Sessions],
    real_now: NamedDependency[datetime],
    token: FromPath[str],
    data: URLEncodedBody[NewPassword],
) -> Response[Any]:
    """Use the link up: set the password and sign in. A password that is refused uses nothing up."""
    try:
        link = await people.link(token, real_now)
        password = None if link.kind == "login" else data.password
        if password is not None and (problem := weakness(read_password(password), link.name)):
            return _ask(request, token, link, f"password_{problem}")
        session_id = await sessions.redeem(token, password, address_of(request), real_now)
    except NotFound:
        return _over(request)
    await begin(request, sessions, session_id, real_now)
    return go(request, "/inbox")


def _ask(request: PageRequest, token: str, link: Link, problem: str = "") -> Response[str]:
    status = 422 if problem else 200
    return show(request, "welcome.html", status=status, token=token, link=link, problem=problem)


def _over(request: PageRequest) -> Response[str]:
    return show(request, "error.html", status=410, word="link_over", code=410)
