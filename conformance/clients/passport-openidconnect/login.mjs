// npm `passport-openidconnect` in an Express application: login elevated by `acr_values`, profile from userinfo, refresh, logout.
// The strategy takes its endpoints as options; they come from discovery here.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import express from "express";
import session from "express-session";
import passport from "passport";
import OpenIDConnectStrategy from "passport-openidconnect";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT, JAR } = process.env;
const wanted = "urn:stepgate:acr:hardware-token";
const here = `http://127.0.0.1:${PORT}`;
const metadata = await (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json();

const strategy = new OpenIDConnectStrategy({
  issuer: metadata.issuer, authorizationURL: metadata.authorization_endpoint, tokenURL: metadata.token_endpoint,
  userInfoURL: metadata.userinfo_endpoint, clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: `${here}/callback`,
  scope: ["openid", "profile", "email"], acrValues: wanted, nonce: true,
}, (issuer, uiProfile, idProfile, context, idToken, accessToken, refreshToken, params, done) =>
  done(null, { profile: uiProfile, idToken, accessToken, refreshToken }));
passport.use(strategy);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const refresh = (token) => new Promise((resolve, reject) =>
  strategy._oauth2.getOAuthAccessToken(token, { grant_type: "refresh_token" }, (error, access, _, params) =>
    error ? reject(new Error(JSON.stringify(error))) : resolve({ access, params })));

const app = express();
app.use(session({ secret: "for-this-run-only", resave: false, saveUninitialized: false }), passport.initialize(), passport.session());
app.get("/login", passport.authenticate("openidconnect"));
app.get("/callback", passport.authenticate("openidconnect", { failWithError: true }), (request, response) => response.redirect("/me"));
app.get("/me", async (request, response) => {
  const { profile, idToken, accessToken, refreshToken } = request.user;
  const renewed = await refresh(refreshToken);
  const again = await fetch(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${renewed.access}` } });
  response.json({ claims: claimsOf(idToken), again: claimsOf(renewed.params.id_token), userinfo: profile._json, status: again.status, accessToken });
});
app.get("/logout", (request, response) => {
  const url = new URL(metadata.end_session_endpoint);
  url.searchParams.set("id_token_hint", request.user.idToken);
  url.searchParams.set("post_logout_redirect_uri", `${here}/`);
  request.logout(() => response.redirect(url.href));
});
app.get("/", (request, response) => response.send("bye"));
const server = app.listen(Number(PORT), "127.0.0.1");

const check = (truth, what) => { if (!truth) throw new Error(what); };
const walk = async (start, stop, ...more) => {
  const walker = new URL("../walk.py", import.meta.url).pathname;
  return (await promisify(execFile)("python3", [walker, "erin", start, stop, "--jar", JAR, ...more])).stdout.trim();
};
const me = JSON.parse(await walk(`${here}/login`, `${here}/callback`, "--open"));
check(me.claims.acr === wanted && me.claims.amr.join() === "pwd,otp,hwk,mfa", JSON.stringify(me.claims));
check(me.userinfo.email === "erin@iron-builders.example" && me.userinfo.sub === me.claims.sub, "userinfo");
check(me.status === 200 && me.again.auth_time === me.claims.auth_time && me.again.acr === me.claims.acr, "a refresh changed auth_time or acr");
check(await walk(`${here}/logout`, `${here}/`) === `${here}/`, "the logout led elsewhere");
const dead = await fetch(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${me.accessToken}` } });
check(dead.status === 401, "the tokens outlived the session");
server.close();
console.log(JSON.stringify({ client: "passport-openidconnect", acr: me.claims.acr, amr: me.claims.amr, auth_time: me.claims.auth_time, name: me.userinfo.name }));
process.exit(0);
