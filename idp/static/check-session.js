// Answers a partner's page whether its login is still the browser's (OpenID Connect Session Management 3.2).
"use strict";
(() => {
  const name = `${document.currentScript.dataset.cookie}=`;
  const state = () => document.cookie.split("; ").find((pair) => pair.startsWith(name))?.slice(name.length) ?? "";
  async function judge(message, origin) {
    const place = typeof message === "string" ? message.lastIndexOf(" ") : -1;
    const [hash, salt, ...rest] = message.slice?.(place + 1).split(".") ?? [];
    if (place < 1 || !hash || !salt || rest.length) return "error";
    const now = state();
    // A browser that hides our cookies here cannot tell: an error, so that the page does not ask over and over.
    if (!now && (await document.hasStorageAccess?.()) === false) return "error";
    const text = `${message.slice(0, place)} ${origin} ${now} ${salt}`;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    const right = btoa(String.fromCharCode(...digest)).replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
    return hash === right ? "unchanged" : "changed";
  }
  addEventListener("message", async ({ data, origin, source }) => {
    if (!source || source === window || origin === "null") return;
    source.postMessage(await judge(data, origin).catch(() => "error"), origin);
  });
})();
