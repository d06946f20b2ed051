"""The owner's page of people: invite, send a new link, give a role, shut out, let in again."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody

from service.adapters.people import People
from service.core.people import Role, read_name
from service.errors import Conflict
from service.web.pages.screen import go, show
from service.web.pages.visit import PageRequest


class Invitation(msgspec.Struct):
    """Who is to be invited."""

    name: str = ""
    role: Role = "staff"


class Person(msgspec.Struct):
    """Whom a button is about."""

    name: str


class Promotion(msgspec.Struct):
    """Who gets which role."""

    name: str
    role: Role


class Site(msgspec.Struct, frozen=True):
    """Where the service is reached from outside; None where nobody has said."""

    public_url: str | None

    def link(self, request: PageRequest, token: str) -> str:
        """Give the address of a one-time link."""
        base = self.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return f"{base}/welcome/{token}"


@get("/staff")
async def show_staff(request: PageRequest, people: NamedDependency[People]) -> Response[Any]:
    """Show everybody."""
    return await _show(request, people)


@post("/staff/invite", status_code=200)
async def invite(
    request: PageRequest,
    people: NamedDependency[People],
    site: NamedDependency[Site],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Invitation],
) -> Response[Any]:
    """Make an account, and show its link: once, here."""
    try:
        name = read_name(data.name)
        token = await people.add(name, data.role, real_now, by=request.user.name)
    except ValueError:
        return await _show(request, people, problem="name_wrong", typed=data.name, status=422)
    except Conflict:
        return await _show(request, people, problem="name_taken", typed=data.name, status=422)
    return await _show(request, people, name=name, kind="invite", url=site.link(request, token))


@post("/staff/link", status_code=200)
async def make_link(
    request: PageRequest,
    people: NamedDependency[People],
    site: NamedDependency[Site],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Person],
) -> Response[Any]:
    """Make a new link for somebody: to join while they have not, else to set another password."""
    account = await people.account(data.name)
    kind = "invite" if account.standing == "invited" else "reset"
    token = await people.new_link(account.name, kind, real_now, by=request.user.name)
    return await _show(request, people, name=account.name, kind=kind, url=site.link(request, token))


@post("/staff/role", status_code=303)
async def give_role(
    request: PageRequest,
    people: NamedDependency[People],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Promotion],
) -> Response[Any]:
    """Give a role."""
    await people.set_role(await _somebody_else(request, people, data.name), data.role, real_now, by=request.user.name)
    return go(request, "/staff")


@post("/staff/disable", status_code=303)
async def disable(
    request: PageRequest,
    people: NamedDependency[People],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Person],
) -> Response[Any]:
    """Shut somebody out, at once."""
    await people.disable(await _somebody_else(request, people, data.name), real_now, by=request.user.name)
    return go(request, "/staff")


@post("/staff/enable", status_code=303)
async def enable(
    request: PageRequest,
    people: NamedDependency[People],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Person],
) -> Response[Any]:
    """Let somebody in again."""
    await people.enable(await _somebody_else(request, people, data.name), real_now, by=request.user.name)
    return go(request, "/staff")


async def _somebody_else(request: PageRequest, people: People, name: str) -> str:
    """Nobody changes their own place: so the shop is never left without an owner."""
    account = await people.account(name)
    if account.name == request.user.name:
        raise Conflict("this is yourself")
    return account.name


async def _show(
    request: PageRequest,
    people: People,
    *,
    status: int = 200,
    problem: str = "",
    typed: str = "",
    name: str = "",
    kind: str = "",
    url: str = "",
) -> Response[Any]:
    accounts = await people.accounts()
    made = {"name": name, "kind": kind, "url": url} if url else None
    context: dict[str, Any] = {"accounts": accounts, "problem": problem, "typed": typed, "made": made, "here": "/staff"}
    return show(request, "staff.html", status=status, **context)
