// What this phone says to the server: one message at a time, each with a number above all before.
import { sign, update, verify } from "/mobile/keys.js";

export const issuer = document.body.dataset.issuer;

// Off by less than this, the phone's own clock is as good as the server's.
const SLACK = 30;
export const seconds = () => Math.floor(Date.now() / 1000);
// The server's time as far as this phone knows it.
const now = (account) => seconds() + (Math.abs(account?.offset ?? 0) > SLACK ? account.offset : 0);

export async function call(name, jws) {
  const answer = await fetch(`/mobile/api/${name}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jws }) });
  const body = await answer.json();
  if (body.now) await update(() => ({ offset: body.now - seconds() }));
  if (!answer.ok) throw Object.assign(new Error(body.description), { code: body.error });
  return body;
}

// Sends the claims, or what a function makes of the message's number.
export const send = (name, claims = {}) => navigator.locks.request("stepgate", async () => {
  for (let again = true; ; again = false) {
    const account = await update((kept) => ({ seq: kept.seq + 1 }));
    const { seq } = account;
    const own = typeof claims === "function" ? await claims(seq) : claims;
    const message = { aud: issuer, act: name, iat: now(account), seq, ...own };
    try {
      return await call(name, await sign(account.signing, { kid: account.device }, message));
    } catch (error) {
      // The answer said what time it is: the next message is right.
      if (error.code !== "clock" || !again) throw error;
    }
  }
});

// How wrong this phone's clock is, in words; nothing where it is right, or was never compared.
export function clockTrouble(account) {
  const off = -(account?.offset ?? 0);
  if (Math.abs(off) <= SLACK * 2) return "";
  const parts = [[86400, "day"], [3600, "hour"], [60, "minute"]];
  const [length, name] = parts.find(([length]) => Math.abs(off) >= length) ?? [60, "minute"];
  const count = Math.round(Math.abs(off) / length);
  return `This phone's clock is about ${count} ${name}${count === 1 ? "" : "s"} ${off > 0 ? "ahead" : "behind"}. Set it to automatic: with a wrong clock, offline codes are refused.`;
}

// A question of the server, if it is the server's, for this phone, and still open.
export async function readRequest(jws, account) {
  const request = await verify(jws, account.keys, "stepgate-mobile-request+jwt");
  const ours = request && request.iss === issuer && request.aud === account.device && request.exp > now(account);
  return ours ? { ...request, left: request.exp - now(account) } : null;
}

// New keys of the server count only under a signature by one that this phone keeps.
export async function readKeys(jws, account) {
  const message = await verify(jws, account.keys, "stepgate-mobile-keys+jwt");
  if (message && message.iss === issuer && message.aud === account.device) await update(() => ({ keys: message.keys.keys }));
}


