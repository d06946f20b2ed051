// The inbox under somebody's hands: where a talk opens, drafts, a moment to take a reply back, keys.
// Every form and link works without this script, too. `find`, `inbox` and `showCount` are those of inbox-live.js.

const isWide = () => matchMedia("(min-width: 760px)").matches;

// A conversation that has just been put on the screen

let lastForm = "";
let heldFocus = false;

function prepareDesk() {
  const desk = find("#desk");
  const log = find("#log");
  if (!log || desk.dataset.ready) return;
  desk.dataset.ready = "true";
  find("dialog[data-closes][open]")?.close();
  const unreplied = find("#unreplied");
  if (unreplied && !find(".notice")) log.scrollTop = unreplied.offsetTop - log.offsetTop - 24;
  else log.scrollTop = log.scrollHeight;
  for (const row of document.querySelectorAll("#list .handoff")) {
    if (row.id === `row-${desk.dataset.handoff}`) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  // What happened while it was on its way was not asked for.
  soon("talk", renewTalk);
  restoreDraft(desk);
  preferWay();
  // Only where the focus went away with the old form: whoever has moved on meanwhile is left there.
  if (lastForm === "reply" && heldFocus && isWide()) find("#text")?.focus();
  lastForm = "";
  // Good news needs no answer; bad news stays.
  setTimeout(() => find(".notice:not(.bad)", desk)?.remove(), 6000);
}

const draftOf = (desk) => `henji-draft-${desk.dataset.handoff}`;

function restoreDraft(desk) {
  if (desk.dataset.clears && ["reply", "elsewhere"].includes(lastForm)) sessionStorage.removeItem(draftOf(desk));
  const text = find("#text");
  if (text && !text.value) text.value = sessionStorage.getItem(draftOf(desk)) ?? "";
}

function preferWay() {
  const done = localStorage.getItem("henji-then") === "done";
  const line = find(".first-where-short");
  const isFree = find("#cost")?.textContent === find("#cost")?.dataset.free;
  const usual = !line || isFree;
  line?.classList.toggle("main", !usual);
  for (const way of document.querySelectorAll(".way")) way.classList.toggle("main", usual && (way.value === "done") === done);
}

function putText(words) {
  const text = find("#text");
  if (!text) return;
  text.value = text.value.trim() ? `${text.value.trimEnd()}\n${words}` : words;
  text.dispatchEvent(new Event("input", { bubbles: true }));
  if (location.hash === "#side") location.hash = "#reply";
  text.focus();
}

document.addEventListener("input", (event) => {
  if (event.target.id === "text") sessionStorage.setItem(draftOf(find("#desk")), event.target.value);
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".acts-menu[open], .ways[open]")) if (!menu.contains(event.target)) menu.open = false;
  const put = event.target.closest("[data-put]");
  if (put) putText(put.dataset.put);
  const chat = event.target.closest(".line-chat");
  if (chat) copyForLine(chat);
});

// LINE's own chat opens by the link itself, in a tab of its own. What was typed goes along on the clipboard.
async function copyForLine(chat) {
  find("#elsewhere button").classList.add("main");
  const text = find("#text");
  try {
    if (text.value.trim()) await navigator.clipboard.writeText(text.value);
    toast(chat.dataset.copied);
  } catch {
    text.select();
    toast(chat.dataset.notCopied);
  }
}

setInterval(() => {
  const cost = find("#cost");
  if (!cost) return;
  cost.since ??= performance.now();
  const left = Number(cost.dataset.freeMs) - (performance.now() - cost.since);
  const words = left >= 15_000 ? cost.dataset.free : left > 0 ? cost.dataset.maybe : cost.dataset.paid;
  if (cost.textContent !== words) cost.textContent = words;
  // Also where the words came renewed: what comes first hangs on them.
  preferWay();
}, 500);

// A moment to take a reply back

let pending = null;

function hold(form) {
  flush();
  const { sending, undo, undone } = inbox().dataset;
  const button = document.createElement("button");
  button.textContent = undo;
  button.addEventListener("click", () => {
    clearTimeout(pending?.timer);
    pending = null;
    toast(undone);
  });
  toast(sending, button);
  button.focus();
  pending = { form, timer: setTimeout(() => {
    pending = null;
    find("#toast").hidden = true;
    htmx.trigger(form, "henji:go");
  }, 5000) };
}

// Whoever moves on has not taken it back.
function flush() {
  if (!pending) return;
  const { form, timer } = pending;
  clearTimeout(timer);
  pending = null;
  fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true });
}

let toastEnds = 0;

function toast(words, button) {
  const line = find("#toast");
  clearTimeout(toastEnds);
  line.replaceChildren(words, ...(button ? [" ", button] : []));
  line.hidden = false;
  if (!button) toastEnds = setTimeout(() => { line.hidden = true; }, 6000);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".undoable")) {
    event.preventDefault();
    hold(form);
    return;
  }
  if (event.submitter?.matches(".way")) localStorage.setItem("henji-then", event.submitter.value);
});

addEventListener("pagehide", flush);
document.addEventListener("htmx:before:request", (event) => {
  const element = event.detail.ctx.sourceElement;
  if (element.matches("form")) lastForm = element.id;
  if (element.matches(".handoff")) flush();
});
document.addEventListener("htmx:before:swap", () => {
  heldFocus = find("#reply")?.contains(document.activeElement) ?? false;
});
document.addEventListener("htmx:error", () => {
  if (inbox()) toast(inbox().dataset.failed);
});
document.addEventListener("htmx:after:swap", () => {
  prepareDesk();
  showCount();
});

// Keys

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  r: () => find("#text")?.focus(),
  "/": () => find("#q")?.focus(),
  "?": () => find("#keys")?.showModal(),
};

function step(by) {
  const rows = [...document.querySelectorAll("#list .handoff")];
  const focused = rows.indexOf(document.activeElement);
  const at = focused >= 0 ? focused : rows.findIndex((row) => row.hasAttribute("aria-current"));
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if (event.target.id === "text") {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      find(".send .main").click();
    } else if (event.key === "Escape") event.target.blur();
    return;
  }
  const types = event.target.matches("input, textarea, select, [contenteditable]");
  if (types || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  const action = KEYS[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});

prepareDesk();
showCount();
