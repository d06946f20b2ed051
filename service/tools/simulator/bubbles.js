// What stands in a bubble: words with links, pictures, stickers, sound, files, places.

import { word } from "./words.js";

const LINK = /https?:\/\/[^\s<>"'（）「」、。]+|tel:[\d-]+/g;
const SVG = "http://www.w3.org/2000/svg";
export const STICKERS = ["thanks", "ok", "crying", "question"];

/** Make an element with a class and children; strings become text, never HTML. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make a picture from one of our own files, or from where the shop keeps it. */
export function picture(className, src, alt) {
  return Object.assign(make("img", className), { src, alt });
}

/** Draw one line's bubble. */
export function bubble(line) {
  if (line.unsent) return make("div", "bubble unsent", word("unsent"));
  const draw = DRAWN[line.type];
  if (draw) return draw(line);
  return line.text ? make("div", "bubble", ...linked(line.text)) : tile(line.type);
}

/** One word for a message that is not text, for lists. */
export const kind = (type) => {
  const name = `${type === "image" ? "photo" : type}_tile`;
  return word(name) === name ? word("other_tile", { type }) : word(name);
};

const DRAWN = { image: photo, sticker, video, audio: voice, file, location: place };

const tile = (type) => make("div", "tile", kind(type));

function photo(line) {
  if (!line.url) return tile("image");
  const image = picture("photo", line.url, line.text ?? word("photo_tile"));
  image.addEventListener("error", () => image.replaceWith(tile("image")));
  return image;
}

function sticker(line) {
  if (!line.sticker) return tile("sticker");
  return picture("big-sticker", `/stickers/${line.sticker}.svg`, word(`sticker_${line.sticker}`));
}

function video(line) {
  if (!line.url) return tile("video");
  const player = Object.assign(make("video", "video"), { src: line.url, controls: true, preload: "metadata", playsInline: true });
  player.setAttribute("aria-label", kind("video"));
  return player;
}

function voice(line) {
  if (!line.url) return tile("audio");
  const sound = new Audio();
  const play = make("button", "play", icon("M8 5l11 7-11 7z"), make("span", "", length(line.duration_ms)));
  play.type = "button";
  play.setAttribute("aria-label", word("play", { length: length(line.duration_ms) }));
  play.addEventListener("click", () => {
    sound.src ||= line.url;
    if (sound.paused) sound.play();
    else sound.pause();
  });
  for (const state of ["play", "pause", "ended"]) {
    sound.addEventListener(state, () => play.classList.toggle("playing", !sound.paused && !sound.ended));
  }
  return make("div", "bubble voice", play);
}

function file(line) {
  const size = line.size === undefined ? "" : word("size", { size: Math.max(1, Math.round(line.size / 1024)) });
  const names = make("span", "file-names", make("b", "", line.name ?? kind("file")), make("small", "", size));
  const link = make("a", "bubble file", icon("M6 3h8l5 5v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM14 3v5h5"), names);
  if (line.url) Object.assign(link, { href: line.url, download: line.name ?? "" });
  return link;
}

function place(line) {
  const map = make("span", "map", icon("M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11z"));
  return make("div", "bubble place", map, make("b", "", line.name ?? kind("location")), make("small", "", line.address ?? ""));
}

const length = (milliseconds) => {
  const seconds = Math.round((milliseconds ?? 0) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

/** Draw a small line picture from an SVG path. */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = make("a", "", match[0]);
    Object.assign(link, { href: match[0], target: "_blank", rel: "noopener noreferrer" });
    parts.push(text.slice(end, match.index), link);
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}
