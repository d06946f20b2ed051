// The page's words in both languages, and the language in use. Reason codes and states are those of Henji's REST API.

const JA = {
  title: "Henji シミュレーター", simulator: "シミュレーター", other_language: "English", views: "表示の切り替え",
  hint: "お客様になってメッセージを送ってみてください。LINEには何も送られません。",
  customers: "お客様", chat: "トーク", record: "判断の記録", record_short: "記録", add: "＋新しい友だち",
  lost: "シミュレーターとの接続が切れました。つなぎ直しています…",
  shop_time: "お店の時計", night: "夜へ", morning: "翌朝へ", holiday: "祝日へ", hour: "＋1時間", now: "今に戻す",
  moved: "進めています", open: "営業中", closed: "営業時間外",
  as: "{name} さんの画面", message: "メッセージ", placeholder: "メッセージを入力", send: "送信",
  group_name: "{name}（{count}）", speaker: "書く人", mention: "お店をメンションする",
  block: "ブロック", unblock: "ブロックを解除", leave: "退会させる", invite: "招待する",
  blocked: "このアカウントをブロックしています。", not_in_group: "{shop}は、まだこのグループにいません。",
  blocking: "ブロック中", not_invited: "お店はまだ招待されていません",
  sticker: "スタンプを送る", things: "写真などを送る", photo_sample: "写真", photo_pick: "写真を選ぶ", file_pick: "ファイルを選ぶ",
  sticker_thanks: "ありがとう", sticker_ok: "OK", sticker_crying: "えーん", sticker_question: "はてな？",
  menu: "メッセージの操作", unsend: "送信を取り消す", redeliver: "もう一度届ける（Webhookの再送）",
  not_sent: "送れませんでした。もう一度お試しください。", too_large: "10 MBまでのファイルを送れます。",
  play: "ボイスメッセージを再生（{length}）", size: "{size} KB",
  buttons: "返信の候補", unread: "新しい返信があります", nothing_yet: "まだメッセージはありません",
  read: "既読", free: "無料", billed: "1通", same: "同じ1通", operator: "手動チャット", auto: "応答メッセージ",
  free_hint: "返信（reply）なので無料です", billed_hint: "プッシュ送信：月の無料枠から1通", same_hint: "同じプッシュに含まれる吹き出し",
  operator_hint: "LINE公式アカウントの管理画面から送信", auto_hint: "LINE公式アカウントの応答メッセージ",
  failed: "送信できませんでした（Henji が応答しません）", retry: "再送", unsent: "送信を取り消しました",
  photo_tile: "写真", sticker_tile: "スタンプ", video_tile: "動画", audio_tile: "ボイス", file_tile: "ファイル", location_tile: "位置情報",
  other_tile: "{type} メッセージ", writing: "入力中", today: "今日",
  no_record: "メッセージを送ると、Henji がどう判断したかがここに表示されます。",
  unreachable: "Henji に接続できません。", stopped: "スタッフが対応するまで自動応答は止まっています",
  bot: "自動応答中", waiting_state: "要対応", human: "対応中", paused: "自動応答オフ",
  answer: "回答", clarify: "確認", handoff: "スタッフへ", greet: "あいさつ", silent: "応答なし",
  entry: "FAQ", choices: "お客様に示した選択肢", candidates: "候補と正しい確率", no_candidates: "候補はありません",
  thresholds: "回答 {sure} 以上・選択肢は合計 {clarify} 以上", threshold_label: "しきい値", knowledge: "知識の版", took: "処理時間",
  model: "AI", model_said: "{name}：{verdict}（{ms}）", customer_wrote: "お客様のメッセージ", sent_media: "（{type}）",
  reasons: {
    sure: "FAQに確かな答えがあるため、そのまま回答しました",
    keyword: "キーワードがぴったり一致したため、回答しました",
    choice: "お客様が選択肢から選んだため、回答しました",
    model: "AIが候補の中から1つを選んだため、回答しました",
    unsure: "近いFAQはありますが、確信が持てませんでした",
    model_unclear: "AIも1つに絞れなかったため、お客様に確認しました",
    asked: "お客様がスタッフとの会話を希望しました",
    no_entry: "当てはまるFAQがありません",
    topic: "スタッフが対応する話題です",
    media: "写真や動画などは、スタッフが確認します",
    staff_first: "この時間帯は、スタッフが先に対応します",
    after_hours: "営業時間外のため、スタッフに引き継ぎました",
    paused: "自動応答をオフにしているため、スタッフに引き継ぎました",
    late: "時間内に答えを出せなかったため、スタッフに引き継ぎました",
    overflow: "メッセージが多すぎて受け取りきれず、スタッフに引き継ぎました",
    error: "システムエラーのため、スタッフに引き継ぎました",
    staff: "スタッフからメッセージを送りました",
    staff_owns: "スタッフが対応中のため、自動応答は控えました",
    waiting: "スタッフの返信待ちのため、自動応答は控えました",
    stale_button: "選択肢が古くなったため、選び直していただきました",
    greeting: "ごあいさつに、ボタンを添えてお返ししました",
    welcome: "友だち追加へのごあいさつです",
    courtesy: "お礼やあいさつのため、返信は不要です",
    not_a_message: "メッセージではないため、返信は不要です",
    unsent: "送信が取り消されました",
    group: "グループトークでは応答しません",
  },
};

const EN = {
  title: "Henji simulator", simulator: "simulator", other_language: "日本語", views: "Switch view",
  hint: "Play the customer and send a message. Nothing is ever sent to LINE.",
  customers: "Customers", chat: "Chat", record: "What Henji decided", record_short: "Record", add: "+ New friend",
  lost: "The connection to the simulator is lost. Reconnecting…",
  shop_time: "The shop's clock", night: "Night", morning: "Next morning", holiday: "Holiday", hour: "+1 h", now: "Back to now",
  moved: "moved ahead", open: "open", closed: "closed",
  as: "As {name} sees it", message: "Message", placeholder: "Write a message", send: "Send",
  group_name: "{name} ({count})", speaker: "Writing as", mention: "Mention the shop",
  block: "Block", unblock: "Unblock", leave: "Remove the shop", invite: "Invite",
  blocked: "This account is blocked.", not_in_group: "{shop} is not in this group yet.",
  blocking: "Blocked", not_invited: "The shop is not invited yet",
  sticker: "Send a sticker", things: "Send a photo and more", photo_sample: "Photo", photo_pick: "Choose a photo", file_pick: "Choose a file",
  sticker_thanks: "Thank you", sticker_ok: "OK", sticker_crying: "Crying", sticker_question: "Question marks",
  menu: "Message options", unsend: "Unsend", redeliver: "Deliver again (webhook redelivery)",
  not_sent: "That could not be sent. Please try again.", too_large: "A file may have 10 MB.",
  play: "Play the voice message ({length})", size: "{size} KB",
  buttons: "Quick replies", unread: "has a new reply", nothing_yet: "No messages yet",
  read: "Read", free: "free", billed: "1 push", same: "same push", operator: "by hand", auto: "auto-response",
  free_hint: "A reply: free of charge", billed_hint: "A push: one message of the month's quota", same_hint: "Another bubble of the same push",
  operator_hint: "Sent from LINE Official Account Manager", auto_hint: "LINE Official Account's own auto-response",
  failed: "Not sent (Henji does not answer)", retry: "Send again", unsent: "Message unsent",
  photo_tile: "Photo", sticker_tile: "Sticker", video_tile: "Video", audio_tile: "Voice", file_tile: "File", location_tile: "Location",
  other_tile: "{type} message", writing: "Writing", today: "Today",
  no_record: "Send a message, and what Henji decided appears here.",
  unreachable: "Henji cannot be reached.", stopped: "Automatic answers are off until staff have replied",
  bot: "Answering automatically", waiting_state: "Needs a reply", human: "Staff are replying", paused: "Automatic answers off",
  answer: "Answer", clarify: "Ask back", handoff: "To staff", greet: "Greeting", silent: "No reply",
  entry: "FAQ", choices: "Choices shown to the customer", candidates: "Candidates and their probability", no_candidates: "No candidates",
  thresholds: "answer from {sure}, choices from {clarify} together", threshold_label: "Thresholds", knowledge: "Knowledge version", took: "Took",
  model: "Model", model_said: "{name}: {verdict} ({ms})", customer_wrote: "The customer wrote", sent_media: "({type})",
  reasons: {
    sure: "The FAQ has a certain answer, sent word for word",
    keyword: "The message is exactly one of the keywords",
    choice: "The customer picked one of the choices",
    model: "The language model picked one of the candidates",
    unsure: "There are similar entries, but none is certain enough",
    model_unclear: "The language model could not tell them apart either, so the customer is asked",
    asked: "The customer asked for a person",
    no_entry: "No FAQ entry fits",
    topic: "A topic that staff handle themselves",
    media: "Staff look at photos, videos and the like",
    staff_first: "At this hour staff answer first",
    after_hours: "The shop is closed, so staff take over",
    paused: "Automatic answers are off, so staff take over",
    late: "No answer was found in time, so staff take over",
    overflow: "Too many messages to take them all, so staff take over",
    error: "A system error: staff take over",
    staff: "Staff wrote to the customer",
    staff_owns: "Staff are handling this conversation",
    waiting: "The customer is already waiting for staff",
    stale_button: "The choices had changed, so the customer chooses again",
    greeting: "A greeting, returned with buttons to start with",
    welcome: "A welcome to a new friend",
    courtesy: "Thanks or a greeting: no reply needed",
    not_a_message: "Not a message: no reply needed",
    unsent: "The customer took it back",
    group: "Henji does not talk in groups",
  },
};

let words = navigator.language.toLowerCase().startsWith("ja") ? JA : EN;

/** The word for `name`, its `{places}` filled from `values`. */
export function word(name, values = {}) {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** A reason code in plain words; an unknown code as it is. */
export const reason = (code) => words.reasons[code] ?? code ?? "";

/** The language in use, as in the `lang` attribute. */
export const language = () => (words === JA ? "ja" : "en");

/** Switch to the other language. */
export function switchLanguage() {
  words = words === JA ? EN : JA;
}

/** Write the words into every element that names one. */
export function translate(root) {
  root.documentElement.lang = language();
  root.title = word("title");
  for (const [name, write] of [
    ["word", (element, text) => { element.textContent = text; }],
    ["label", (element, text) => element.setAttribute("aria-label", text)],
    ["placeholder", (element, text) => element.setAttribute("placeholder", text)],
  ]) {
    for (const element of root.querySelectorAll(`[data-${name}]`)) write(element, word(element.dataset[name]));
  }
}
