// The phone's keys: made here, kept here, never readable, not even by this script.
const encoder = new TextEncoder();
const P256 = { name: "ECDSA", namedCurve: "P-256" };

export const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const fromBase64url = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("stepgate", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("account");
    request.onsuccess = () => {
      // The browser, or another window, deletes the store or wants a newer one: this page is not in the way.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}

// One transaction; the connection is closed after it, so that nothing holds the store open behind a page that is gone.
async function run(mode, action) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction("account", mode);
    const outcome = action(transaction.objectStore("account"));
    transaction.oncomplete = () => resolve(outcome.result);
    transaction.onerror = () => reject(transaction.error);
  }).finally(() => db.close());
}

export const load = () => run("readonly", (store) => store.get("account"));
export const save = (account) => run("readwrite", (store) => store.put(account, "account"));
// Changes what is kept in one step, also where two windows of the app are open.
export const update = (change) => run("readwrite", (store) => {
  const changed = {};
  const read = store.get("account");
  read.onsuccess = () => {
    if (!read.result) return;
    changed.result = { ...read.result, ...change(read.result) };
    store.put(changed.result, "account");
  };
  return changed;
});
export const forget = () => run("readwrite", (store) => store.delete("account"));

const publicPart = ({ kty, crv, x, y }) => ({ kty, crv, x, y });

async function thumbprint({ crv, kty, x, y }) {
  const canonical = `{"crv":"${crv}","kty":"${kty}","x":"${x}","y":"${y}"}`;
  return base64url(await crypto.subtle.digest("SHA-256", encoder.encode(canonical)));
}

// New keys for an enrolment: one to sign with, one to agree on the key of offline codes.
export async function generate() {
  const signing = await crypto.subtle.generateKey(P256, false, ["sign"]);
  const agreement = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  const jwk = publicPart(await crypto.subtle.exportKey("jwk", signing.publicKey));
  const ecdh = publicPart(await crypto.subtle.exportKey("jwk", agreement.publicKey));
  return { signing: signing.privateKey, agreement: agreement.privateKey, jwk, ecdh };
}

// The key of offline codes: HKDF-SHA-256 of the shared secret, as an HMAC key that cannot be read.
export async function agree(keys, theirs) {
  const point = await crypto.subtle.importKey("jwk", publicPart(theirs), { name: "ECDH", namedCurve: "P-256" }, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: point }, keys.agreement, 256);
  const material = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const info = encoder.encode(`offline code v1 ${await thumbprint(keys.jwk)}`);
  const salt = encoder.encode("stepgate mobile id");
  return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt, info }, material, { name: "HMAC", hash: "SHA-1", length: 160 }, false, ["sign"]);
}

// A compact JWS with ES256.
export async function sign(key, header, claims, typ = "stepgate-mobile+jwt") {
  const part = (value) => base64url(encoder.encode(JSON.stringify(value)));
  const message = `${part({ alg: "ES256", typ, ...header })}.${part(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, encoder.encode(message));
  return `${message}.${base64url(signature)}`;
}

// What the server signed, if it did so with one of the keys that this phone keeps.
export async function verify(jws, keys, wanted) {
  const [header, payload, signature] = jws.split(".");
  const parse = (part) => JSON.parse(new TextDecoder().decode(fromBase64url(part)));
  const { alg, typ, kid } = parse(header);
  const known = keys.find((key) => key.kid === kid);
  if (alg !== "ES256" || typ !== wanted || !known) return null;
  const key = await crypto.subtle.importKey("jwk", publicPart(known), P256, false, ["verify"]);
  const right = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, fromBase64url(signature), encoder.encode(`${header}.${payload}`));
  return right ? parse(payload) : null;
}

// What this phone's screen lock signs for an approval: the canonical JSON (RFC 8785) of all that the approval says.
export const approvalChallenge = ({ challenge, decision, device, iss, nonce, number, seq }) =>
  crypto.subtle.digest("SHA-256", encoder.encode(JSON.stringify({ challenge, decision, device, iss, nonce, number, seq, typ: "stepgate-mobile-approval" })));

// TOTP (RFC 6238): six digits, thirty seconds, SHA-1.
export async function offlineCode(key, seconds) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(seconds / 30)));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const value = mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff;
  return String(value % 1000000).padStart(6, "0");
}
