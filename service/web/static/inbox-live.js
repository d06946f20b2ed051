// The inbox as it moves: what happens is shown without a reload, over one connection for all tabs of a browser.

const find = (selector, root = document) => root.querySelector(selector);
const inbox = () => find("#inbox");
const PAUSE_MS = 50;
const NEAR_END_PX = 80;

// What the screen shows anew

async function load(path) {
  const answer = await fetch(path, { headers: { "HX-Request": "true" } });
  const part = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
  if (answer.status === 401) askToLogIn(part);
  return answer.ok || answer.status === 404 ? part : null;
}

// The page stays as it is, with all that was typed, under a dialog (app.js opens it and goes on after it).
function askToLogIn(dialog) {
  if (find("#login-dialog")) return;
  find("#login-place").replaceChildren(dialog);
  htmx.process(dialog);
  prepare(document);
}

async function renewList() {
  const old = find("#list");
  if (!old) return;
  const joint = old.dataset.again.includes("?") ? "&" : "?";
  const fresh = await load(`${old.dataset.again}${joint}chosen=${find("#desk")?.dataset.handoff ?? ""}`);
  // What was asked for meanwhile (a search) is newer than this.
  if (fresh?.id !== "list" || find("#list") !== old) return;
  const top = old.scrollTop;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  old.replaceWith(fresh);
  fresh.scrollTop = top;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  htmx.process(fresh);
  showCount();
}

async function renewFront() {
  const fresh = await load("/inbox/front");
  if (fresh?.id === "front") swap(find("#front"), fresh);
}

async function renewTalk() {
  const desk = find("#desk[data-handoff]");
  if (!desk) return;
  const fresh = await load(`/inbox/${desk.dataset.handoff}/talk`);
  if (!fresh || find("#desk") !== desk) return;
  if (fresh.id !== "talk") {
    // Erased, or its time was over: what is open here is gone.
    location.assign("/inbox");
    return;
  }
  const old = find("#talk");
  if (fresh.dataset.status !== old.dataset.status && !find("#text")?.value) {
    await htmx.ajax("GET", `/inbox/${desk.dataset.handoff}/desk`, { target: "#desk", swap: "outerHTML" });
    return;
  }
  const log = find("#log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
  const added = mergeLog(log, find("#log", fresh));
  const heads = [find(".head", old), find(".head", fresh)];
  // Not under a finger: a press that began on the old one would be lost.
  if (!find(".acts-menu[open]", heads[0]) && !heads[0].matches(":active")) swap(...heads);
  swap(find(".cost", old), find(".cost", fresh));
  for (const input of desk.querySelectorAll("input[name=seen]")) input.value = fresh.dataset.seen;
  Object.assign(old.dataset, fresh.dataset);
  if (atEnd) log.scrollTop = log.scrollHeight;
  else if (added) offerNew(log);
}

async function renewDraft() {
  const desk = find("#desk[data-handoff]");
  const fresh = desk && find("#draft", desk) && await load(`/inbox/${desk.dataset.handoff}/card`);
  if (fresh && find("#desk") === desk) swap(find("#draft", desk), find("#draft", fresh));
}

function swap(old, fresh) {
  if (old && fresh && old.outerHTML !== fresh.outerHTML) {
    old.replaceWith(fresh);
    htmx.process(fresh);
  }
}

// New messages are added and changed ones replaced; what was loaded of earlier days stays.
function mergeLog(log, fresh) {
  let added = false;
  find("#unreplied", log)?.remove();
  for (const node of [...fresh.children]) {
    if (!node.id) continue;
    const old = document.getElementById(node.id);
    const next = node.nextElementSibling && document.getElementById(node.nextElementSibling.id);
    if (old) {
      if (old.outerHTML !== node.outerHTML) old.replaceWith(node);
    } else if (node.id === "unreplied") {
      log.insertBefore(node, next && log.contains(next) ? next : null);
    } else {
      log.append(node);
      added ||= node.matches(".customer");
    }
  }
  return added;
}

function offerNew(log) {
  if (find(".new-messages")) return;
  const button = document.createElement("button");
  button.className = "new-messages";
  button.textContent = `${inbox().dataset.new} ↓`;
  button.addEventListener("click", () => {
    log.scrollTop = log.scrollHeight;
    button.remove();
  });
  log.after(button);
  log.addEventListener("scroll", () => {
    if (log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX) button.remove();
  });
}

function showCount() {
  const count = Number(find("#list")?.dataset.waiting ?? 0);
  document.title = (count ? `(${count}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  if (count) navigator.setAppBadge?.(count)?.catch(() => {});
  else navigator.clearAppBadge?.()?.catch(() => {});
}

// Live: one tab of the browser holds the connection and tells the others

const channel = new BroadcastChannel("henji-live");
let place = inbox()?.dataset.after ?? "";
let source = null;
const jobs = { front: {}, list: {}, talk: {}, draft: {} };

// Asked for often, done one after the other: what happens while a part is being renewed renews it once more.
async function soon(what, renew) {
  const job = jobs[what];
  if (job.waits) return;
  job.waits = true;
  await job.runs;
  await new Promise((done) => setTimeout(done, PAUSE_MS));
  job.waits = false;
  // The connection may be gone: the next event or the next minute tries again.
  job.runs = renew().catch(() => {});
}

function renewAll() {
  soon("front", renewFront);
  soon("list", renewList);
  soon("talk", renewTalk);
  soon("draft", renewDraft);
}

function happened(step) {
  place = step.id;
  if (step.conv === "@shop") {
    soon("front", renewFront);
    return;
  }
  if (step.conv === "@erased") {
    renewAll();
    return;
  }
  const isOpen = find("#desk")?.dataset.customer === step.conv;
  if (isOpen) soon("talk", renewTalk);
  // A message of the customer's takes a draft away that did not know of it.
  if (isOpen && ["draft", "handoff", "silent"].includes(step.what)) soon("draft", renewDraft);
  const isListed = find(`#list [data-customer="${CSS.escape(step.conv)}"]`) !== null;
  if (isListed || !["answer", "clarify", "sent", "photo"].includes(step.what)) soon("list", renewList);
}

function connect() {
  source = new EventSource(`${inbox().dataset.live}?after=${place}`);
  source.addEventListener("message", (event) => {
    const step = { ...JSON.parse(event.data), id: event.lastEventId };
    channel.postMessage(step);
    happened(step);
    // Here and in no other tab of this browser (device.js may sound).
    if (step.what === "handoff") document.dispatchEvent(new Event("henji:waits"));
  });
  source.addEventListener("open", () => tellState(true));
  source.addEventListener("error", () => {
    tellState(false);
    if (source.readyState !== EventSource.CLOSED) return;
    // Refused, not broken off: what the list is answered says why, in every tab.
    channel.postMessage({ refused: true });
    soon("list", renewList);
    setTimeout(connect, 3000);
  });
}

function tellState(up) {
  channel.postMessage({ up });
  showState(up);
}

function showState(up) {
  const line = find("#offline");
  if (up && !line.hidden) renewAll();
  line.hidden = up;
}

channel.addEventListener("message", ({ data }) => {
  if ("up" in data) showState(data.up);
  else if ("refused" in data) soon("list", renewList);
  else happened(data);
});
if (inbox()) {
  // Without HTTPS there are no locks: then each tab has a connection of its own while it is seen.
  if (navigator.locks) navigator.locks.request("henji-live", () => new Promise(connect));
  else {
    connect();
    document.addEventListener("visibilitychange", () => {
      source.close();
      if (!document.hidden) connect();
    });
  }
  // How long somebody waits is told in minutes, and shops open and close.
  setInterval(() => {
    soon("front", renewFront);
    soon("list", renewList);
  }, 60_000);
}
