// What this tab knows: who one is, which channel is open, and the parts of the page as they last came.
import { act } from "./dom.js";

export const state = { user: "U0ANA", channel: "C0GENERAL", view: "messages", thread: null, parts: {}, read: {} };

export function names() {
  return state.parts.workspace?.names || {};
}

export function named(id) {
  return names()[id] || (id === "USLACKBOT" ? "Slackbot" : id);
}

// Somebody pressed or chose something on a message or in a view. Buttons with a question ask it first.
export async function used(one, value, where) {
  if (one.suggest) return act("suggest", { user: state.user, action_id: one.action_id, value, ...where }, true);
  if (one.confirm && !(await asked(one.confirm))) return null;
  if (one.url) window.open(one.url, "_blank", "noopener,noreferrer");
  const body = { user: state.user, action_id: one.action_id, ...where };
  if (value !== undefined && value !== null) body.value = value;
  return act("click", body);
}

// Slack's confirm dialog: true when the person goes on.
function asked(confirm) {
  const dialog = document.getElementById("confirm");
  const say = (name, otherwise) => confirm[name]?.text || otherwise;
  return new Promise((resolve) => {
    const title = document.createElement("h2");
    title.id = "confirm-title";
    title.textContent = say("title", "Are you sure?");
    const words = document.createElement("p");
    words.textContent = say("text", "");
    const row = document.createElement("div");
    row.className = "buttons";
    for (const [label, answer, kind] of [[say("deny", "Cancel"), false, ""], [say("confirm", "Yes"), true, "primary"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = kind;
      button.textContent = label;
      button.addEventListener("click", () => { dialog.close(); resolve(answer); });
      row.append(button);
    }
    dialog.replaceChildren(title, words, row);
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
  });
}
