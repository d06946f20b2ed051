"""More words of the inbox: what concerns the whole shop, and what is done with a customer's records."""

from collections.abc import Mapping
from types import MappingProxyType

SHOP_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # Switches
        "switches": ("営業と自動応答の設定", "Hours and automatic answers"),
        "auto_is_on": (
            "オンです。FAQにある質問には自動でお答えしています。",
            "On. Questions that the FAQ answers are answered automatically.",
        ),
        "auto_is_off": (
            "オフです。お客様への自動の返信はせず、届いたメッセージをすべてスタッフにお知らせします。",
            "Off. Nothing is answered automatically; every message goes to staff.",
        ),
        "switch_on": ("自動応答をオンにする", "Switch auto-reply on"),
        "switch_off": ("自動応答をオフにする", "Switch auto-reply off"),
        "today_business": ("今日の営業", "Today"),
        "today_usual": ("通常", "As usual"),
        "today_closed": ("休業", "Closed"),
        "today_short": ("時短", "Other hours"),
        "set_today": ("本日のみ", "today only"),
        "from": ("開店", "From"),
        "until": ("閉店", "Until"),
        "told": ("お客様へのご案内", "What customers are told"),
        "told_hours": ("本日の営業時間", "Today's hours"),
        "told_promise": ("返信のお約束", "The promised reply"),
        "told_reply": ("スタッフが{when}お返事します", "We will reply {when}"),
        "until_midnight": (
            "今日の営業が終わると、自動で通常に戻ります。",
            "It goes back to the usual hours by itself when today is over.",
        ),
        "no_time": ("開店と閉店の時刻を入力してください。", "Enter when the shop opens and closes."),
        "wrong_order": ("閉店は開店より後の時刻にしてください。", "It must close later than it opens."),
        # One customer
        "auto_here": ("このお客様への自動応答", "Auto-reply to this customer"),
        "paused_here": ("自動応答オフ", "Auto-reply off"),
        "pause": ("オフにする", "Switch off"),
        "unpause": ("オンに戻す", "Switch on again"),
        "pause_help": (
            "オフの間は自動で返信せず、届いたメッセージをすべてスタッフにお知らせします。",
            "While it is off, every message goes to staff and none is answered automatically.",
        ),
        "paused_now": ("自動応答をオフにしました", "Auto-reply is off for this customer"),
        "unpaused_now": ("自動応答をオンに戻しました", "Auto-reply is on again for this customer"),
        "after_hours_row": ("営業時間外に受信", "came after hours"),
    }
)
