"""What staff set for the whole shop: automatic answers, and today's hours. A dialog over the inbox, or a page."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from service.core.hours import business_day, hours_on
from service.core.hourwords import promise, today_hours
from service.core.shop import TodayHours
from service.core.switches import HoursProblem, TodayChoice, choice_of, choose_today, in_force
from service.web.pages.inbox_contexts import View
from service.web.pages.inbox_views import clock_of
from service.web.pages.screen import go, show
from service.web.pages.visit import is_htmx

Typed = Annotated[str, QueryParameter(max_length=10)]
Shown = Response[Any] | Redirect


class AutoForm(msgspec.Struct):
    """Whether customers are answered automatically."""

    auto: Literal["on", "off"]


class TodayForm(msgspec.Struct):
    """Which hours hold today; `opens` and `closes` are read where they are other ones."""

    today: TodayChoice
    opens: str = ""
    closes: str = ""


@get("/inbox/switches")
async def show_switches(
    view: NamedDependency[View],
    today: FromQuery[TodayChoice | None] = None,
    opens: Typed = "",
    closes: Typed = "",
) -> Response[Any]:
    """Show the switches; with a choice in the query, what customers would be told then."""
    typed = TodayForm(today, opens, closes) if today else None
    context = await _context(view, typed)
    template = "inbox/_switches_dialog.html" if is_htmx(view.request) else "inbox/switches.html"
    return show(view.request, template, **context)


@post("/inbox/switches/auto", status_code=200)
async def switch_auto(view: NamedDependency[View], data: URLEncodedBody[AutoForm]) -> Shown:
    """Switch automatic answers on or off for everybody."""
    await view.parts.switchboard.pause(view.now, paused=data.auto == "off", by=view.request.user.name)
    return await _done(view)


@post("/inbox/switches/today", status_code=200)
async def set_today(view: NamedDependency[View], data: URLEncodedBody[TodayForm]) -> Shown:
    """Set today's hours, until midnight. What makes no sense comes back as it was typed."""
    shop = await view.parts.archive.shop()
    chosen = choose_today(data.today, data.opens, data.closes, shop, view.now)
    if isinstance(chosen, str):
        context = await _context(view, data)
        return show(view.request, _part(view), status=422, **context)
    await view.parts.switchboard.set_today(chosen, view.now, by=view.request.user.name)
    return await _done(view)


async def _done(view: View) -> Shown:
    if not is_htmx(view.request):
        return go(view.request, "/inbox/switches")
    return show(view.request, _part(view), **await _context(view, notice=view.words["saved"]))


def _part(view: View) -> str:
    return "inbox/_switches.html" if is_htmx(view.request) else "inbox/switches.html"


async def _context(view: View, typed: TodayForm | None = None, notice: str = "") -> dict[str, Any]:
    """Read how the switches stand, or would stand with what is typed."""
    front = await view.front()
    shop, now = front["shop"], view.now
    stands = in_force(front["today"], shop, now)
    chosen: TodayHours | HoursProblem | None = stands
    if typed:
        chosen = choose_today(typed.today, typed.opens, typed.closes, shop, now)
    problem = chosen if isinstance(chosen, str) else ""
    told = None if isinstance(chosen, str) else chosen
    shown = (told or stands or TodayHours(now.date(), hours_on(shop, business_day(shop, now)))).hours
    return front | {
        "choice": typed.today if typed else choice_of(stands),
        "opens": typed.opens if typed else clock_of(shown[0].opens) if shown else "",
        "closes": typed.closes if typed else clock_of(shown[-1].closes) if shown else "",
        "usual": today_hours(shop, now, view.lang),
        "problem": view.words[problem] if problem else "",
        "told_hours": today_hours(shop, now, view.lang, told),
        "told_promise": promise(shop, now, view.lang, told),
        "notice": notice,
        "here": "/inbox/switches",
    }


HANDLERS: list[Any] = [show_switches, switch_auto, set_today]
