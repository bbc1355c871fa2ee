// The page put together: who one is, where one is, and every part drawn when it comes.
import { $, act, fill, h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { put } from "./composer.js";
import * as messages from "./messages.js";
import { modal } from "./modal.js";
import * as panels from "./panels.js";
import * as phone from "./phone.js";
import { names, state } from "./state.js";

let source = null;
let arriving = false; // somebody else since a moment: is this channel theirs too?
const DRAW = { workspace: side, channel: messages.channel, screen() { modal(); messages.home(); }, outside: panels.outside, trouble: panels.trouble, guide };

function connect() {
  source?.close();
  delete state.parts.channel;
  const line = new EventSource(`live?${new URLSearchParams({ user: state.user, channel: state.channel })}`);
  source = line;
  for (const [name, draw] of Object.entries(DRAW)) {
    line.addEventListener(name, (event) => {
      if (source !== line) return;
      state.parts[name] = JSON.parse(event.data);
      draw();
    });
  }
  line.onopen = side;
  line.onerror = () => {
    $("link-state").textContent = line.readyState === EventSource.CLOSED
      ? "This workspace has ended. Open the address that `muster sandbox` printed last." : "The workspace does not answer; trying again …";
  };
}

export function go(user, channel, view = "messages") {
  const moved = user !== state.user || channel !== state.channel;
  arriving = user !== state.user;
  Object.assign(state, { user, channel });
  if (moved) messages.shut();
  history.replaceState(null, "", `#${user}/${channel}`);
  if (moved) connect();
  messages.show(view);
  if (view === "home") { act("home", { user }, true); messages.home(); }
  side();
  phone.show();
}

function side() {
  const part = state.parts.workspace;
  if (!part || part.me !== state.user) return;
  if (arriving) {
    arriving = false;
    if (state.view === "messages" && !part.channels.some((one) => one.id === state.channel)) return go(state.user, part.channels[0].id);
  }
  $("link-state").textContent = part.connected ? "" : "⚠️ Muster is not connected: what you type or press is not answered until it is back.";
  const focused = document.activeElement?.closest?.("#side") ? document.activeElement.dataset.key : null;
  fill($("people"), part.people.map((one, n) => h("button", { type: "button", role: "radio", "aria-checked": String(one.id === state.user), tabindex: one.id === state.user ? 0 : -1, dataset: { key: one.id },
    title: `Alt ${n + 1}`, onclick: () => go(one.id, here(one.id)) }, h("span", { class: `face face-${one.id}`, "aria-hidden": "true" }, one.name.slice(0, 1)), one.name,
    h("span", { class: "faint" }, one.about))));
  const rows = part.channels.filter((one) => one.kind === "channel" || one.kind === "private");
  fill($("channels"), rows.map((one) => item(one, `${one.kind === "private" ? "🔒" : "#"} ${one.name}`)));
  const direct = part.channels.filter((one) => one.kind === "dm" || one.kind === "group");
  fill($("direct"), part.home ? h("li", {}, h("button", { type: "button", "aria-current": String(state.view === "home"), dataset: { key: "home" },
    onclick: () => go(state.user, state.channel, "home") }, "🏠 Home")) : null,
    direct.sort((a, b) => Number(b.of.includes(part.bot)) - Number(a.of.includes(part.bot))).map((one) => item(one, `💬 ${one.name}`)),
    part.web ? h("li", {}, h("a", { href: part.web, target: "_blank", rel: "noopener noreferrer", dataset: { key: "web" } }, "🌐 Muster's web pages ↗")) : null);
  const shortcuts = part.shortcuts.filter((one) => one.type === "global");
  $("shortcuts-part").hidden = !shortcuts.length;
  fill($("shortcuts"), shortcuts.map((one) => h("li", {}, h("button", { type: "button", title: one.description, dataset: { key: one.callback_id },
    onclick: () => act("shortcut", { user: state.user, callback_id: one.callback_id }) }, `⚡ ${one.name}`))));
  people(part);
  if (focused) document.querySelector(`#side [data-key="${CSS.escape(focused)}"]`)?.focus();
}

// Whom one may write to; made again only when somebody else looks, so that an open list stays open.
function people(part) {
  const list = $("write");
  if (list.dataset.of === part.me) return;
  list.dataset.of = part.me;
  fill(list, h("option", { value: "" }, "✉️ Write to …"), part.people.filter((one) => one.id !== part.me).map((one) => h("option", { value: one.id }, one.name)));
}

$("write").addEventListener("change", async () => {
  const other = $("write").value;
  $("write").value = "";
  const opened = other && await act("direct", { user: state.user, other });
  if (!opened) return;
  go(state.user, opened.channel);
  $("box").focus();
});

function item(one, label) {
  const current = state.view !== "home" && one.id === state.channel;
  const unread = !current && one.last > (state.read[`${state.user}/${one.id}`] || state.began);
  return h("li", {}, h("button", { type: "button", "aria-current": String(current), class: `${unread ? "unread" : ""} ${one.archived ? "archived" : ""}`, dataset: { key: one.id },
    onclick: () => go(state.user, one.id) }, label, unread ? h("span", { class: "badge" }, "new") : null));
}

// Where somebody looks when one becomes them: the same channel, unless it is direct messages of others.
function here(user) {
  const one = state.parts.workspace?.channels.find((row) => row.id === state.channel);
  return !one || one.kind === "dm" && !one.of.includes(user) ? "C0GENERAL" : state.channel;
}

function guide() {
  const rows = state.parts.guide || [];
  const next = rows.findIndex((one) => !one.done);
  fill($("steps"), rows.map((one, n) => h("li", { class: one.done ? "done" : n === next ? "next" : "", "aria-current": n === next ? "step" : null },
    h("b", {}, one.done ? "✓ " : "", one.title),
    n === next ? [h("p", {}, mrkdwn(one.say, names())), one.line ? h("code", {}, one.line) : null,
      h("button", { type: "button", class: "primary", onclick: () => { go(one.user, one.channel); if (one.line) put(one.line); else $("box").focus(); } },
        one.line ? `Be ${names()[one.user] || ""} and put it in the box` : `Be ${names()[one.user] || ""}`)] : null)),
  next < 0 ? h("li", { class: "done" }, "All of it. `/incident help` and `/playbook help` show the rest.") : null);
}

// People and tabs: Tab reaches the chosen one, arrows go to the others and choose.
for (const name of ["people", "tabs"]) {
  $(name).addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const rows = [...$(name).children];
    const at = rows.indexOf(document.activeElement);
    if (!step || event.altKey || at < 0) return;
    event.preventDefault();
    const one = rows[(at + step + rows.length) % rows.length];
    one.focus();
    one.click();
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input, textarea, select");
  if (event.altKey && /^Digit[1-9]$/.test(event.code)) {
    const one = state.parts.workspace?.people[Number(event.code.slice(5)) - 1];
    if (one) { event.preventDefault(); go(one.id, here(one.id)); }
  } else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const rows = state.parts.workspace?.channels || [];
    const at = rows.findIndex((one) => one.id === state.channel);
    event.preventDefault();
    go(state.user, rows[(at + (event.key === "ArrowDown" ? 1 : rows.length - 1)) % rows.length].id);
  } else if (event.key === "/" && !typing && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    put("/");
    $("box").dispatchEvent(new Event("input"));
  } else if (event.key === "Escape" && !document.querySelector("dialog[open]")) messages.shut();
});

// A link to a channel of this workspace stays in this page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a");
  const far = link && /^https:\/\/muster\.slack\.com\/archives\/([A-Z0-9]+)/.exec(link.href);
  const channel = link?.dataset.channel || far?.[1];
  if (channel) { event.preventDefault(); go(state.user, channel); }
});

state.began = `${Date.now() / 1000}`;
const [, user, channel] = /^#(U\w+)\/(\w+)$/.exec(location.hash) || [];
Object.assign(state, { user: user || "U0ANA", channel: channel || "C0GENERAL" });
panels.build();
connect();
phone.show();
$("box").focus();
