// The screen lock of this phone, by WebAuthn: it makes a credential once, and signs each approval after it knows who holds
// the phone.
import { approvalChallenge, base64url, fromBase64url, update } from "/mobile/keys.js";
import { issuer, send } from "/mobile/server.js";

export const possible = async () => Boolean(await window.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable?.().catch(() => false));

const answer = (key, response) => ({ id: key.id, rawId: base64url(key.rawId), type: key.type, extensions: {}, response: { ...response, clientDataJSON: base64url(key.response.clientDataJSON) } });

export async function register({ challenge, options }) {
  const publicKey = { ...options.publicKey };
  publicKey.challenge = fromBase64url(publicKey.challenge);
  publicKey.user = { ...publicKey.user, id: fromBase64url(publicKey.user.id) };
  publicKey.excludeCredentials = [];
  const key = await navigator.credentials.create({ publicKey });
  const credential = answer(key, { attestationObject: base64url(key.response.attestationObject), transports: key.response.getTransports?.() });
  await send("verifier", { challenge, credential });
  await update(() => ({ credential: base64url(key.rawId) }));
}

export async function assert(account, { challenge, nonce }, decision, number, seq) {
  const signed = await approvalChallenge({ challenge, decision, device: account.device, iss: issuer, nonce, number, seq });
  const allowCredentials = [{ type: "public-key", id: fromBase64url(account.credential), transports: ["internal"] }];
  const key = await navigator.credentials.get({ publicKey: { challenge: signed, rpId: location.hostname, allowCredentials, userVerification: "required", timeout: 60000 } });
  const { authenticatorData, signature, userHandle } = key.response;
  return answer(key, { authenticatorData: base64url(authenticatorData), signature: base64url(signature), userHandle: userHandle ? base64url(userHandle) : null });
}
