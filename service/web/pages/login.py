"""Logging in and out, the choice of the language, and the way in from `/`."""

import json
import math
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import QueryParameter, URLEncodedBody
from litestar.response import Redirect

from service.adapters.browsers import Browsers
from service.adapters.sessions import Sessions
from service.errors import TooManyAttempts
from service.web.pages.notifications import forget_browser
from service.web.pages.screen import go, show
from service.web.pages.visit import LANGUAGE_COOKIE, Language, PageRequest, address_of, is_htmx

_A_YEAR_S = 365 * 86_400


class Credentials(msgspec.Struct):
    """What was typed. `next` is where to go then."""

    name: str = ""
    password: str = ""
    next: str = "/inbox"


class LanguageChoice(msgspec.Struct):
    """`back` is the page it was chosen on."""

    language: Language
    back: str = "/inbox"


class Leaving(msgspec.Struct):
    """`endpoint` is where this browser is notified, empty where it is not."""

    endpoint: str = ""


@get("/", sync_to_thread=False)
def go_home(request: PageRequest) -> Redirect:
    """Lead to the inbox."""
    return go(request, "/inbox")


@get("/login", sync_to_thread=False)
def show_login(
    request: PageRequest, following: Annotated[str, QueryParameter(name="next")] = "/inbox"
) -> Response[Any]:
    """Ask for name and password."""
    if request.auth.staff:
        return go(request, following)
    return show(request, "login.html", next=following, problem="", wait=0, name="")


@post("/login", status_code=200)
async def log_in(
    request: PageRequest,
    sessions: NamedDependency[Sessions],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Credentials],
) -> Response[Any]:
    """Start a session under a new id; the old one ends."""
    template = "_login_dialog.html" if is_htmx(request) else "login.html"
    try:
        session_id = await sessions.log_in(data.name, data.password, address_of(request), real_now)
    except TooManyAttempts as error:
        wait = math.ceil(error.wait_s / 60)
        context: dict[str, Any] = {"problem": "login_wait", "wait": wait, "name": data.name, "next": data.next}
        return show(request, template, status=429, headers={"Retry-After": str(error.wait_s)}, **context)
    if session_id is None:
        return show(request, template, status=422, problem="login_wrong", wait=0, name=data.name, next=data.next)
    await begin(request, sessions, session_id, real_now)
    if not is_htmx(request):
        return go(request, data.next)
    # The page that is open goes on with the token of the new session (static/app.js).
    staff = request.auth.staff
    event = {"henji:signed-in": {"token": request.auth.form_token, "name": staff.name if staff else ""}}
    return Response(None, status_code=204, headers={"HX-Trigger": json.dumps(event)})  # a header is ASCII


async def begin(request: PageRequest, sessions: Sessions, session_id: str, now: datetime) -> None:
    """Go on under a session's id. The record of the one before is deleted."""
    await sessions.end_session(request.auth.id)
    request.auth.become(session_id)
    request.auth.staff = await sessions.person(session_id, now)


@post("/logout", status_code=303)
async def log_out(
    request: PageRequest,
    sessions: NamedDependency[Sessions],
    browsers: NamedDependency[Browsers],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Leaving],
) -> Redirect:
    """End the session and its browser's notifications; the browser goes on as nobody, under another id."""
    if request.auth.staff:
        await forget_browser(browsers, data.endpoint, request.auth.staff.name, real_now)
        await sessions.log_out(request.auth.id, request.auth.staff.name, real_now)
    request.auth.forget()
    return go(request, "/login")


@post("/language", status_code=303, sync_to_thread=False)
def choose_language(request: PageRequest, data: URLEncodedBody[LanguageChoice]) -> Redirect:
    """Keep the choice for a year."""
    answer = go(request, data.back)
    answer.set_cookie(
        Cookie(
            LANGUAGE_COOKIE,
            value=data.language,
            max_age=_A_YEAR_S,
            samesite="lax",
            secure=request.auth.secure,
            httponly=True,
        )
    )
    return answer
