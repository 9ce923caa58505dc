// Mobile ID in the browser of a phone: enrol, answer, offline codes. The protocol is in docs/mobile-id-protocol.md.
import { agree, forget, generate, load, offlineCode, save, sign, verify } from "/mobile/keys.js";

const app = document.getElementById("app");
const issuer = document.body.dataset.issuer;
let account = null;
let waiting = null;
let asked = "";

const seconds = () => Math.floor(Date.now() / 1000);

// Builds elements without any HTML in strings: names that others chose are always text.
function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function show(...nodes) {
  app.replaceChildren(...nodes);
  app.querySelector("input, h1")?.focus?.();
}

async function call(name, jws) {
  const answer = await fetch(`/mobile/api/${name}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jws }) });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.description), { code: body.error });
  return body;
}

// Above every number before, also after a restart.
async function sequence() {
  account.seq = Math.max(account.seq + 1, Date.now());
  await save(account);
  return account.seq;
}

const message = async (claims) => sign(account.signing, { kid: account.device }, { aud: issuer, iat: seconds(), seq: await sequence(), ...claims });

function label() {
  const system = ["iPhone", "iPad", "Android"].find((name) => navigator.userAgent.includes(name));
  return system ?? "Phone";
}

// ---- Enrolment ----------------------------------------------------------------------------------------------------

function enrolPage(error = "") {
  const code = el("input", { id: "enrol-code", name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: false });
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); enrol(code.value); } },
    el("label", { htmlFor: "enrol-code" }, "Code from your browser"), code,
    el("button", { id: "enrol", className: "main" }, "Set up this phone"));
  show(el("div", { className: "card" },
    el("h1", { tabIndex: -1 }, "Set up this phone"),
    el("p", {}, "In your browser open Manage OTP and choose Activate, or Add phone. Point your camera at the picture there, or type its code here."),
    el("p", { className: "error", role: "alert" }, error), form));
}

async function enrol(code) {
  show(el("div", { className: "card" }, el("h1", { tabIndex: -1 }, "One moment…"), el("p", { className: "dim" }, "Making a key that never leaves this phone.")));
  try {
    const keys = await generate();
    const claims = { aud: issuer, iat: seconds(), code: code.replaceAll(/[\s-]/g, "").toUpperCase(), label: label(), ecdh: keys.ecdh };
    const reply = await call("enrol", await sign(keys.signing, { jwk: keys.jwk }, claims));
    account = { device: reply.device, signing: keys.signing, offline: await agree(keys, reply.ecdh), server: reply.server_key, name: reply.name, digits: reply.digits, confirmed: false, seq: 0 };
    await save(account);
    navigator.storage?.persist?.();
    history.replaceState(null, "", "/mobile");
    home();
  } catch (error) {
    enrolPage(error.message);
  }
}

// ---- Home: digits to confirm, requests, offline codes ----------------------------------------------------------------

function home() {
  clearTimeout(waiting);
  asked = "";
  if (!account.confirmed) {
    show(el("div", { className: "card" },
      el("h1", { tabIndex: -1 }, "Type these digits in your browser"),
      el("p", { className: "big", id: "confirm-digits" }, account.digits),
      el("p", { className: "dim" }, "They show that this is your phone and not somebody else's. This page goes on by itself.")));
  } else {
    show(el("div", { className: "card" },
      el("h1", { tabIndex: -1 }, "Ready"),
      el("p", { id: "ready" }, `When you log in with ${account.name}, the question appears here.`),
      el("p", { className: "dim", id: "connection" }, "Looking for a question…"),
      el("button", { id: "offline", onclick: offlinePage }, "Offline code")),
      el("button", { className: "quiet", id: "forget", onclick: removePage }, "Remove this phone"));
  }
  poll(2000);
}

async function poll(pause) {
  try {
    const reply = await call("poll", await message({}));
    pause = 2000;
    if (reply.state === "active" && !account.confirmed) {
      account.confirmed = true;
      delete account.digits;
      await save(account);
      return home();
    }
    if (reply.request) {
      const request = await read(reply.request);
      if (request && request.challenge !== asked) return requestPage(request);
    }
    note("Looking for a question…");
  } catch (error) {
    if (error.code === "unknown_device") return gone();
    note(error.code === "clock" ? error.message : "No connection. Offline codes still work.");
    pause = Math.min(pause * 2, 15000);
  }
  waiting = setTimeout(() => poll(pause), pause);
}

function note(text) {
  const line = document.getElementById("connection");
  if (line) line.textContent = text;
}

// The server's key is kept from the enrolment; after a rotation the new one is looked up at the same place.
async function read(jws) {
  const known = await verify(jws, account.server);
  if (known) return known;
  const { kid } = JSON.parse(atob(jws.split(".")[0].replaceAll("-", "+").replaceAll("_", "/")));
  const { keys } = await (await fetch("/jwks.json")).json();
  const key = keys.find((candidate) => candidate.kid === kid);
  const request = key && await verify(jws, key);
  if (request) { account.server = key; await save(account); }
  return request;
}

function requestPage(request) {
  asked = request.challenge;
  const number = el("input", { id: "number", className: "digits", inputMode: "numeric", autocomplete: "off", maxLength: 7 });
  const decide = (decision) => async (event) => {
    event.preventDefault();
    const typed = number.value.replaceAll(/\D/g, "");
    if (decision === "approve" && typed.length !== 6) {
      document.getElementById("wrong").textContent = "Type the six digits that your browser shows.";
      return number.focus();
    }
    answer(request, decision, typed);
  };
  show(el("form", { className: "card", onsubmit: decide("approve") },
    el("h1", { tabIndex: -1 }, `Log in to ${request.application}?`),
    el("dl", {}, el("dt", {}, "From"), el("dd", {}, request.place), el("dt", {}, "At"), el("dd", {}, new Date(request.iat * 1000).toLocaleTimeString())),
    el("label", { htmlFor: "number" }, "Number shown in your browser"), number,
    el("p", { className: "error", id: "wrong", role: "alert" }),
    el("button", { id: "approve", className: "main" }, "Approve"),
    el("button", { id: "deny", type: "button", className: "danger", onclick: decide("deny") }, "Deny"),
    el("button", { id: "not-me", type: "button", className: "quiet", onclick: decide("not_me") }, "This was not me")));
  waiting = setTimeout(home, Math.max(1000, request.exp * 1000 - Date.now()));
}

async function answer(request, decision, number) {
  clearTimeout(waiting);
  const words = {
    approved: ["ok", "Approved. Go on in your browser."], denied: ["ok", "Denied. Nobody was let in."],
    wrong_number: ["error", "That was not the number. Start again in your browser."], over: ["error", "That question is over. Start again in your browser."],
  };
  let said;
  try {
    const claims = { challenge: request.challenge, nonce: request.nonce, decision };
    if (decision === "approve") claims.number = number;
    said = words[(await call("answer", await message(claims))).result];
  } catch (error) {
    said = ["error", error.message];
  }
  show(el("div", { className: "card" }, el("h1", { tabIndex: -1 }, request.application), el("p", { className: said[0], id: "result", role: "status" }, said[1]),
    el("button", { onclick: home }, "Done")));
  waiting = setTimeout(home, 6000);
}

function offlinePage() {
  clearTimeout(waiting);
  const code = el("p", { className: "big", id: "offline-code" });
  const left = el("progress", { max: 30 });
  show(el("div", { className: "card" }, el("h1", { tabIndex: -1 }, "Offline code"), code, left,
    el("p", { className: "dim" }, "Type it in your browser. Each code works once."), el("button", { onclick: home }, "Done")));
  const tick = async () => {
    code.textContent = await offlineCode(account.offline, seconds());
    left.value = 30 - (seconds() % 30);
    waiting = setTimeout(tick, 1000);
  };
  tick();
}

function removePage() {
  clearTimeout(waiting);
  show(el("div", { className: "card" }, el("h1", { tabIndex: -1 }, "Remove this phone?"),
    el("p", {}, "Its key is deleted. It cannot approve logins any more until you set it up again."),
    el("button", { className: "danger", id: "remove", onclick: async () => { await forget(); account = null; enrolPage(); } }, "Remove"),
    el("button", { onclick: home }, "Keep it")));
}

function gone() {
  show(el("div", { className: "card" }, el("h1", { tabIndex: -1 }, "This phone is not set up any more"),
    el("p", {}, "It was removed, or the code was never confirmed. Set it up again under Manage OTP."),
    el("button", { className: "main", onclick: async () => { await forget(); account = null; enrolPage(); } }, "Set up again")));
}

// ---- Start ---------------------------------------------------------------------------------------------------------

navigator.serviceWorker?.register("/mobile/sw.js", { scope: "/mobile" });
account = await load();
const code = new URLSearchParams(location.hash.slice(1)).get("c");
if (code) await enrol(code);
else if (account) home();
else enrolPage();
