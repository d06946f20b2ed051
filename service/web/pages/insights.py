"""The page that tells how well the shop's questions are answered, and where staff check automatic answers.

It costs a few bounded reads: the counts of the days shown, the newest turns (2,000 at most, without words), the words
of those few that are shown, the newest 200 checks, and what a worker has said of the knowledge.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from service.adapters.traffic import Found, Traffic
from service.core.auditing import ENOUGH_CHECKED, Label, Measured, measure, to_check
from service.core.hours import business_day
from service.core.insights import add_up, group_alike
from service.core.records import ms
from service.core.traffic import Heard, chosen_after
from service.errors import NotFound
from service.web.pages.inbox_contexts import View
from service.web.pages.inbox_words import length
from service.web.pages.screen import go, show
from service.web.pages.visit import PageRequest

PERIODS = (7, 30)
_MOST_CHECKS = 10
# Some of them never reached the customer, or are not kept any more.
_LOOKED_AT = 30
_MOST_GROUPED = 200
_MOST_SHOWN = 10
_LATELY = 5
_LONGEST = 300
Days = Annotated[int, QueryParameter(ge=1, le=30)]


class _Page(msgspec.Struct, frozen=True):
    """What the page is made of, and when: the view by the shop's time, `real_now` by the world's."""

    view: View
    traffic: Traffic
    real_now: datetime


class Verdict(msgspec.Struct):
    """What somebody says of an answer. `days` is the period that was shown."""

    turn: str
    right: bool
    days: int = 7


class TakenBack(msgspec.Struct):
    """Of which answer somebody takes back what was said."""

    turn: str
    days: int = 7


@get("/insights")
async def show_insights(
    view: NamedDependency[View],
    traffic: NamedDependency[Traffic],
    real_now: NamedDependency[datetime],
    days: Days = 7,
) -> Response[Any]:
    """Show it all."""
    return await _show(_Page(view, traffic, real_now), days)


@post("/insights/check", status_code=200)
async def check(
    request: PageRequest,
    view: NamedDependency[View],
    traffic: NamedDependency[Traffic],
    real_now: NamedDependency[datetime],
    data: URLEncodedBody[Verdict],
) -> Response[Any] | Redirect:
    """Write down whether an answer was right. Said again it changes nothing; said otherwise, the last word counts."""
    conversation, heard = await _find(view, traffic, data.turn)
    label = Label(
        turn=heard.turn,
        entry=heard.entry or "",
        reason=heard.reason,
        probability=heard.probability,
        right=data.right,
        by=request.user.name,
        at=ms(real_now),
    )
    if not await traffic.label(conversation, heard, label):
        return await _show(_Page(view, traffic, real_now), data.days, problem="not_kept", status=409)
    return go(request, f"/insights?days={data.days}#checks")


@post("/insights/undo", status_code=303)
async def undo(request: PageRequest, traffic: NamedDependency[Traffic], data: URLEncodedBody[TakenBack]) -> Redirect:
    """Forget what was said of an answer. Where it was taken back already, nothing happens."""
    for conversation, label in await traffic.labels():
        if label.turn == data.turn:
            await traffic.take_back(conversation, label.turn)
    return go(request, f"/insights?days={data.days}#checks")


@get("/insights/talk/{turn:str}")
async def open_talk(
    request: PageRequest, view: NamedDependency[View], traffic: NamedDependency[Traffic], turn: FromPath[str]
) -> Redirect:
    """Lead to the conversation in which something was said."""
    conversations = [conversation for conversation, heard in await traffic.heard() if heard.turn == turn]
    history = await view.parts.archive.history(conversations[0]) if conversations else []
    if not history:
        raise NotFound("there is no such conversation any more")
    return go(request, f"/inbox/{history[0].id}")


async def _find(view: View, traffic: Traffic, turn: str) -> Found:
    """Find an answer among those that may be checked: nobody labels one that was not drawn."""
    today = business_day(await view.parts.archive.shop(), view.now)
    for found in (found for week in await traffic.sample(today) for found in week):
        if found[1].turn == turn:
            return found
    raise NotFound("this answer is not to be checked")


async def _show(page: _Page, days: int, *, problem: str = "", status: int = 200) -> Response[Any]:
    view, traffic = page.view, page.traffic
    today = business_day(await view.parts.archive.shop(), view.now)
    numbers = add_up(await traffic.days([today - timedelta(days=back) for back in range(days)]))
    labels = [label for _, label in await traffic.labels()]
    measured = measure(labels)
    # LINE's clock dates what was said, and the demo's shop may be ahead of it.
    since = ms(page.real_now - timedelta(days=days))
    heard = [found for found in await traffic.heard() if found[1].at >= since]
    checks = await _checks(
        traffic, [[one for _, one in week] for week in await traffic.sample(today)], labels, measured
    )
    pairs = chosen_after(heard)[:_MOST_SHOWN]
    phrases = [text for text in zip(await traffic.words([one for one, _ in pairs]), pairs, strict=True) if text[0]]
    entries = {entry for entry, _ in numbers.used} | {entry for _, (_, entry) in phrases}
    entries |= {one["entry"] for one in checks} | {label.entry for label in labels[:_LATELY]}
    context: dict[str, Any] = {
        "days": days,
        "periods": PERIODS,
        "numbers": numbers,
        "first_reply": None
        if numbers.first_reply is None
        else length(timedelta(minutes=numbers.first_reply), view.lang),
        "answering": await view.parts.archive.answering(),
        "measured": measured,
        "left": max(0, ENOUGH_CHECKED - measured.checked),
        "checks": checks,
        "lately": labels[:_LATELY],
        "groups": await _groups(traffic, [one for _, one in heard]),
        "phrases": [(text[:_LONGEST], entry) for text, (_, entry) in phrases],
        "headings": await traffic.headings(sorted(entries - {""})),
        "percent": percent,
        "problem": problem,
    }
    return show(view.request, "insights.html", status=status, **context)


async def _checks(
    traffic: Traffic, weeks: Sequence[Sequence[Heard]], labels: Sequence[Label], measured: Measured
) -> list[dict[str, str]]:
    drawn = to_check(weeks, [label.turn for label in labels], measured)[:_LOOKED_AT]
    said, answers = await traffic.words(drawn), await traffic.answers(drawn)
    return [
        {"turn": one.turn, "entry": one.entry or "", "said": words[:_LONGEST], "answer": answer}
        for one, words, answer in zip(drawn, said, answers, strict=True)
        if words and answer
    ][:_MOST_CHECKS]


async def _groups(traffic: Traffic, heard: Sequence[Heard]) -> list[dict[str, Any]]:
    """What was handed over for want of an entry, the commonest first."""
    missed = [one for one in heard if one.decision == "handoff" and one.reason in {"no_entry", "unsure"}][
        :_MOST_GROUPED
    ]
    said = [(one, words[:_LONGEST]) for one, words in zip(missed, await traffic.words(missed), strict=True) if words]
    groups = await asyncio.to_thread(group_alike, [words for _, words in said])
    return [
        {"turn": said[group[0]][0].turn, "said": said[group[0]][1], "count": len(group)}
        for group in groups[:_MOST_SHOWN]
    ]


def percent(share: float) -> str:
    """Write a share with one decimal where it has any."""
    return f"{share * 100:.1f}%".replace(".0%", "%")


HANDLERS: list[Any] = [show_insights, check, undo, open_talk]
