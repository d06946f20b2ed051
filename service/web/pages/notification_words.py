"""The words of notifications, the sound, and the app on the home screen, in Japanese and in English."""

NOTIFICATION_WORDS: dict[str, tuple[str, str]] = {
    "notifications": ("通知の設定", "Notifications"),
    "app_is": ("LINEのお問い合わせに返信する受信箱", "The inbox for the shop's LINE messages"),
    "push_here": ("この端末の通知", "Notifications on this device"),
    "push_what": (
        "お客様が返信を待つと、画面を閉じていても知らせます。お客様のお名前や文章は出ません。",
        "You are told when a customer waits, also with this page closed: why, never a name or a word of theirs.",
    ),
    "push_when": (
        "営業時間外は、至急のものを除いて開店までお待たせします。",
        "While the shop is closed, only what is urgent is told before it opens.",
    ),
    "push_on": ("通知を受け取る", "Turn on notifications"),
    "push_is_on": ("この端末で通知を受け取っています。", "Notifications are on in this browser."),
    "push_off": ("この端末の通知を止める", "Turn them off here"),
    "push_refused": (
        "このブラウザーで通知が禁止されています。ブラウザーか端末の設定で、このサイトの通知を許可してください。",
        "Notifications are blocked here. Allow them for this site in the settings of the browser or the device.",
    ),
    "push_failed": (
        "通知を設定できませんでした。電波の良いところで、もう一度お試しください。",
        "That did not work. Please try again with a good connection.",
    ),
    "push_unknown": (
        "このブラウザーは通知に対応していません。SafariやChromeなど、別のブラウザーをお使いください。",
        "This browser knows no notifications. Please use another one.",
    ),
    "push_insecure": (
        "通知には、https で始まるアドレスが必要です。設置された方にお尋ねください。",
        "Notifications need an address that begins with https. Please ask whoever runs this.",
    ),
    "push_on_ios": (
        "iPhone・iPadでは、ホーム画面に追加した「返事」を開いて、この画面で設定します。下の手順をご覧ください。",
        "On an iPhone or iPad, add Henji to the home screen first, open it there, and turn notifications on here.",
    ),
    "push_sample": ("通知はこのように届きます", "This is how notifications look"),
    "push_devices": ("通知を受け取っている端末", "Where you are notified"),
    "push_since": ("{day}から", "since {day}"),
    "push_unnamed": ("名前の分からないブラウザー", "A browser"),
    "push_stop": ("止める", "Turn off"),
    "sound": ("音", "Sound"),
    "sound_on": ("新しい要対応を音で知らせる", "Play a sound when somebody new waits"),
    "sound_help": (
        "受信箱を開いている間だけ鳴ります。この端末だけの設定です。開いたあと一度画面に触れると鳴るようになります。",
        "Only while the inbox is open, on this device only. Browsers want one click on the page first.",
    ),
    "sound_try": ("試し聞き", "Listen"),
    "home": ("ホーム画面に追加", "Add to the home screen"),
    "home_help": (
        "アプリのように、ホーム画面の「返事」から受信箱を開けます。",
        "Open the inbox like an app, from an icon of its own.",
    ),
    "home_ios_1": ("Safariでこの画面を開きます。", "Open this page in Safari."),
    "home_ios_2": ("下の共有ボタン（□に↑）を押します。", "Tap the share button (a square with an arrow)."),
    "home_ios_3": ("「ホーム画面に追加」、「追加」を押します。", "Choose “Add to Home Screen”, then “Add”."),
    "home_ios_4": (
        "ホーム画面の「返事」を開いてログインし、この「通知の設定」で「通知を受け取る」を押します。",
        "Open Henji from the home screen, sign in, and turn notifications on on this page.",
    ),
    "home_android_1": ("Chromeでこの画面を開きます。", "Open this page in Chrome."),
    "home_android_2": (
        "右上の︙から「ホーム画面に追加」、「インストール」を押します。",
        "Tap ⋮, then “Add to Home screen” and “Install”.",
    ),
    "home_android_3": (
        "「返事」を開き、この「通知の設定」で「通知を受け取る」を押します。",
        "Open Henji, and turn notifications on on this page.",
    ),
    "needs_scripts": ("この設定にはJavaScriptが必要です。", "This needs JavaScript."),
}
