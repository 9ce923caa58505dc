// npm `oidc-client-ts` in Chromium: a single-page application that registers itself as a public client, logs in with PKCE
// and elevated `acr_values`, fetches userinfo, refreshes, and logs out; every call from a script of another origin.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import puppeteer from "puppeteer-core";

const { ISSUER, PORT, CHROMIUM = "/usr/bin/chromium" } = process.env;
const wanted = "urn:stepgate:acr:hardware-token";
const here = `http://127.0.0.1:${PORT}`;
const check = (truth, what) => { if (!truth) throw new Error(what); };

const library = readFileSync(new URL("node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js", import.meta.url));
const server = createServer((request, response) => {
  const script = request.url === "/oidc-client-ts.js";
  response.setHeader("content-type", script ? "text/javascript" : "text/html");
  response.end(script ? library : "<!doctype html><title>Application</title><script src=/oidc-client-ts.js></script><p id=application>Application");
}).listen(Number(PORT), "127.0.0.1");

const metadata = await (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json();
const registration = await fetch(metadata.registration_endpoint, {
  method: "POST", headers: { "content-type": "application/json" },
  body: JSON.stringify({
    client_name: "Single-page application", application_type: "native", token_endpoint_auth_method: "none",
    redirect_uris: [`${here}/callback`], post_logout_redirect_uris: [`${here}/`],
    grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], scope: "openid profile email",
  }),
});
const registered = await registration.json();
check(registration.status === 201, JSON.stringify(registered));

const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await puppeteer.launch({ executablePath: CHROMIUM, headless: true, args: flags });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  const settings = {
    authority: ISSUER, client_id: registered.client_id, redirect_uri: `${here}/callback`, post_logout_redirect_uri: `${here}/`,
    scope: "openid profile email", acr_values: wanted, loadUserInfo: true,
  };
  const manage = (method, ...more) => page.evaluate(async (settings, method, more) => {
    const manager = new oidc.UserManager({ ...settings, userStore: new oidc.WebStorageStateStore({ store: sessionStorage }) });
    const user = await manager[method](...more);
    return user && { profile: user.profile, access: user.access_token, id: user.id_token, refresh: user.refresh_token };
  }, settings, method, more);
  const leave = (method) => Promise.all([page.waitForNavigation(), manage(method).catch((error) => check(/context|navigat|destroyed/i.test(error.message), error.message))]);

  await page.goto(here);
  await leave("signinRedirect");
  const answers = {
    login: async () => { await page.type("#username", "erin"); return "#continue"; },
    password: async () => { await page.type("#password", "stepgate-demo-2026"); return "#continue"; },
    factor: async () => "#factor-hardware_token",
    code: async () => { await page.type("#code", (await (await fetch(`${ISSUER}/demo/codes.json`)).json()).erin); return "#continue"; },
    consent: async () => "#allow",
  };
  while (!page.url().startsWith(here)) {
    const name = await page.$eval("main[data-page]", (main) => main.dataset.page);
    check(answers[name], `stuck at ${page.url()}: ${name}`);
    const button = await answers[name]();
    await Promise.all([page.waitForNavigation(), page.click(button)]);
  }
  const user = await manage("signinRedirectCallback");
  const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  const claims = claimsOf(user.id);
  check(claims.acr === wanted && claims.amr.join() === "pwd,otp,hwk,mfa", JSON.stringify(claims));
  check(user.profile.email === "erin@iron-builders.example", JSON.stringify(user.profile));
  const renewed = await manage("signinSilent");
  const again = claimsOf(renewed.id);
  check(renewed.access !== user.access && renewed.refresh !== user.refresh, "nothing was renewed");
  check(again.auth_time === claims.auth_time && again.acr === claims.acr, "a refresh changed auth_time or acr");
  await leave("signoutRedirect");
  check(page.url().startsWith(`${here}/`), `the logout led to ${page.url()}`);
  const dead = await fetch(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${renewed.access}` } });
  check(dead.status === 401, "the tokens outlived the session");
  console.log(JSON.stringify({ client: "oidc-client-ts", acr: claims.acr, amr: claims.amr, auth_time: claims.auth_time, name: user.profile.name }));
} finally {
  await browser.close();
  server.close();
}
