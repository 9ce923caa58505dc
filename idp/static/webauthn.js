// Has a security key or a passkey sign what the server gave, and sends the answer with the form.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function sign(publicKey, how) {
    publicKey.challenge = bytes(publicKey.challenge);
    const adding = Boolean(publicKey.user);
    if (adding) publicKey.user.id = bytes(publicKey.user.id);
    if (adding) publicKey.excludeCredentials = named(publicKey.excludeCredentials);
    else publicKey.allowCredentials = named(publicKey.allowCredentials);
    const { credentials } = navigator;
    const key = await (adding ? credentials.create({ publicKey }) : credentials.get({ publicKey, ...how }));
    const { response } = key;
    const answer = adding
      ? { attestationObject: text(response.attestationObject), transports: response.getTransports?.() }
      : {
          authenticatorData: text(response.authenticatorData),
          signature: text(response.signature),
          userHandle: response.userHandle ? text(response.userHandle) : null,
        };
    answer.clientDataJSON = text(response.clientDataJSON);
    return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response: answer, extensions: {} });
  }

  // A page that asks for a key of the person.
  function key(form) {
    const button = document.getElementById("continue");
    const say = document.getElementById("key-status");
    if (!window.PublicKeyCredential) {
      say.textContent = say.dataset.unsupported;
      button.disabled = true;
      return;
    }
    form.addEventListener("submit", async (event) => {
      // Other buttons of the form (other ways, skip, cancel) go their way.
      if (event.submitter && event.submitter !== button) return;
      // Nothing to sign any more: the server gives something new.
      if (form.elements.response.value || !form.dataset.keyOptions) return;
      event.preventDefault();
      button.disabled = true;
      say.textContent = say.dataset.waiting;
      try {
        form.elements.response.value = await sign(JSON.parse(form.dataset.keyOptions).publicKey);
        button.disabled = false;
        form.requestSubmit(button);
      } catch (error) {
        button.disabled = false;
        say.textContent = error.name === "InvalidStateError" ? say.dataset.taken : say.dataset.failed;
      }
    });
  }

  // The first page of a login: a passkey may come instead of a name, by its button or from the browser's own list.
  function passkey(form) {
    if (!window.PublicKeyCredential) return;
    const button = form.querySelector("button");
    const say = document.getElementById("passkey-status");
    const waiting = new AbortController();
    form.hidden = false;
    async function ask(how) {
      const body = new URLSearchParams({ csrf: form.elements.csrf.value });
      const answer = await fetch(form.dataset.passkey, { method: "POST", body });
      if (!answer.ok) throw new Error("nothing to sign");
      const { challenge, publicKey } = await answer.json();
      form.elements.response.value = await sign(publicKey, how);
      form.elements.passkey.value = challenge;
      form.submit();
    }
    async function autofill() {
      if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
      await ask({ mediation: "conditional", signal: waiting.signal });
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      waiting.abort();
      button.disabled = true;
      say.textContent = "";
      try {
        await ask();
      } catch {
        button.disabled = false;
        say.textContent = say.dataset.failed;
      }
    });
    autofill().catch(() => {});
  }

  const asking = document.querySelector("form[data-key-options]");
  const offering = document.querySelector("form[data-passkey]");
  if (asking) key(asking);
  if (offering) passkey(offering);
})();
