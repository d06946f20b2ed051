"""Puts the staff's pages together. Sessions and cookies are met here only: no webhook, API or file knows them."""

from datetime import UTC, datetime
from typing import Any

from litestar import Router
from litestar.di import Provide
from litestar.types import ASGIApp

from service.adapters.browsers import Browsers
from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.adapters.store import Store
from service.adapters.suggestions import Suggestions
from service.adapters.traffic import Traffic
from service.web.pages import (
    faq,
    faq_adding,
    inbox,
    inbox_actions,
    inbox_contexts,
    inbox_live,
    inbox_records,
    inbox_reply,
    inbox_switches,
    insights,
    links,
    login,
    notifications,
    staff,
)
from service.web.pages.assets import assets
from service.web.pages.visit import Clock, Visits, form_is_ours, owners_only, signed_in

_MAX_BODY_BYTES = 256 * 1024


def utc_now() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


def make_pages(
    store: Store, parts: inbox_contexts.Parts, *, keep_days: int, public_url: str | None, clock: Clock = utc_now
) -> Router:
    """Put the pages together: for everybody, for those who are signed in, for owners.

    `keep_days` is for how long suggestions for the FAQ are kept.
    """
    assets()  # read now: a file that is missing is found at the start
    people = People(store)
    sessions = Sessions(store, people)
    provided: dict[str, Any] = {"people": people, "sessions": sessions, "parts": parts, "site": staff.Site(public_url)}
    provided |= {"browsers": Browsers(store), "suggestions": Suggestions(store)}
    provided["traffic"] = Traffic(store, keep_days=keep_days)
    provided["keeping"] = faq_adding.Keeping(keep_days)
    everybody: list[Any] = [login.go_home, login.show_login, login.log_in, login.log_out, login.choose_language]
    everybody += [links.show_link, links.use_link]
    at_work = [*inbox.HANDLERS, *inbox_actions.HANDLERS, inbox_reply.reply, inbox_live.follow_live]
    at_work += [*inbox_switches.HANDLERS, *inbox_records.HANDLERS, *notifications.HANDLERS, *insights.HANDLERS]
    at_work += [*faq.READERS, *faq_adding.HANDLERS]
    owner: list[Any] = [staff.show_staff, staff.invite, staff.make_link, staff.give_role, staff.disable, staff.enable]
    owner += faq.OWNERS
    visits = Visits(sessions, clock, https=(public_url or "").startswith("https:"))

    # Functions, because Litestar copies a router with all that it holds, and a connection cannot be copied.
    def know_visit(app: ASGIApp) -> ASGIApp:
        return visits(app)

    # `now` is the shop's time, which the demo moves; sessions and links last by the real one.
    def tell_time() -> datetime:
        return clock()

    return Router(
        "/",
        route_handlers=[
            Router("/", route_handlers=everybody, guards=[form_is_ours]),
            Router("/", route_handlers=at_work, guards=[signed_in, form_is_ours]),
            Router("/", route_handlers=owner, guards=[signed_in, form_is_ours, owners_only]),
        ],
        middleware=[know_visit],
        dependencies={name: _provide(part) for name, part in provided.items()}
        | {
            "real_now": Provide(tell_time, sync_to_thread=False),
            "view": Provide(inbox_contexts.provide_view),
            "place": Provide(inbox_actions.provide_place),
            "adder": Provide(faq_adding.provide_adder),
        },
        include_in_schema=False,
        request_max_body_size=_MAX_BODY_BYTES,
    )


def _provide(part: Any) -> Provide:
    return Provide(lambda: part, use_cache=True, sync_to_thread=False)
