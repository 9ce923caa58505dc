// Mobile ID in the browser of a phone: enrol, answer, offline codes. The protocol is in docs/mobile-id-protocol.md.
import { agree, forget, generate, load, offlineCode, save, sign, update } from "/mobile/keys.js";
import { card, el, note, show, title } from "/mobile/screen.js";
import { call, clockTrouble, issuer, readKeys, readRequest, seconds, send } from "/mobile/server.js";
import * as push from "/mobile/push.js";
import * as verifier from "/mobile/verifier.js";

let waiting = null;
let asked = "";
let woken = 0;
let loop = 0;

// Nothing happens by itself any more, until the next page says so.
function stop() {
  clearTimeout(waiting);
  loop += 1;
}

const label = () => ["iPhone", "iPad", "Android"].find((name) => navigator.userAgent.includes(name)) ?? "Phone";

// Browsers may throw away what a page keeps. A mark beside it tells a phone that lost its key from a new one.
const MARK = "stepgate-phone";
function mark(there) {
  if (there) localStorage.setItem(MARK, "1");
  else localStorage.removeItem(MARK);
  document.cookie = `${MARK}=1; Path=/mobile; SameSite=Strict; Max-Age=${there ? 31536000 : 0}`;
}
const marked = () => localStorage.getItem(MARK) !== null || document.cookie.includes(`${MARK}=1`);

// ---- Enrolment ----------------------------------------------------------------------------------------------------

function enrolPage(error = "") {
  stop();
  const code = el("input", { id: "enrol-code", name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: false });
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); enrol(code.value); } },
    el("label", { htmlFor: "enrol-code" }, "Code from your browser"), code,
    el("button", { id: "enrol", className: "main" }, "Set up this phone"));
  show(card(title("Set up this phone"),
    el("p", {}, "In your browser open Manage OTP and choose Activate, or Add phone. Point your camera at the picture there, or type its code here."),
    el("p", { className: "error", role: "alert" }, error), form));
}

async function enrol(code, offset = 0) {
  show(card(title("One moment…"), el("p", { className: "dim" }, "Making a key that never leaves this phone.")));
  try {
    const keys = await generate();
    const claims = { aud: issuer, act: "enrol", iat: seconds() + offset, code: code.replaceAll(/[\s-]/g, "").toUpperCase(), label: label(), ecdh: keys.ecdh };
    const reply = await call("enrol", await sign(keys.signing, { jwk: keys.jwk }, claims));
    await save({ device: reply.device, signing: keys.signing, offline: await agree(keys, reply.ecdh), keys: reply.jwks.keys, name: reply.name,
      digits: reply.digits, confirmed: false, seq: 0, offset: reply.now - seconds() });
    mark(true);
    navigator.storage?.persist?.();
    history.replaceState(null, "", "/mobile");
    if (reply.verifier && (await verifier.possible())) lockPage(reply.verifier);
    else home();
  } catch (error) {
    enrolPage(error.message);
  }
}

function lockPage(options) {
  const problem = el("p", { className: "error", role: "alert" });
  const use = async () => {
    problem.textContent = "";
    try {
      await verifier.register(options);
      home();
    } catch {
      problem.textContent = "That did not work. Try again, or go on without it.";
    }
  };
  show(card(title("Approve with your screen lock"),
    el("p", {}, "Each approval then asks for your fingerprint, face or PIN, so a phone in the wrong hands approves nothing."), problem,
    el("button", { id: "use-lock", className: "main", onclick: use }, "Use my screen lock"),
    el("button", { id: "no-lock", className: "quiet", onclick: home }, "Not on this phone")));
}

// ---- Home: digits to confirm, requests, offline codes ----------------------------------------------------------------

async function home() {
  stop();
  asked = "";
  const account = await load();
  if (!account) return marked() ? lostPage() : enrolPage();
  if (!account.confirmed) {
    show(card(title("Type these digits in your browser"),
      el("p", { className: "big", id: "confirm-digits" }, account.digits),
      el("p", { className: "dim" }, "They show that this is your phone and not somebody else's. This page goes on by itself.")));
  } else {
    show(card(title("Ready"),
      el("p", { id: "ready" }, `When you log in with ${account.name}, the question appears here.`),
      account.credential ? "" : el("p", { className: "dim", id: "unlocked" }, "This phone approves without asking who holds it: what it shows is that you have it, and no more."),
      el("p", { className: "error", id: "clock", role: "status" }, clockTrouble(account)),
      el("p", { className: "dim", id: "connection" }, "Looking for a question…"),
      el("button", { id: "offline", onclick: offlinePage }, "Offline code"),
      el("button", { id: "notify", hidden: true, onclick: wake }, "Wake me up when a login waits")),
    el("button", { className: "quiet", id: "forget", onclick: removePage }, "Remove this phone"));
  }
  poll(2000);
}

let pushKey = "";
let subscribing = false;

async function wake() {
  subscribing = true;
  try {
    const woke = await push.subscribe(pushKey);
    note("connection", woke ? "You will be woken up when a login waits." : "Without notifications, open this page when you log in.");
  } catch (error) {
    note("connection", error.code ? error.message : "This browser cannot be woken up now. Open this page when you log in.");
  }
  offerWake();
}

function offerWake() {
  const button = document.getElementById("notify");
  if (button) button.hidden = !pushKey || !push.undecided();
}

async function poll(pause) {
  clearTimeout(waiting);
  const mine = ++loop;
  let account = await load();
  if (!account) return home();
  try {
    const reply = await send("poll", { knows: account.keys[0].kid });
    // Another page is shown by now, or another look was begun.
    if (mine !== loop) return;
    pause = 2000;
    if (reply.state === "active" && !account.confirmed) {
      await update(() => ({ confirmed: true, digits: undefined }));
      return home();
    }
    if (reply.state === "active") {
      if (reply.keys) await readKeys(reply.keys, account);
      if (reply.known === false) return stalePage();
      account = await update((kept) => ({ credential: kept.credential ?? reply.credential ?? undefined }));
      // Nothing where the deployment speaks to no push service.
      pushKey = reply.push?.key ?? "";
      offerWake();
      // The subscription is gone, or was never told: once for each visit.
      if (pushKey && !reply.push.subscribed && !subscribing && push.possible() && Notification.permission === "granted") wake();
      if (reply.rotate) await rotate();
      if (reply.request) {
        const request = await readRequest(reply.request, account);
        if (request && request.challenge !== asked) return requestPage(request);
        if (!request) note("connection", "A question came that was not signed by the server that you set this phone up with. It is not shown.");
      } else {
        note("connection", "Looking for a question…");
      }
      note("clock", clockTrouble(account));
    }
  } catch (error) {
    if (error.code === "unknown_device") return gone("It was removed, or the code was never confirmed. Set it up again under Manage OTP.");
    if (error.code === "suspended") return gone("Somebody may have copied this phone's key, so it does not count any more. Remove it under Manage OTP and set it up again.");
    note("connection", error.code === "clock" ? error.message : "No connection. Offline codes still work.");
    pause = Math.min(pause * 2, 15000);
  }
  if (mine === loop) waiting = setTimeout(() => poll(pause), pause);
}

// New keys, shown with the old ones. The old ones are dead once the server hears of the new ones. One window at a time:
// what another one makes meanwhile would take the place of these with the server, and not here.
const rotate = () => navigator.locks.request("stepgate-keys", { ifAvailable: true }, (lock) => lock && makeNewKeys());
async function makeNewKeys() {
  const account = await load();
  const keys = await generate();
  const proof = { aud: issuer, act: "rotate", iat: seconds() + (account.offset ?? 0), device: account.device, ecdh: keys.ecdh };
  const reply = await send("rotate", { proof: await sign(keys.signing, { jwk: keys.jwk }, proof, "stepgate-mobile-rotation+jwt") });
  const offline = await agree(keys, reply.ecdh);
  await update(() => ({ signing: keys.signing, offline }));
}

function requestPage(request) {
  asked = request.challenge;
  const number = el("input", { id: "number", className: "digits", inputMode: "numeric", autocomplete: "off", maxLength: 7 });
  const decide = (decision) => async (event) => {
    event.preventDefault();
    const typed = number.value.replaceAll(/\D/g, "");
    if (decision === "approve" && typed.length !== 6) {
      note("wrong", "Type the six digits that your browser shows.");
      return number.focus();
    }
    answer(request, decision, typed);
  };
  show(el("form", { className: "card", onsubmit: decide("approve") },
    title(`Log in to ${request.application}?`),
    el("dl", {}, el("dt", {}, "For"), el("dd", { id: "purpose" }, request.purpose), el("dt", {}, "From"), el("dd", {}, request.place),
      el("dt", {}, "At"), el("dd", {}, new Date(request.iat * 1000).toLocaleTimeString())),
    el("label", { htmlFor: "number" }, "Number shown in your browser"), number,
    el("p", { className: "error", id: "wrong", role: "alert" }),
    el("button", { id: "approve", className: "main" }, "Approve"),
    el("button", { id: "deny", type: "button", className: "danger", onclick: decide("deny") }, "Deny"),
    el("button", { id: "not-me", type: "button", className: "quiet", onclick: decide("not_me") }, "This was not me")));
  waiting = setTimeout(home, Math.max(1000, request.left * 1000));
}

async function answer(request, decision, number) {
  const words = {
    approved: ["ok", "Approved. Go on in your browser."], denied: ["ok", "Denied. Nobody was let in."],
    wrong_number: ["error", "That was not the number. Start again in your browser."], over: ["error", "That question is over. Start again in your browser."],
  };
  let said;
  try {
    const account = await load();
    const reply = await send("answer", async (seq) => {
      const claims = { challenge: request.challenge, nonce: request.nonce, decision };
      if (decision !== "approve") return claims;
      const assertion = account.credential && await verifier.assert(account, request, decision, number, seq);
      return { ...claims, number, ...(assertion && { assertion }) };
    });
    clearTimeout(waiting);
    said = words[reply.result];
    if (decision === "not_me" && reply.result === "denied") said = ["ok", "Nobody was let in, and your phones are not asked any more. Change your password now."];
  } catch (error) {
    // The lock was not opened: the question still waits.
    if (error.name === "NotAllowedError" || error.code === "verification_needed") return note("wrong", "Your phone did not confirm that it is you. Press Approve to try again.");
    clearTimeout(waiting);
    said = ["error", error.message];
  }
  show(card(title(request.application), el("p", { className: said[0], id: "result", role: "status" }, said[1]), el("button", { onclick: home }, "Done")));
  waiting = setTimeout(home, 6000);
}

async function offlinePage() {
  stop();
  const account = await load();
  const code = el("p", { className: "big", id: "offline-code" });
  const left = el("progress", { max: 30 });
  show(card(title("Offline code"), code, left, el("p", { className: "error", id: "clock", role: "status" }, clockTrouble(account)),
    el("p", { className: "dim" }, "Type it in your browser. Each code works once."), el("button", { onclick: home }, "Done")));
  const tick = async () => {
    code.textContent = await offlineCode(account.offline, seconds());
    left.value = 30 - (seconds() % 30);
    waiting = setTimeout(tick, 1000);
  };
  tick();
}

// ---- The end of a phone ----------------------------------------------------------------------------------------------

async function clear() {
  await push.unsubscribe().catch(() => {});
  await forget();
  mark(false);
}

function removePage() {
  stop();
  const remove = async () => {
    const told = await send("leave").then(() => true, (error) => Boolean(error.code));
    await clear();
    enrolPage(told ? "" : "Removed here. There was no connection: remove it under Manage OTP as well.");
  };
  show(card(title("Remove this phone?"),
    el("p", {}, "Its key is deleted. It cannot approve logins any more until you set it up again."),
    el("button", { className: "danger", id: "remove", onclick: remove }, "Remove"),
    el("button", { onclick: home }, "Keep it")));
}

const again = async () => { await clear(); enrolPage(); };

function gone(why) {
  show(card(title("This phone is not set up any more"), el("p", {}, why), el("button", { className: "main", onclick: again }, "Set up again")));
}

function stalePage() {
  show(card(title("This phone has missed new keys"),
    el("p", { id: "stale" }, "The service has got new keys. It announced them for a while, but this phone was not opened then, so it cannot tell questions of the service from somebody else's any more, and shows none. In your browser open Manage OTP, Phones, and choose Replace beside this phone. Then set it up again here."),
    el("button", { className: "main", onclick: again }, "Set up again")));
}

function lostPage() {
  show(card(title("This phone has lost its key"),
    el("p", { id: "lost" }, "The browser has deleted what this app kept. Nobody else has the key, but this phone cannot approve any more. Set it up again, and remove the old one under Manage OTP, Phones. Installed on the home screen, the app keeps its key."),
    el("button", { className: "main", onclick: again }, "Set up again")));
}

// ---- Start ---------------------------------------------------------------------------------------------------------

navigator.serviceWorker?.register("/mobile/sw.js", { scope: "/mobile" });
// A push woke the worker: look at once.
navigator.serviceWorker?.addEventListener("message", () => {
  document.body.dataset.woken = String(++woken);
  if (!asked && document.getElementById("connection")) poll(2000);
});
const code = new URLSearchParams(location.hash.slice(1)).get("c");
if (code) await enrol(code);
else await home();
