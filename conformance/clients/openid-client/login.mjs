// npm `openid-client`: discovery, code flow with PKCE, elevated acr, userinfo, refresh, logout.
import { execFileSync } from "node:child_process";
import * as client from "openid-client";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT, JAR } = process.env;
const wanted = "urn:stepgate:acr:hardware-token";
const redirect = `http://127.0.0.1:${PORT}/callback`;
const check = (truth, what) => { if (!truth) throw new Error(what); };
const walk = (start, stop) => execFileSync("python3", [new URL("../walk.py", import.meta.url).pathname, "erin", start, stop, "--jar", JAR]).toString().trim();

const insecure = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, insecure);
const verifier = client.randomPKCECodeVerifier();
const [state, nonce] = [client.randomState(), client.randomNonce()];
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirect, scope: "openid profile email", acr_values: wanted, state, nonce,
  code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
});
const tokens = await client.authorizationCodeGrant(config, new URL(walk(url.href, redirect)), {
  pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
});
const claims = tokens.claims();
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
const again = renewed.claims();
check(claims.acr === wanted, `acr is ${claims.acr}`);
check(JSON.stringify(claims.amr) === '["pwd","otp","hwk","mfa"]', `amr is ${claims.amr}`);
check(userinfo.email === "erin@iron-builders.example", "userinfo");
check(again.auth_time === claims.auth_time && again.acr === claims.acr, "a refresh changed auth_time or acr");

const logout = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: "http://127.0.0.1/", state: "bye" });
check(walk(logout.href, "http://127.0.0.1/") === "http://127.0.0.1/?state=bye", "the logout led elsewhere");
await client.fetchUserInfo(config, renewed.access_token, claims.sub).then(
  () => check(false, "the tokens outlived the session"),
  (error) => check(error.status === 401, `userinfo: ${error.message}`),
);
console.log(JSON.stringify({ client: "openid-client", acr: claims.acr, amr: claims.amr, auth_time: claims.auth_time, name: userinfo.name }));
