// Works while no page is open: shows what the shop's server has pushed, and opens the page that it is about.
// There is no "fetch" here, and no cache: every page comes from the server. ICONS are written before this by it.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

async function show(data) {
  const { title, body, url, tag, urgent, waiting } = read(data);
  const options = { ...ICONS, body, tag, data: { url }, renotify: Boolean(tag), requireInteraction: urgent };
  await self.registration.showNotification(title, urgent ? { ...options, vibrate: [200, 100, 200, 100, 400] } : options);
  if (waiting) await navigator.setAppBadge?.(waiting)?.catch(() => {});
}

// A browser wants something to be shown for each push, also for one that it could not read.
function read(data) {
  try {
    return data.json();
  } catch {
    return { title: "要対応", body: "", url: "/inbox", tag: "", urgent: false, waiting: 0 };
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(new URL(event.notification.data?.url ?? "/inbox", self.location.origin)));
});

// In the inbox that is open, if there is one: what is typed there is kept by the page.
async function open(url) {
  if (url.origin !== self.location.origin) return;
  const pages = await self.clients.matchAll({ type: "window" });
  const inbox = pages.find((page) => new URL(page.url).pathname.startsWith("/inbox"));
  const shown = await inbox?.focus().then((page) => page.navigate(url.href)).catch(() => null);
  if (!shown) await self.clients.openWindow(url.href);
}
