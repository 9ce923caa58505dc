// Asks every few seconds what has become of a request to a phone, or of a code, while its page is open. Without scripts
// the person presses the button, or reloads.
"use strict";
(() => {
  const slowest = 10000;

  // Asks until `heard` says that there is nothing more to hear.
  function ask(address, heard) {
    let pause = 2000;
    async function look() {
      try {
        const answer = await fetch(address, { headers: { accept: "application/json" }, cache: "no-store" });
        if (answer.ok) {
          pause = 2000;
          if (heard(await answer.json())) return;
        } else {
          pause = Math.min(pause * 2, slowest);
        }
      } catch {
        // Offline for a moment: ask again, more slowly.
        pause = Math.min(pause * 2, slowest);
      }
      setTimeout(look, pause);
    }
    setTimeout(look, pause);
  }

  const form = document.querySelector("form[data-status]");
  if (form) {
    ask(form.dataset.status, ({ state }) => {
      if (state === "pending") return false;
      form.requestSubmit(document.getElementById("continue"));
      return true;
    });
  }

  const line = document.querySelector("[data-receipt]");
  if (line) {
    ask(line.dataset.receipt, ({ state, html }) => {
      // No code to ask about any more: what was said last stays.
      if (state === "gone") return true;
      const said = document.createElement("template");
      said.innerHTML = html;
      // Said once: a screen reader would read it again with each look.
      if (said.content.textContent !== line.textContent) {
        line.replaceChildren(said.content);
        // Takes no room while it says nothing.
        line.classList.toggle("sr", !line.textContent);
      }
      return state === "delivered";
    });
  }
})();
