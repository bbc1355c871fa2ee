// Keeps a page's live part fresh: asks for the page again and puts in what changed. Without it there is a refresh link.
"use strict";
(() => {
  const EVERY_MS = 4000;
  const live = document.getElementById("live");
  if (!live || !("live" in live.dataset)) return;
  const link = document.querySelector("a[data-refresh]");
  let tag = "";
  let failed = 0;

  // Nobody's typing, open form or selection is taken away: then it waits.
  const busy = () => {
    const at = document.activeElement;
    if (at && live.contains(at) && /^(INPUT|TEXTAREA|SELECT|BUTTON|SUMMARY)$/.test(at.tagName)) return true;
    if (live.querySelector("details[open]")) return true;
    const selected = window.getSelection();
    return Boolean(selected && !selected.isCollapsed && live.contains(selected.anchorNode));
  };

  const look = async () => {
    if (document.hidden || busy()) return;
    const answer = await fetch(location.pathname + location.search, {
      headers: tag ? { "If-None-Match": tag } : {}, credentials: "same-origin", redirect: "error",
    });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    tag = answer.headers.get("ETag") || "";
    if (!fresh || busy()) { tag = ""; return; }
    const at = document.activeElement && live.contains(document.activeElement) ? document.activeElement.id : "";
    live.replaceChildren(...fresh.childNodes);
    if (at) document.getElementById(at)?.focus();
  };

  const turn = async () => {
    try {
      await look();
      failed = 0;
    } catch {
      failed += 1;
    }
    if (link) link.textContent = failed > 1 ? "not live any more: refresh" : "live, refresh now";
    setTimeout(turn, EVERY_MS * Math.min(1 + failed, 8));
  };
  setTimeout(turn, EVERY_MS);
})();
