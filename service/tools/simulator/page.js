// The simulator's page: holds what is shown, listens for news, and passes on what the customer does.

import { drawButtons, drawChat, make } from "./chat.js";
import { drawRecord } from "./record.js";
import { language, switchLanguage, translate, word } from "./words.js";

const POLL_MS = 1500;
const $ = (id) => document.getElementById(id);
const chats = new Map();
const seen = new Map();
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

const act = (name, body) => post(`/customers/${selected}/${name}`, body);

const actions = {
  retry: (event) => act("retries", { event }),
  tap(action) {
    if (action.inputOption === "openKeyboard") {
      $("text").value = action.fillInText ?? "";
      $("text").focus();
    }
    if (action.type === "postback") act("taps", { data: action.data, displayText: action.displayText });
    if (action.type === "message") act("texts", { text: action.text });
    if (action.type === "camera" || action.type === "cameraRoll") act("photos");
    if (action.type === "clipboard") navigator.clipboard.writeText(action.clipboardText);
  },
};

$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim() || !selected) return;
  $("text").value = "";
  act("texts", { text }).catch(() => { $("text").value ||= text; });
});

$("text").addEventListener("keydown", (event) => {
  // While an input method composes, Enter chooses characters (keyCode 229 is how Safari says so).
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  $("compose").requestSubmit();
});

$("sticker").addEventListener("click", () => act("stickers"));
$("photo").addEventListener("click", () => act("photos"));
$("add").addEventListener("click", async () => select((await post("/customers")).id));
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
  showTab("chat");
  draw();
  refreshRecord();
}

function draw() {
  translate(document);
  $("language").textContent = word("other_language");
  $("language").lang = language() === "ja" ? "en" : "ja";
  $("shop").textContent = shop;
  drawSelected();
  drawCustomers();
  drawRecord($("record"), $("state"), record);
}

function drawSelected() {
  const chat = chats.get(selected);
  if (!chat) return;
  $("as").textContent = word("as", { name: chat.customer.name });
  seen.set(selected, chat.lines.length);
  drawChat($("log"), { ...chat, shop }, actions);
  drawButtons($("buttons"), chat, actions);
}

function drawCustomers() {
  const focused = document.activeElement?.dataset?.customer;
  $("customers").replaceChildren(...[...chats.values()].map(customerItem));
  if (focused) document.querySelector(`[data-customer="${focused}"]`)?.focus();
}

function customerItem({ customer, lines }) {
  const isUnread = lines.slice(seen.get(customer.id) ?? 0).some((line) => line.side === "shop");
  const avatar = make("span", "avatar", customer.name.slice(0, 1));
  avatar.setAttribute("aria-hidden", "true");
  const last = lines.filter((line) => line.type).at(-1);
  const preview = last?.unsent ? word("unsent") : last ? last.text ?? word(`${last.type === "image" ? "photo" : last.type}_tile`) : word("nothing_yet");
  const names = make("span", "names", make("span", "name", customer.name), make("span", "preview", preview));
  const dot = isUnread ? make("span", "dot", make("span", "hidden", word("unread"))) : null;
  const button = make("button", "customer", avatar, names, dot);
  button.type = "button";
  button.dataset.customer = customer.id;
  if (customer.id === selected) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => select(customer.id));
  return make("li", "", button);
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
news.addEventListener("shop", (event) => {
  const data = JSON.parse(event.data);
  shop = data.name;
  for (const customer of data.customers) {
    if (!chats.has(customer.id)) chats.set(customer.id, { customer, lines: [], loading_ms: 0 });
  }
  if (!chats.has(selected)) selected = data.customers[0]?.id ?? null;
  draw();
  refreshRecord();
});
news.addEventListener("chat", (event) => {
  const chat = JSON.parse(event.data);
  chats.set(chat.customer.id, chat);
  if (chat.customer.id === selected) {
    drawSelected();
    refreshRecord();
  }
  drawCustomers();
});

setInterval(refreshRecord, POLL_MS);
showTab("chat");
translate(document);
