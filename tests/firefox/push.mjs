// Firefox as a phone: a small push service in Firefox's own words, the app in Firefox, and the person's hands.
//
//     node push.mjs ISSUER CODE        (beside a node_modules with puppeteer-core)
//
// Says on standard output what it sees, a line each; types what it is told on standard input:
// `digits 123456` · `subscribed` · (a push) `woken` · < `number 123456` · `result …` · < `forget` · `forgotten`.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";
import { WebSocketServer } from "ws";

const [issuer, code] = process.argv.slice(2);
const say = (...words) => console.log(words.join(" "));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const told = async (word) => {
  const { value = "" } = await lines.next();
  const [first, ...rest] = value.split(" ");
  if (first !== word) throw new Error(`wanted ${word}, told ${value}`);
  return rest.join(" ");
};

// Firefox speaks hello, register, unregister, ack over a WebSocket; applications post to the endpoint (RFC 8030).
const channels = new Map();
const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const channel = channels.get(request.url.split("/").pop());
    // A real one checks the signature; this one that it was made for this very service, port and all.
    const [, token] = /^vapid t=([^,]+), k=/.exec(request.headers.authorization ?? "") ?? [];
    const { aud } = token ? JSON.parse(Buffer.from(token.split(".")[1], "base64url")) : {};
    let status = 201;
    if (aud !== `http://${request.headers.host}`) status = 401;
    else if (!channel) status = 410;
    say("pushed", status);
    if (status === 201) {
      const headers = { encoding: request.headers["content-encoding"] };
      channel.socket.send(JSON.stringify({ messageType: "notification", channelID: channel.id, version: randomUUID(), data: Buffer.concat(chunks).toString("base64url"), headers }));
    }
    response.writeHead(status, { location: "/message/1", ttl: request.headers.ttl ?? "0" }).end();
  });
});
server.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const { port } = server.address();
new WebSocketServer({ server }).on("connection", (socket) => socket.on("message", (text) => {
  const message = JSON.parse(text);
  const answer = (more) => socket.send(JSON.stringify({ messageType: message.messageType, status: 200, ...more }));
  if (message.messageType === "hello") answer({ uaid: message.uaid || randomUUID().replaceAll("-", ""), use_webpush: true, broadcasts: {} });
  if (message.messageType === "register") {
    const name = randomUUID();
    channels.set(name, { socket, id: message.channelID });
    answer({ channelID: message.channelID, pushEndpoint: `http://127.0.0.1:${port}/push/${name}` });
  }
  if (message.messageType === "unregister") {
    for (const [name, channel] of channels) if (channel.id === message.channelID) channels.delete(name);
    answer({ channelID: message.channelID });
  }
}));

// What the app writes there, in one look: an element that is found first and read later may be gone by then.
const written = async (page, selector) => (await page.waitForFunction((where) => document.querySelector(where)?.textContent || null, {}, selector)).jsonValue();

const profile = mkdtempSync(join(tmpdir(), "stepgate-firefox-"));
const browser = await puppeteer.launch({
  browser: "firefox", executablePath: "/usr/bin/firefox-esr", headless: true, userDataDir: profile,
  extraPrefsFirefox: {
    "dom.push.serverURL": `ws://127.0.0.1:${port}/`, "dom.push.testing.allowInsecureServerURL": true, "dom.push.enabled": true,
    "dom.push.connection.enabled": true, "permissions.default.desktop-notification": 1, "dom.webnotifications.enabled": true,
  },
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60000);
  page.on("console", (line) => process.stderr.write(`${line.text()}\n`));
  page.on("pageerror", (error) => process.stderr.write(`${error}\n`));
  await page.goto(`${issuer}/mobile`);
  await page.type("#enrol-code", code);
  await page.click("#enrol");
  say("digits", await written(page, "#confirm-digits"));
  await page.waitForSelector("#ready");
  // Allowed by the profile already: the app subscribes by itself; the browser tells our service, and the server.
  await page.waitForFunction(() => document.getElementById("connection")?.textContent.includes("woken up"));
  say("subscribed");
  await page.waitForFunction(() => document.body.dataset.woken === "1");
  say("woken");
  await page.waitForSelector("#number");
  await page.type("#number", await told("number"));
  await page.click("#approve");
  say("result", await written(page, "#result"));
  await told("forget");
  // Unsubscribed behind the server's back, and the app is closed.
  await page.evaluate(async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription()).unsubscribe());
  await page.goto("about:blank");
  say("forgotten");
  await told("end");
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
  rmSync(profile, { recursive: true, force: true });
  process.exit();
}
