// Says what became of a code while its page is open. Without scripts a reload says it.
"use strict";
(() => {
  const line = document.querySelector("[data-receipt]");
  if (!line) return;
  const slowest = 10000;
  let pause = 2000;
  async function look() {
    try {
      const answer = await fetch(line.dataset.receipt, { headers: { accept: "application/json" }, cache: "no-store" });
      if (answer.ok) {
        pause = 2000;
        const { state, html } = await answer.json();
        // No code to ask about any more: what was said last stays.
        if (state === "gone") return;
        const said = document.createElement("template");
        said.innerHTML = html;
        // Said once: a screen reader would read it again with each look.
        if (said.content.textContent !== line.textContent) {
          line.replaceChildren(said.content);
          // Takes no room while it says nothing.
          line.classList.toggle("sr", !line.textContent);
        }
        if (state === "delivered") return;
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
})();
