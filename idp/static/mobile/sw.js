// Keeps the app's own files, so that offline codes work without a connection, and wakes the person up when a login waits.
// Never keeps an answer of the API, never signs anything.
"use strict";
const SHELL = "stepgate-mobile-3";
const FILES = ["/mobile", ...["mobile.js", "keys.js", "server.js", "screen.js", "push.js", "verifier.js", "mobile.css", "icon.svg", "manifest.webmanifest"].map((name) => `/mobile/${name}`)];
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.method !== "GET" || !FILES.includes(pathname)) return;
  // The network first: a new version is seen at once; the copy is for when there is none.
  event.respondWith(fetch(event.request).then((answer) => {
    const copy = answer.clone();
    if (answer.ok) caches.open(SHELL).then((cache) => cache.put(pathname, copy));
    return answer;
  }).catch(() => caches.match(pathname)));
});

async function wake(data) {
  // Whatever a push says, it is only a reason to look; what is asked comes signed from the server.
  if (data?.t !== "poll") return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const window of windows) window.postMessage("poll");
  await self.registration.showNotification("A login waits for you", { body: "Open Stepgate to answer. If it is not yours, say so there.", tag: "login", icon: "/mobile/icon.svg" });
}
self.addEventListener("push", (event) => {
  let data = null;
  try { data = event.data?.json(); } catch { /* Not ours. */ }
  event.waitUntil(wake(data));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = self.clients.matchAll({ type: "window" }).then((windows) => {
    const app = windows.find((window) => new URL(window.url).pathname === "/mobile");
    return app ? app.focus() : self.clients.openWindow("/mobile");
  });
  event.waitUntil(open);
});
