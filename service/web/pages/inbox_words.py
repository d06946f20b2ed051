"""The words of the inbox in Japanese and English, and how times and states are put into them."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Literal

import msgspec

from service.core.alerting import REASONS
from service.core.decisions import HandoffReason
from service.core.quota import Quota, is_short, left_of, runs_out_on
from service.core.records import Delivery, HandoffRecord
from service.web.pages.inbox_shop_words import SHOP_WORDS

Lang = Literal["ja", "en"]

_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "inbox": ("受信箱", "Inbox"),
        "tab_waiting": ("未返信", "Unreplied"),
        "tab_active": ("対応中", "Active"),
        "tab_done": ("対応済み", "Done"),
        "auto_on": ("自動応答ON", "Auto-reply on"),
        "auto_off": ("自動応答オフ", "Auto-reply off"),
        "auto_away": ("自動応答が止まっています", "Auto-reply is not running"),
        "open": ("営業中", "Open"),
        "open_until": ("営業中〜{at}", "Open until {at}"),
        "closed": ("営業時間外", "Closed"),
        "opens_at": ("営業時間外・{at}から", "Closed, opens {at}"),
        "search": ("検索", "Search"),
        "search_hint": ("名前・内容・タグで検索", "Search names, messages, tags"),
        "tag_filter": ("タグ", "Tag"),
        "clear": ("絞り込みを外す", "Clear"),
        "nothing_waiting": ("未返信はありません", "Nobody is waiting"),
        "nothing_waiting_more": (
            "お客様が返信を待つと、ここに表示されます。",
            "When a customer waits for a reply, it appears here.",
        ),
        "nothing_active": ("対応中の会話はありません", "No active conversations"),
        "nothing_done": ("対応済みの会話はまだありません", "Nothing is done yet"),
        "nothing_found": ("見つかりませんでした", "Nothing found"),
        "more": ("次のページ", "Next page"),
        "first_page": ("最初のページ", "First page"),
        "urgent": ("至急", "Urgent"),
        "waits": ("{time}待ち", "waiting {time}"),
        "overdue": ("返信予定を過ぎています", "Past the promised time"),
        "customer": ("お客様", "Customer"),
        "pick": ("会話を選んでください", "Choose a conversation"),
        "pick_more": (
            "左の一覧から選ぶと、ここに表示されます。? でキー操作の一覧が開きます。",
            "Pick one from the list. Press ? for keyboard shortcuts.",
        ),
        "back": ("一覧へ戻る", "Back to the list"),
        "menu": ("その他の操作", "More actions"),
        "claim": ("担当する", "Take it"),
        "take_over": ("引き継ぐ", "Take over"),
        "mine": ("あなたが担当", "You hold this"),
        "held_by": ("{who}さんが担当", "Held by {who}"),
        "nobody_holds": ("担当者なし", "Nobody holds this"),
        "why": ("なぜスタッフへ?", "Why a person?"),
        "reopen": ("対応を再開", "Reopen"),
        "earlier": ("以前のやりとりを表示", "Show earlier messages"),
        "talk": ("会話", "Conversation"),
        "first_unreplied": ("ここから未返信", "Unreplied from here"),
        "new_messages": ("新しいメッセージ", "New messages"),
        "unsent": ("お客様が送信を取り消しました", "The customer unsent this message"),
        "bot": ("自動応答", "Auto-reply"),
        "staff": ("スタッフ {who}", "Staff {who}"),
        "sticker": ("スタンプ", "Sticker"),
        "image": ("写真", "Photo"),
        "video": ("動画", "Video"),
        "audio": ("音声", "Voice message"),
        "file": ("ファイル", "File"),
        "location": ("位置情報", "Location"),
        "unknown": ("表示できないメッセージ", "A message that cannot be shown"),
        "see_in_line": ("LINEで確認してください", "See it in LINE"),
        "map": ("地図で開く", "Open map"),
        "photo_pending": ("写真を取得しています", "The photo is being fetched"),
        "photo_none": ("写真は表示できません", "The photo cannot be shown"),
        "photo_over": ("写真の保存期間が過ぎました", "The photo is no longer kept"),
        "billed": ("1通", "1 message"),
        "write_again": ("返信欄に戻す", "Put back into the box"),
        "reply": ("返信", "Reply"),
        "reply_hint": ("返信を書く", "Write a reply"),
        "send": ("送信", "Send"),
        "send_done": ("送信して対応済み", "Send and close"),
        "no_reply": ("返信不要", "No reply needed"),
        "elsewhere": ("LINEで返信した", "Replied in LINE"),
        "free": ("無料で返信できます", "This reply is free"),
        "maybe": ("1通かかることがあります", "This may cost 1 message"),
        "paid": ("1通消費", "Costs 1 message"),
        "paid_left": ("1通消費（残り {left}）", "Costs 1 message ({left} left)"),
        "candidates": ("回答の候補", "Suggested answers"),
        "no_candidates": ("近いFAQはありませんでした", "No FAQ entry came near"),
        "probability": ("合っている確率 {percent}%", "{percent}% likely to be right"),
        "not_sure_enough": (
            "自動で送る基準（{sure}%）に届かなかったため、送っていません。",
            "Not sent: below the {sure}% that an automatic answer needs.",
        ),
        "for_staff": (
            "スタッフ用の下書きのため、自動では送りません。",
            "A draft for staff, never sent by itself.",
        ),
        "since_changed": (
            "確率は基準に届いていましたが、自動応答はこの回答を選びませんでした。",
            "Probable enough, but the automatic answer did not choose it.",
        ),
        "earlier_answers": ("似た質問への過去の返信", "Earlier replies to similar questions"),
        "faq_changed": (
            "表示のあとにFAQが変わったため、送信していません。文章は返信欄に残しています。",
            "Not sent: the FAQ has changed since. The text is in the box.",
        ),
        "send_this": ("この回答を送る", "Send this answer"),
        "edit_this": ("直して送る", "Edit first"),
        "undo": ("取り消す", "Undo"),
        "sending_in": ("5秒後に送信します", "Sending in 5 seconds"),
        "undone": ("送信を取り消しました", "Not sent"),
        "templates": ("定型文", "Templates"),
        "templates_hint": ("定型文を検索", "Search templates"),
        "no_templates": ("定型文はありません", "No templates"),
        "faq_away": (
            "いま候補を読み込めません。返信はそのまま送れます。",
            "Suggestions cannot be loaded now. Replies still work.",
        ),
        "loading": ("読み込んでいます", "Loading"),
        "about": ("お客様について", "About the customer"),
        "nickname": ("呼び名", "Nickname"),
        "line_name": ("LINEの名前", "Name on LINE"),
        "customer_tags": ("お客様のタグ（、区切り）", "Tags of the customer (comma-separated)"),
        "pinned": ("固定メモ", "Pinned note"),
        "save": ("保存", "Save"),
        "tags": ("この対応のタグ（、区切り）", "Tags of this handoff (comma-separated)"),
        "notes": ("スタッフのメモ", "Notes for staff"),
        "note_hint": ("スタッフだけに見えるメモ", "Only staff see this"),
        "add_note": ("メモを残す", "Add note"),
        "help": ("回答・情報", "Answers and details"),
        "help_short": ("候補", "Help"),
        "shortcuts": ("キー操作", "Keyboard shortcuts"),
        "key_jk": ("次・前の会話", "Next / previous conversation"),
        "key_enter": ("選んだ会話を開く", "Open the conversation"),
        "key_r": ("返信欄へ", "To the reply box"),
        "key_slash": ("検索欄へ", "To the search"),
        "key_send": ("送信", "Send"),
        "close": ("閉じる", "Close"),
        "offline": ("接続が切れています。つながり次第、更新します。", "Connection lost. Updating when it is back."),
        "failed_network": (
            "送信できたか確認できません。文章は残しています。接続を確かめて、もう一度お試しください。",
            "Could not confirm that it was sent. Your text is kept; try again.",
        ),
        "done_by_now": ("この対応は対応済みです。再開すると返信できます。", "This is done. Reopen it to reply."),
        "not_found": ("この会話は見つかりません", "There is no such conversation"),
        "not_found_more": ("保存期間が過ぎたか、削除されました。", "It is no longer kept, or it was erased."),
        # Notices after an action.
        "sent": ("送信しました", "Sent"),
        "sent_closed": ("送信して、対応済みにしました", "Sent and closed"),
        "sent_not_closed": (
            "送信しました。お客様から新しいメッセージが届いたため、対応済みにはしていません。",
            "Sent. Not closed: the customer has written since.",
        ),
        "pending": (
            "送信中です。結果は会話に表示されます。",
            "Being sent. The result will be shown in the conversation.",
        ),
        "unconfirmed": (
            "届いたか確認できません。二重に届くのを避けるため、再送していません。",
            "Nobody can know whether it arrived. Not repeated, to avoid a double message.",
        ),
        "failed": ("送信できませんでした。文章は返信欄に残しています。", "Not sent. Your text is back in the box."),
        "empty": ("返信を入力してください。", "Write a reply first."),
        "too_long": (
            "長すぎます。1回に送れるのは、5,000字のメッセージ5通分までです。",
            "Too long: at most five messages of 5,000 characters at once.",
        ),
        "unfilled": (
            "まだ埋めていないところ（{hole}）があります。このまま送りますか?",
            "Something is not filled in yet ({hole}). Send it as it is?",
        ),
        "send_anyway": ("このまま送る", "Send as it is"),
        "held": (
            "{who}さんが担当しているため、行っていません。必要なら引き継いでください。",
            "Not done: {who} holds this. Take over if you need to.",
        ),
        "newer": (
            "お客様から新しいメッセージが届いています。確かめてから、もう一度送ってください。",
            "The customer has written since. Read it, then send again.",
        ),
        "is_done": (
            "対応済みのため、送信していません。再開すると返信できます。",
            "Not done: it is closed. Reopen it first.",
        ),
        "race": (
            "ほかの操作と重なったため、行っていません。内容を確かめて、もう一度お試しください。",
            "Somebody else was faster. Nothing was done; look again and retry.",
        ),
        "already": (
            "この返信欄からはもう送信しています。続けて送る場合は、もう一度押してください。",
            "This box has sent already. Press again to send this as well.",
        ),
        "claimed": ("担当になりました", "You hold this now"),
        "closed_now": ("対応済みにしました", "Closed"),
        "counted": ("返信済みとして記録しました", "Recorded as replied"),
        "reopened": ("対応を再開しました", "Reopened"),
        "saved": ("保存しました", "Saved"),
        "too_long_field": ("長すぎる項目があるため、保存していません。", "Not saved: something is too long."),
    }
)
_REASONS: Mapping[HandoffReason, str] = MappingProxyType(
    {
        "asked": "Asked for a person",
        "no_entry": "No FAQ fits",
        "unsure": "Not sure enough",
        "topic": "A topic for staff",
        "media": "Photo or video",
        "staff_first": "Hours of the staff",
        "after_hours": "Written after hours",
        "paused": "Auto-reply off",
        "late": "Too late to answer",
        "overflow": "Too many messages",
        "error": "System error",
        "staff": "Staff wrote first",
    }
)
_WHY: Mapping[HandoffReason, tuple[str, str]] = MappingProxyType(
    {
        "asked": ("お客様がスタッフとの会話を希望しました。", "The customer asked for a person."),
        "no_entry": ("近いFAQがありませんでした。", "No FAQ entry came near."),
        "unsure": (
            "近いFAQはありましたが、自動で送れるほど確かではありませんでした。",
            "An entry came near, but not surely enough to send it.",
        ),
        "topic": ("スタッフが対応すると決めてある話題です。", "The shop wants staff to handle this topic."),
        "media": ("写真やファイルなど、文字以外のメッセージです。", "It is a photo, file or the like."),
        "staff_first": (
            "この時間帯は、はじめからスタッフが対応する設定です。",
            "At this hour staff answer everything, as the shop has set.",
        ),
        "after_hours": ("営業時間外のご連絡です。", "It was written while the shop was closed."),
        "paused": ("自動応答がオフになっています。", "Automatic answers are switched off."),
        "late": (
            "受信から時間がたっていたため、自動では送りませんでした。",
            "It was too late to answer it automatically.",
        ),
        "overflow": ("短い間に多くのメッセージが届きました。", "Too many messages arrived at once."),
        "error": ("自動応答で問題が起きました。", "Something went wrong with the automatic answer."),
        "staff": ("スタッフから先に連絡しました。", "Staff wrote first."),
    }
)
_DELIVERIES: Mapping[Delivery, tuple[str, str]] = MappingProxyType(
    {
        "sent": ("送信済み", "Sent"),
        "pending": ("送信中", "Sending"),
        "unconfirmed": ("未確認", "Unconfirmed"),
        "failed": ("失敗", "Failed"),
        "superseded": ("スタッフが返信したため送りませんでした", "Not sent: staff took over"),
    }
)


def words(lang: Lang) -> dict[str, str]:
    """All words of one language, by name."""
    return {name: _pick(both, lang) for name, both in (*_WORDS.items(), *SHOP_WORDS.items())}


def _pick(both: tuple[str, str], lang: Lang) -> str:
    return both[0] if lang == "ja" else both[1]


def reason(handoff: HandoffRecord, lang: Lang) -> str:
    """Why the bot did not answer, in a word."""
    return REASONS[handoff.reason] if lang == "ja" else _REASONS[handoff.reason]


def explanation(handoff: HandoffRecord, lang: Lang) -> str:
    """Why the bot did not answer, in a sentence."""
    return _pick(_WHY[handoff.reason], lang)


def delivery(state: Delivery, lang: Lang) -> str:
    """What became of a bubble of ours."""
    return _pick(_DELIVERIES[state], lang)


def state(handoff: HandoffRecord, lang: Lang) -> str:
    """How a handoff stands."""
    match handoff.status:
        case "waiting":
            return _pick(("要対応", "Waiting"), lang)
        case "active" if handoff.unreplied_since:
            return _pick(("対応中", "Active"), lang)
        case "active":
            return _pick(("対応中・お客様の返信待ち", "Active, waiting for the customer"), lang)
        case "done":
            return _pick(("対応済み", "Done"), lang)


def length(time: timedelta, lang: Lang) -> str:
    """How long, in one unit."""
    minutes = max(0, int(time.total_seconds() // 60))
    for size, ja, en in ((1440, "日", "d"), (60, "時間", "h"), (1, "分", "m")):
        if minutes >= size:
            return f"{minutes // size}{ja if lang == 'ja' else en}"
    return "1分" if lang == "ja" else "1m"


class QuotaWords(msgspec.Struct, frozen=True):
    """What the line on top says about the month's messages; `bad` where there are too few."""

    used: str
    forecast: str
    bad: bool


def quota(quota: Quota, lang: Lang) -> QuotaWords | None:
    """Say how many of the month's messages are used and how long they last; None where LINE has not said."""
    said, left, ends = words(lang), left_of(quota), runs_out_on(quota)
    if left == 0:
        return QuotaWords(said["quota_over"], "", bad=True)
    if quota.at is None:
        return None
    if quota.limit is None:
        return QuotaWords(said["quota_no_limit"].format(used=quota.used), "", bad=False)
    forecast = said["quota_ends"].format(day=ends.day) if ends else ""
    used = said["quota_used"].format(used=quota.used, limit=quota.limit)
    return QuotaWords(used, forecast, bad=bool(ends) or is_short(quota))


def day(at: datetime, zone: tzinfo, lang: Lang) -> str:
    """A day, as it stands between the messages of two days."""
    local = at.astimezone(zone)
    if lang == "ja":
        return f"{local.month}月{local.day}日({'月火水木金土日'[local.weekday()]})"
    return f"{local:%a %b} {local.day}"


def clock(at: datetime, zone: tzinfo) -> str:
    """The time of a day."""
    local = at.astimezone(zone)
    return f"{local.hour}:{local.minute:02}"
