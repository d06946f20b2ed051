"""Every word of the staff's pages, in Japanese and in English."""

from typing import Literal

from service.web.pages.faq_words import FAQ_WORDS
from service.web.pages.insights_words import INSIGHT_WORDS
from service.web.pages.notification_words import NOTIFICATION_WORDS

WORDS: dict[str, tuple[str, str]] = (
    NOTIFICATION_WORDS
    | INSIGHT_WORDS
    | FAQ_WORDS
    | {
        # Everywhere
        "product": ("返事", "Henji"),
        "inbox": ("受信箱", "Inbox"),
        "staff": ("スタッフ", "Staff"),
        "skip": ("本文へ移動", "Skip to content"),
        "menu": ("メニュー", "Menu"),
        "log_out": ("ログアウト", "Sign out"),
        "other_language": ("English", "日本語"),
        "signed_in_as": ("ログイン中", "Signed in as"),
        "back_to_inbox": ("受信箱へ", "To the inbox"),
        "copy": ("コピー", "Copy"),
        "copied": ("コピーしました", "Copied"),
        "show_password": ("パスワードを表示", "Show password"),
        # Logging in
        "log_in": ("ログイン", "Sign in"),
        "name": ("お名前", "Name"),
        "password": ("パスワード", "Password"),
        "login_wrong": ("お名前かパスワードが違います。", "The name or the password is wrong."),
        "login_wait": (
            "ログインの回数が多すぎます。あと{minutes}分ほどお待ちください。",
            "Too many attempts. Please wait about {minutes} minutes.",
        ),
        "login_help": (
            "パスワードを忘れたときは、オーナーに再設定リンクを送ってもらってください。",
            "Forgotten your password? Ask an owner to send you a new link.",
        ),
        "session_over": ("もう一度ログインしてください", "Please sign in again"),
        "session_over_help": (
            "しばらく操作がなかったため、ログアウトしました。書きかけの文章はこの画面に残っています。",
            "You were signed out. What you have typed is still on this page.",
        ),
        # One-time links
        "welcome": ("{name}さん、ようこそ", "Welcome, {name}"),
        "welcome_help": (
            "はじめに、ログイン用のパスワードを決めてください。",
            "First, choose the password that you will sign in with.",
        ),
        "reset": ("新しいパスワード", "A new password"),
        "reset_help": (
            "{name}さんの新しいパスワードを決めてください。ほかの端末では自動的にログアウトします。",
            "Choose a new password for {name}. You will be signed out everywhere else.",
        ),
        "demo_help": ("デモの受信箱を、{name}さんとして開きます。", "Open the demo's inbox as {name}."),
        "shown_as": ("お客様には「スタッフ {name}」と表示されます。", "Customers see you as 「スタッフ {name}」."),
        "password_rule": (
            "10文字以上。ことばをいくつかつなげると、覚えやすく安全です。",
            "At least 10 characters. A few words in a row are easy to remember and safe.",
        ),
        "password_short": ("10文字以上にしてください。", "Use at least 10 characters."),
        "password_long": ("200文字以内にしてください。", "Use at most 200 characters."),
        "password_common": (
            "推測されやすいパスワードです。別のことばを加えるなどして変えてください。",
            "This password is easy to guess. Add other words, or choose another one.",
        ),
        "password_set": ("決定してログイン", "Save and sign in"),
        "begin": ("受信箱を開く", "Open the inbox"),
        "link_over": (
            "このリンクは、使用済みか期限切れです。オーナーに新しいリンクを送ってもらってください。",
            "This link was used already or has expired. Ask an owner for a new one.",
        ),
        # People
        "staff_help": (
            "お名前は、返信するときお客様に「スタッフ 佐藤」のように表示されます。",
            "Customers see the name of who replies: 「スタッフ 佐藤」.",
        ),
        "invite": ("スタッフを招待", "Invite somebody"),
        "invite_button": ("招待リンクを作る", "Make an invitation link"),
        "role": ("役割", "Role"),
        "owner": ("オーナー", "Owner"),
        "role_staff": ("スタッフ", "Staff"),
        "invite_made": ("{name}さんの招待リンク", "Invitation for {name}"),
        "reset_made": ("{name}さんの再設定リンク", "Password link for {name}"),
        "invite_made_help": (
            "7日間、1回だけ使えます。ご本人にだけ送ってください。この画面を閉じると、もう表示できません。",
            "Good once, for 7 days. Send it to that person only. It cannot be shown again.",
        ),
        "reset_made_help": (
            "1時間、1回だけ使えます。ご本人にだけ送ってください。この画面を閉じると、もう表示できません。",
            "Good once, for an hour. Send it to that person only. It cannot be shown again.",
        ),
        "link": ("リンク", "Link"),
        "name_wrong": ("お名前は1〜40文字で入力してください。", "A name has 1 to 40 characters."),
        "name_taken": (
            "同じお名前のスタッフがいます。見分けられるお名前にしてください。",
            "Somebody has that name already. Choose one that tells them apart.",
        ),
        "everybody": ("スタッフ一覧", "Everybody"),
        "active": ("利用中", "Active"),
        "invited": ("招待中", "Invited"),
        "disabled": ("停止中", "Disabled"),
        "you": ("あなた", "you"),
        "invite_again": ("招待し直す", "Invite again"),
        "new_password": ("再設定リンク", "Password link"),
        "make_owner": ("オーナーにする", "Make owner"),
        "make_staff": ("スタッフにする", "Make staff"),
        "disable": ("停止", "Disable"),
        "enable": ("再開", "Enable"),
        "for_person": ("（{name}さん）", " ({name})"),
        "disable_help": (
            "「停止」すると、その人はすぐにログアウトされ、ログインできなくなります。",
            "Disabling somebody signs them out at once, everywhere.",
        ),
        # What went wrong
        "error": ("エラー", "Error"),
        "error_403": (
            "この操作はできませんでした。画面が古い場合は、開き直してからもう一度お試しください。",
            "That was not possible. If the page is old, open it again and try once more.",
        ),
        "error_404": ("ページが見つかりません。", "There is no such page."),
        "error_4xx": (
            "この操作はできませんでした。入力を確かめて、もう一度お試しください。",
            "That did not work. Please check what you entered and try again.",
        ),
        "error_500": (
            "申し訳ございません。うまく動きませんでした。少し待ってから、もう一度お試しください。",
            "Sorry, something went wrong here. Please try again in a moment.",
        ),
        "error_503": (
            "ただいま混み合っているか、準備中です。少し待ってから、もう一度お試しください。",
            "The service is busy or starting. Please try again in a moment.",
        ),
    }
)


def say(word: str, language: Literal["ja", "en"], **values: object) -> str:
    """Give a word, its {placeholders} filled. Raises KeyError for one that is not in the table."""
    japanese, english = WORDS[word]
    return (english if language == "en" else japanese).format_map(values)


def error_word(status: int) -> str:
    """The words for an HTTP status."""
    word = f"error_{status}"
    if word in WORDS:
        return word
    return "error_500" if status >= 500 else "error_4xx"
