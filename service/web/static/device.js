// What belongs to this browser: notifications, the sound, the app on the home screen. Off until somebody asks for it.

// Notifications

const canNotify = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const isApple = () => /iPhone|iPad/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);

async function subscription() {
  const worker = await navigator.serviceWorker.getRegistration();
  return (await worker?.pushManager.getSubscription()) ?? null;
}

async function subscribe(key) {
  await navigator.serviceWorker.register("/service-worker.js");
  const worker = await navigator.serviceWorker.ready;
  const found = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  return (await tell(found)) ? found : null;
}

// Whether the server keeps it. Its key may be another one by now: then the browser is told that one.
async function tell(found) {
  const { endpoint, keys } = found.toJSON();
  const key = toBase64Url(found.options.applicationServerKey);
  const answer = await send("/notifications/on", { endpoint, p256dh: keys.p256dh, auth: keys.auth, key });
  if (answer.status === 409) {
    await found.unsubscribe();
    return (await subscribe(await answer.text())) !== null;
  }
  return answer.ok;
}

function send(path, fields) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
  return fetch(path, { method: "POST", headers, body: new URLSearchParams(fields) });
}

function toBase64Url(buffer) {
  const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// Once in each visit: the server may have forgotten this browser (a new password, another person, a new key).
async function keepTold() {
  if (!canNotify() || Notification.permission !== "granted") return;
  const found = await subscription();
  if (!found) return;
  document.querySelector("#log-out [name=endpoint]").value = found.endpoint;
  const person = document.body.dataset.person;
  if (sessionStorage.getItem("henji-told") === person) return;
  if (await tell(found)) sessionStorage.setItem("henji-told", person);
}

// The page of settings

function showPush(state) {
  for (const part of document.querySelectorAll("#push [data-when]")) {
    part.hidden = !part.dataset.when.split(" ").includes(state);
  }
}

async function pushState() {
  if (!window.isSecureContext) return "insecure";
  if (!canNotify()) return isApple() ? "ios" : "unknown";
  if (Notification.permission === "denied") return "refused";
  return (await subscription()) && Notification.permission === "granted" ? "on" : "off";
}

async function turnOn() {
  if ((await Notification.requestPermission()) !== "granted") return showPush(await pushState());
  const { key, sample } = document.querySelector("#push").dataset;
  try {
    if (!(await subscribe(key))) return showPush("failed");
  } catch {
    return showPush("failed");
  }
  const worker = await navigator.serviceWorker.ready;
  await worker.showNotification(sample, { tag: "sample" });
  location.reload();
}

async function turnOff() {
  const found = await subscription();
  if (found) {
    await send("/notifications/off", { browser: await idOf(found.endpoint) });
    await found.unsubscribe();
  }
  location.reload();
}

// As the server names it: a hash of its endpoint.
async function idOf(endpoint) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 16);
}

// The sound: two soft tones, made here

const wantsSound = () => localStorage.getItem("henji-sound") === "on";
let audio = null;

function ring() {
  audio ??= new AudioContext();
  audio.resume();
  for (const [number, hertz] of [784, 1047].entries()) {
    const tone = new OscillatorNode(audio, { frequency: hertz });
    const volume = new GainNode(audio, { gain: 0 });
    const from = audio.currentTime + number * 0.16;
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(0.2, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.5);
    tone.connect(volume).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.5);
  }
}

document.addEventListener("henji:waits", () => {
  if (wantsSound()) ring();
});
// Browsers let a page sound only after somebody has touched it.
document.addEventListener("pointerdown", () => {
  if (wantsSound()) (audio ??= new AudioContext()).resume();
}, { once: true });

async function prepareSettings() {
  const sound = document.getElementById("sound-on");
  sound.checked = wantsSound();
  sound.addEventListener("change", () => localStorage.setItem("henji-sound", sound.checked ? "on" : "off"));
  document.getElementById("sound-try").addEventListener("click", ring);
  document.getElementById("push-on").addEventListener("click", turnOn);
  document.getElementById("push-off").addEventListener("click", turnOff);
  showPush(await pushState());
}

if ("serviceWorker" in navigator) navigator.serviceWorker.register("/service-worker.js").catch(() => {});
keepTold().catch(() => {});
if (document.getElementById("push")) prepareSettings();
