// Has a security key sign what the server gave, and sends the answer with the form.
"use strict";
(() => {
  const form = document.querySelector("form[data-key-options]");
  if (!form) return;
  const button = document.getElementById("continue");
  const say = document.getElementById("key-status");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  if (!window.PublicKeyCredential) {
    say.textContent = say.dataset.unsupported;
    button.disabled = true;
    return;
  }
  async function sign() {
    const { publicKey } = JSON.parse(form.dataset.keyOptions);
    publicKey.challenge = bytes(publicKey.challenge);
    const adding = Boolean(publicKey.user);
    if (adding) publicKey.user.id = bytes(publicKey.user.id);
    if (adding) publicKey.excludeCredentials = named(publicKey.excludeCredentials);
    else publicKey.allowCredentials = named(publicKey.allowCredentials);
    const key = await (adding ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
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
  form.addEventListener("submit", async (event) => {
    // Other buttons of the form (other ways, skip, cancel) go their way.
    if (event.submitter && event.submitter !== button) return;
    // Nothing to sign any more: the server gives something new.
    if (form.elements.response.value || !form.dataset.keyOptions) return;
    event.preventDefault();
    button.disabled = true;
    say.textContent = say.dataset.waiting;
    try {
      form.elements.response.value = await sign();
      button.disabled = false;
      form.requestSubmit(button);
    } catch (error) {
      button.disabled = false;
      say.textContent = error.name === "InvalidStateError" ? say.dataset.taken : say.dataset.failed;
    }
  });
})();
