// The simulator's page: holds what is shown, listens for news, and passes on what the customer does.

import { kind, make } from "./bubbles.js";
import { drawButtons, drawChat } from "./chat.js";
import { drawClock, setClock, startClock } from "./clock.js";
import { drawRecord } from "./record.js";
import { closeTrays, drawStickers, fill, pickPhoto, say, startSending } from "./send.js";
import { language, switchLanguage, translate, word } from "./words.js";

const POLL_MS = 1500;
const $ = (id) => document.getElementById(id);
const chats = new Map();
const seen = new Map();
const speakers = new Map();
let shop = "";
let selected = null;
let record = { status: "unknown" };

/* What the customer does */

async function post(path, body = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** Who writes in a chat: the customer itself, in a group the member that was chosen. */
const me = (who) => (who.members ? speakers.get(who.id) ?? who.members[0].id : who.id);

const act = (deed, body = {}) => post(`/chats/${selected}/${deed}`, { ...body, as: me(chats.get(selected).who) });

/** Do something where failing only needs to be said. */
const tryTo = (doing) => doing.then(() => say(""), () => say(word("not_sent")));

const actions = {
  redeliver: (line) => tryTo(act("redeliveries", { event: line.key })),
  unsend: (line) => tryTo(act("unsends", { message: line.message })),
  tap(action) {
    if (action.inputOption === "openKeyboard") fill(action.fillInText ?? "");
    if (action.type === "postback") tryTo(act("taps", { data: action.data, displayText: action.displayText }));
    if (action.type === "message") tryTo(act("texts", { text: action.text }));
    if (action.type === "camera") tryTo(act("photos"));
    if (action.type === "cameraRoll") pickPhoto();
    if (action.type === "location") tryTo(act("places"));
    if (action.type === "clipboard") navigator.clipboard.writeText(action.clipboardText);
  },
};

startSending(act, () => shop);
startClock((to) => tryTo(post("/clock", { to })));
$("to-clock").addEventListener("click", () => {
  showTab("customers");
  $("moves").querySelector("button").focus();
});
$("block").addEventListener("click", () => tryTo(act("blocks")));
$("unblock").addEventListener("click", () => tryTo(act("unblocks")));
$("speaker").addEventListener("change", () => {
  speakers.set(selected, $("speaker").value);
  drawSelected();
});
$("add").addEventListener("click", () => tryTo(post("/customers").then(({ id }) => select(id))));
$("language").addEventListener("click", () => {
  switchLanguage();
  draw();
});
for (const button of document.querySelectorAll(".tabs button")) {
  button.addEventListener("click", () => showTab(button.dataset.tab));
}

/* What is shown */

function showTab(name) {
  document.body.dataset.tab = name;
  for (const button of document.querySelectorAll(".tabs button")) {
    button.setAttribute("aria-current", String(button.dataset.tab === name));
  }
  if (name === "chat") $("log").scrollTop = $("log").scrollHeight;
}

function select(id) {
  selected = id;
  record = { status: "unknown" };
  say("");
  closeTrays();
  showTab("chat");
  draw();
  refreshRecord();
}

function draw() {
  translate(document);
  $("language").textContent = word("other_language");
  $("language").lang = language() === "ja" ? "en" : "ja";
  drawStickers();
  drawClock();
  drawSelected();
  drawChats();
  drawRecord($("record"), $("state"), record);
}

function drawSelected() {
  const chat = chats.get(selected);
  if (!chat) return;
  seen.set(selected, chat.lines.length);
  drawHead(chat.who);
  const showsEnd = drawChat($("log"), { ...chat, shop, me: me(chat.who) }, actions);
  drawButtons($("buttons"), chat, actions);
  if (showsEnd) $("log").scrollTop = $("log").scrollHeight;
}

function drawHead(who) {
  const isGroup = Boolean(who.members);
  $("shop").textContent = isGroup ? word("group_name", { name: who.name, count: who.members.length + Number(who.open) }) : shop;
  $("as").textContent = word("as", { name: who.name });
  $("as").hidden = isGroup;
  $("speaker-box").hidden = !isGroup;
  if (isGroup) drawSpeakers(who);
  $("mention").hidden = !isGroup;
  $("block").hidden = $("compose").hidden = !who.open;
  $("closed").hidden = who.open;
  $("block").textContent = word(isGroup ? "leave" : "block");
  $("unblock").textContent = word(isGroup ? "invite" : "unblock");
  $("why-closed").textContent = word(isGroup ? "not_in_group" : "blocked", { shop });
  if (!who.open) closeTrays();
}

function drawSpeakers(who) {
  const signature = JSON.stringify(who.members);
  if ($("speaker").dataset.signature !== signature) {
    $("speaker").dataset.signature = signature;
    $("speaker").replaceChildren(...who.members.map(({ id, name }) => new Option(name, id)));
  }
  $("speaker").value = me(who);
}

function drawChats() {
  const focused = document.activeElement?.dataset?.chat;
  const all = [...chats.values()].sort((a, b) => Boolean(a.who.members) - Boolean(b.who.members));
  $("customers").replaceChildren(...all.map(chatItem));
  if (focused) document.querySelector(`[data-chat="${focused}"]`)?.focus();
}

function chatItem({ who, lines }) {
  const isUnread = lines.slice(seen.get(who.id) ?? 0).some((line) => line.side === "shop");
  const avatar = make("span", who.members ? "avatar group-avatar" : "avatar", who.members ? String(who.members.length) : who.name.slice(0, 1));
  avatar.setAttribute("aria-hidden", "true");
  const names = make("span", "names", make("span", "name", who.name), make("span", "preview", preview(who, lines)));
  const dot = isUnread ? make("span", "dot", make("span", "hidden", word("unread"))) : null;
  const button = make("button", "customer", avatar, names, dot);
  button.type = "button";
  button.dataset.chat = who.id;
  if (who.id === selected) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => select(who.id));
  return make("li", "", button);
}

function preview(who, lines) {
  if (!who.open) return word(who.members ? "not_invited" : "blocking");
  const last = lines.filter((line) => line.type).at(-1);
  if (!last) return word("nothing_yet");
  return last.unsent ? word("unsent") : last.text ?? kind(last.type);
}

/* News */

async function refreshRecord() {
  const asked = selected;
  if (!asked || document.hidden) return;
  const answer = await fetch(`/state/${asked}`).then((response) => response.json()).catch(() => ({ status: "unreachable" }));
  if (asked !== selected || JSON.stringify(answer) === JSON.stringify(record)) return;
  record = answer;
  drawRecord($("record"), $("state"), record);
}

const news = new EventSource("/events");
news.addEventListener("open", () => { $("lost").hidden = true; });
news.addEventListener("error", () => { $("lost").hidden = false; });
news.addEventListener("clock", (event) => setClock(JSON.parse(event.data)));
news.addEventListener("shop", (event) => {
  const data = JSON.parse(event.data);
  shop = data.name;
  for (const who of data.chats) {
    if (!chats.has(who.id)) chats.set(who.id, { who, lines: [], loading_ms: 0 });
  }
  if (!chats.has(selected)) selected = data.chats[0]?.id ?? null;
  draw();
  refreshRecord();
});
news.addEventListener("chat", (event) => {
  const chat = JSON.parse(event.data);
  chats.set(chat.who.id, chat);
  if (chat.who.id === selected) {
    drawSelected();
    refreshRecord();
  }
  drawChats();
});

setInterval(refreshRecord, POLL_MS);
showTab("chat");
translate(document);
