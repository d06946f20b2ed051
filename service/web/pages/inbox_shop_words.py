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
        # Numbers
        "day": (
            "今日 受信{received}・自動{answered}・スタッフへ{handed_over}",
            "Today: {received} received, {answered} answered, {handed_over} to staff",
        ),
        "quota_used": ("今月 {used}/{limit}通", "This month {used}/{limit} messages"),
        "quota_no_limit": ("今月 {used}通", "This month {used} messages"),
        "quota_ends": ("このペースだと{day}日に上限", "at this pace used up on day {day}"),
        "quota_over": ("今月の送信数の上限に達しました", "This month's messages are used up"),
        "line_chat": ("LINEのチャットで返信（無料）", "Reply in LINE's chat (free)"),
        "line_copied": (
            "文章をコピーしました。LINEのチャットに貼り付けて送ったら、「LINEで返信した」を押してください。",
            "Copied. Paste it into LINE's chat, send it there, then press 'Replied in LINE'.",
        ),
        "line_not_copied": (
            "文章をコピーできませんでした。選択してコピーし、LINEのチャットに貼り付けてください。",
            "Could not copy. Select the text, copy it and paste it into LINE's chat.",
        ),
        "more_ways": ("ほかの返信方法", "Other ways to reply"),
        "failed_quota": (
            "今月の送信数の上限に達したため、送信できませんでした。文章は返信欄に残しています。LINEのチャットなら無料で返信できます。",
            "Not sent: this month's messages are used up. Your text is back in the box; LINE's own chat is free.",
        ),
        "blocked": (
            "お客様がこのアカウントをブロックしているため、送っても届きません。文章は返信欄に残しています。",
            "The customer has blocked this account: nothing arrives. Your text is back in the box.",
        ),
        "is_blocked": ("ブロックされています", "Has blocked the account"),
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
        # Why
        "versions": ("FAQの版 {faq}・確率の計算 {calibration}", "FAQ version {faq}, calibration {calibration}"),
        "model_pick": ("言語モデルは「{entry}」を選びました。", "The language model picked: {entry}"),
        "model_none": (
            "言語モデルは、どのFAQも合わないと判断しました。",
            "The language model found that no entry fits.",
        ),
        "model_unclear": ("言語モデルは、どのFAQか決められませんでした。", "The language model could not tell which."),
        "model_away": ("言語モデルの返事は使えませんでした。", "The language model gave no usable verdict."),
        # Who holds it
        "assign": ("担当を決める", "Assign"),
        "assign_choose": ("担当者を選ぶ", "Choose who"),
        "assign_to": ("担当するスタッフを選んでください", "Who shall hold it?"),
        "assign_now": ("いまの担当：{who}", "Held by {who}"),
        "assigned": ("担当を変えました", "Assigned"),
        "nobody_there": ("そのお名前のスタッフはいません。", "Nobody of that name can sign in."),
        # Records
        "records": ("お客様の記録", "The customer's records"),
        "export": ("書き出す", "Export"),
        "export_help": (
            "会話・対応・メモ・写真など、保存しているすべてを1つのファイルにします。",
            "All that is kept: talks, handoffs, notes and photos, in one file.",
        ),
        "erase": ("削除する", "Erase"),
        "erase_help": (
            "このお客様の会話・対応・写真をすべて削除します。元に戻せません。続けるには「削除」と入力してください。",
            "Everything about this customer is deleted for good. Type 'erase' to go on.",
        ),
        "erase_word": ("「削除」と入力", "Type 'erase'"),
        "erase_word_wrong": (
            "削除していません。続けるには「削除」と入力してください。",
            "Not erased. Type 'erase' to go on.",
        ),
        "after_hours_row": ("営業時間外に受信", "came after hours"),
    }
)
