"""Whatever is posted to the inbox by hand: refused with a sentence, and nothing is done; or taken as it is."""

import html
from datetime import timedelta

import httpx
import pytest

from service.core.records import BubbleItem
from tests.support.plain import PlainShop

FORMS = {
    "reply": {"text": "こんにちは"},
    "done": {},
    "replied-elsewhere": {},
    "reopen": {},
    "claim": {},
    "take-over": {},
    "pause": {},
    "unpause": {},
    "assign": {"to": "佐藤"},
    "tags": {"tags": "予約"},
    "notes": {"note": "電話も希望"},
    "profile": {"nickname": "はるちゃん"},
}
ALL = FORMS | {"export": {}, "erase": {"word": "削除"}}
MARKUP = "<script>alert(1)</script>\"'>&amp;"
RTL = "مرحبا \u202eabc\u202c שלום"
FAMILY = "👩‍👩‍👧‍👦"


async def untouched(shop: PlainShop) -> bool:
    handoff = await shop.system.archive.handoff(shop.handoff)
    conversation = await shop.system.archive.conversation(shop.customer)
    nothing_written = (handoff.status, handoff.assignee, handoff.tags, handoff.notes) == ("waiting", None, (), ())
    unchanged = (conversation.nickname, conversation.paused, conversation.tags) == (None, False, ())
    return nothing_written and unchanged and len(shop.system.fake.seen(shop.customer)) == 1


def box(answer: httpx.Response) -> str:
    return html.unescape(answer.text.split('id="text"')[1].split(">", 1)[1].split("</textarea>")[0])


async def test_a_form_without_its_token_does_nothing(shop: PlainShop) -> None:
    for form, fields in ALL.items():
        answer = await shop.owner.http.post(f"{shop.path}/{form}", data=fields)
        assert answer.status_code == 403, form
        assert "この操作はできませんでした" in answer.text
    assert await untouched(shop)


async def test_after_the_session_is_over_a_login_is_asked_for_and_nothing_is_done(shop: PlainShop) -> None:
    token = {"form_token": await shop.owner.token(shop.path)}
    shop.house.clock.move(timedelta(hours=13))
    for form, fields in ALL.items():
        answer = await shop.owner.http.post(f"{shop.path}/{form}", data=token | fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Finbox"), form
        htmx = {"HX-Request": "true"}
        dialog = await shop.owner.http.post(f"{shop.path}/{form}", data=token | fields, headers=htmx)
        assert dialog.status_code == 401
        assert dialog.headers["hx-retarget"] == "#login-place", "the page stays, with all that was typed"
    assert await untouched(shop)


@pytest.mark.parametrize("handoff", ["0000000000000000", "..%2F..%2Fadmin", "あ", "%00", "a" * 500], ids=len)
async def test_what_does_not_exist_is_404(shop: PlainShop, handoff: str) -> None:
    token = {"form_token": await shop.owner.token(shop.path)}
    for form, fields in ALL.items():
        answer = await shop.owner.http.post(f"/inbox/{handoff}/{form}", data=token | fields)
        assert answer.status_code == 404, form
        assert "ページが見つかりません" in answer.text
    for view in ("", "/desk", "/talk", "/card", "/earlier?cursor=x", "/assign"):
        assert (await shop.staff.http.get(f"/inbox/{handoff}{view}")).status_code == 404, view
    assert await untouched(shop)


REFUSED = [
    ("reply", {"text": ""}, "返信を入力してください"),
    ("reply", {"text": " \r\n\t　"}, "返信を入力してください"),
    ("reply", {"text": "あ" * 25_001}, "長すぎます"),
    ("reply", {"text": "🍣" * 12_501}, "長すぎます"),
    ("notes", {"note": ""}, "長すぎる項目がある"),
    ("notes", {"note": "あ" * 2001}, "長すぎる項目がある"),
    ("tags", {"tags": "長" * 41}, "長すぎる項目がある"),
    ("tags", {"tags": "、".join(map(str, range(21)))}, "長すぎる項目がある"),
    ("profile", {"nickname": "長" * 41}, "長すぎる項目がある"),
    ("profile", {"pinned": "長" * 501}, "長すぎる項目がある"),
    ("profile", {"tags": "長" * 41}, "長すぎる項目がある"),
]


async def test_what_is_empty_or_too_long_is_refused_with_a_sentence(shop: PlainShop) -> None:
    for form, fields, says in REFUSED:
        answer = await shop.staff.post(f"{shop.path}/{form}", fields, on=shop.path)
        assert answer.status_code == 422, (form, fields)
        assert says in answer.text
        if form == "reply" and fields["text"].strip():
            assert box(answer) == fields["text"]
    assert await untouched(shop)


async def test_a_way_of_sending_that_there_is_not_is_refused(shop: PlainShop) -> None:
    for then in ("later", "DONE", "<b>"):
        answer = await shop.staff.post(f"{shop.path}/reply", {"text": "こんにちは", "then": then}, on=shop.path)
        assert answer.status_code == 400
    assert await untouched(shop)


async def test_what_was_not_seen_yet_is_not_passed_over(shop: PlainShop) -> None:
    for form in ("reply", "done", "replied-elsewhere"):
        fields = {"seen": "01OLD"} | FORMS[form]
        answer = await shop.staff.post(f"{shop.path}/{form}", fields, on=shop.path)
        assert answer.status_code == 409
        assert "お客様から新しいメッセージが届いています" in answer.text
        if form == "reply":
            assert box(answer) == "こんにちは"
    assert await untouched(shop)


async def test_a_reply_to_what_somebody_has_closed_comes_back(shop: PlainShop) -> None:
    await shop.owner.post(f"{shop.path}/done", on=shop.path)
    answer = await shop.staff.post(f"{shop.path}/reply", {"text": "間に合わなかった返信"}, on=shop.path)
    assert answer.status_code == 409
    assert "対応済みのため、送信していません" in answer.text
    assert box(answer) == "間に合わなかった返信"
    assert len(shop.system.fake.seen(shop.customer)) == 1


async def test_any_text_goes_out_as_it_was_typed_and_is_only_text_on_the_page(shop: PlainShop) -> None:
    for text in (MARKUP, RTL, FAMILY, "あ" * 5000, "🍣" * 2500, "一行目\n\n三行目", "{笑} {{ 7 * 7 }} {% raw %}"):
        answer = await shop.staff.post(f"{shop.path}/reply", {"text": text}, on=shop.path)
        assert answer.status_code == 303
        assert shop.system.fake.seen(shop.customer)[-1].text == text
        page = (await shop.staff.http.get(shop.path)).text
        shown = page.split('class="log"')[1].rsplit('<p class="words" dir="auto">', 1)[1].split("</p>")[0]
        assert "<" not in shown
        assert html.unescape(shown) == text


async def test_names_notes_and_tags_are_only_text(shop: PlainShop) -> None:
    for text in (MARKUP, RTL, FAMILY * 2):
        name = text[:40].strip()
        await shop.staff.post(f"{shop.path}/notes", {"note": text}, on=shop.path)
        await shop.staff.post(f"{shop.path}/tags", {"tags": name}, on=shop.path)
        await shop.staff.post(f"{shop.path}/profile", {"nickname": name, "pinned": text, "tags": ""}, on=shop.path)
        handoff = await shop.system.archive.handoff(shop.handoff)
        assert (handoff.notes[-1].text, handoff.nickname) == (text, name)
        for path, query in ((shop.path, {}), ("/inbox", {}), ("/inbox", {"tag": name, "q": name})):
            page = await shop.staff.http.get(path, params=query)
            assert page.status_code == 200
            assert "<script>alert" not in page.text


async def test_five_messages_of_five_thousand_are_the_most_and_go_out_in_order(shop: PlainShop) -> None:
    answer = await shop.staff.post(f"{shop.path}/reply", {"text": "あ" * 25_000}, on=shop.path)
    assert answer.status_code == 303
    sent = [item for item in await shop.system.archive.talk(shop.customer) if isinstance(item, BubbleItem)]
    assert [len(bubble.text) for bubble in sent if bubble.who == "staff:佐藤"] == [5000] * 5


async def test_a_body_that_is_none_is_refused(shop: PlainShop) -> None:
    headers = {"X-Form-Token": await shop.staff.token(shop.path), "Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"\xff\xfe", b"text=" + b"a" * 300_000, b"{}", b""):
        answer = await shop.staff.http.post(f"{shop.path}/reply", content=body, headers=headers)
        assert answer.status_code in {400, 413, 422}, body[:20]
    assert await untouched(shop)


async def test_a_list_that_is_asked_for_oddly_is_refused_or_empty(shop: PlainShop) -> None:
    for query in ("status=gone", f"q={'a' * 101}", "cursor=nonsense", f"tag={'a' * 101}"):
        assert (await shop.staff.http.get(f"/inbox/list?{query}")).status_code == 400, query
    assert "見つかりませんでした" in (await shop.staff.http.get("/inbox/list?q=%FF")).text
