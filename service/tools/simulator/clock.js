// The shop's time: what it says, how it is written, and the buttons that move it.

import { language, word } from "./words.js";

const TICK_MS = 1000;
const $ = (id) => document.getElementById(id);
let zone = "Asia/Tokyo";
let aheadMs = 0;
let isOpen = null;

/** Note the shop's time zone, how far its time is ahead of the real one, and whether it is open now. */
export function setClock({ zone: name, ahead_ms, open }) {
  zone = name;
  aheadMs = ahead_ms;
  isOpen = open;
  drawClock();
}

const written = (seconds, options) => new Date(seconds * 1000).toLocaleString(language(), { timeZone: zone, ...options });
const shopNow = () => (Date.now() + aheadMs) / 1000;

/** The time of day, in the page's language. */
export const timeOfDay = (seconds) => written(seconds, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** A day, for comparing. */
export const day = (seconds) => written(seconds, { dateStyle: "short" });

/** A day's name: today, or its date. */
export const dayName = (seconds) => (day(seconds) === day(shopNow()) ? word("today") : longDay(seconds));

const longDay = (seconds) => written(seconds, { month: "long", day: "numeric", weekday: "short" });

/** Write the shop's time wherever it is shown. */
export function drawClock() {
  const now = shopNow();
  for (const id of ["clock", "phone-clock"]) write($(id), timeOfDay(now));
  write($("date"), longDay(now));
  document.body.classList.toggle("moved", aheadMs > 0);
  $("moved").hidden = aheadMs === 0;
  for (const label of document.querySelectorAll(".shop-state")) {
    write(label, isOpen === null ? "" : word(isOpen ? "open" : "closed"));
    label.classList.toggle("is-open", isOpen === true);
  }
  $("moves").querySelector(".back").disabled = aheadMs === 0;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Let the clock run, and have its buttons call `move` with where to. */
export function startClock(move) {
  for (const button of $("moves").querySelectorAll("button")) {
    button.addEventListener("click", () => move(button.dataset.to));
  }
  setInterval(drawClock, TICK_MS);
}
