// Keeps the app's own files, so that offline codes work without a connection. Never keeps an answer of the API.
"use strict";
const SHELL = "stepgate-mobile-1";
const FILES = ["/mobile", "/mobile/mobile.js", "/mobile/keys.js", "/mobile/mobile.css", "/mobile/icon.svg", "/mobile/manifest.webmanifest"];
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
