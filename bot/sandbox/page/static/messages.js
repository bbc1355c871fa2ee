// The open channel: its head, its messages, its thread, its pins, files and canvas.
import { $, act, clock, fill, h, settle, toast } from "./dom.js";
import { blocks } from "./blocks.js";
import { size } from "./files.js";
import { emoji, inline, link, mrkdwn, unescape } from "./mrkdwn.js";
import { named, names, state, used } from "./state.js";

const QUICK = ["+1", "eyes", "white_check_mark", "pushpin"];
const drawn = new Map(); // `${place}/${ts}` -> {text, node}: only what changed is drawn again
let drawnFor = "";
let following = true; // whether the end of the messages is in sight, where the next one appears

export function channel() {
  const part = state.parts.channel;
  if (!part || state.view === "home") return;
  const here = `${state.user}/${part.id}`;
  if (here !== drawnFor) drawn.clear();
  head(part);
  if (state.view !== "messages") other(part);
  const list = $("messages");
  const atEnd = here !== drawnFor || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const rows = part.messages || [];
  const spot = spotOf(document.activeElement);
  settle(list, [part.error ? h("p", { class: "faint" }, part.error) : null,
    rows.filter((m) => !m.thread_ts || m.thread_ts === m.ts).map((m) => kept("main", m, rows.filter((r) => r.thread_ts === m.ts && r.ts !== m.ts))),
    !part.error && !rows.length ? h("p", { class: "faint empty" }, part.app
      ? mrkdwn("Muster writes to you here: reminders, and answers where it is in no channel with you. Write to it too, with or without a slash: `incident list`.")
      : "Nobody has said anything here yet.") : null]);
  thread(part);
  if (spot && document.activeElement === document.body) at(spot)?.focus();
  following = atEnd;
  if (atEnd) list.scrollTop = list.scrollHeight;
  drawnFor = here;
  state.read[`${state.user}/${part.id}`] = rows.at(-1)?.ts || "0";
  $("box").placeholder = part.archived ? "This channel is archived." : `Message ${part.dm ? part.name : `#${part.name}`}, or / for a command`;
}

// Where the keyboard was in a message that is drawn again: its button, by what it says.
function spotOf(node) {
  const message = node?.closest?.("#messages [data-ts]");
  return message && node !== message ? { ts: message.dataset.ts, label: node.getAttribute("aria-label") || node.textContent } : null;
}

function at(spot) {
  const message = document.querySelector(`#messages [data-ts="${spot.ts}"]`);
  return [...(message?.querySelectorAll("button, select, a") || [])].find((one) => (one.getAttribute("aria-label") || one.textContent) === spot.label);
}

let headed = "";

function head(part) {
  const text = JSON.stringify({ ...part, messages: (part.messages || []).map((m) => m.files) }) + state.user + state.view;
  if (text === headed && $("tabs").children.length) return;
  headed = text;
  $("title").textContent = part.error ? "Not here" : part.dm ? `💬 ${part.name}` : `${part.private ? "🔒" : "#"} ${part.name}`;
  fill($("topic"), part.dm ? [part.app ? "between you and the bot" : "between the two of you: Muster does not hear it"] : inline(part.topic || "", names()),
    part.members && !part.dm ? h("span", { class: "faint", title: part.members.map(named).join(", ") }, `${part.topic ? " · " : ""}${part.members.length} members`) : null,
    part.archived ? h("strong", {}, " · archived") : null);
  const files = (part.messages || []).flatMap((m) => m.files || []);
  const tabs = [["messages", "Messages"], ["pins", `Pins ${part.pins?.length || ""}`], ["files", `Files ${files.length || ""}`]];
  if (part.canvas !== null && part.canvas !== undefined) tabs.push(["canvas", "Canvas"]);
  const tab = document.activeElement?.closest?.("#tabs [role=tab]")?.dataset.tab;
  fill($("tabs"), tabs.map(([name, label]) => h("button", { type: "button", role: "tab", "aria-selected": state.view === name ? "true" : "false",
    tabindex: state.view === name ? 0 : -1, dataset: { tab: name }, onclick: () => show(name) }, label)));
  if (tab) $("tabs").querySelector(`[data-tab="${tab}"]`)?.focus();
  fill($("bookmarks"), (part.bookmarks || []).map((one) => link(one.link, `🔗 ${one.title}`)));
  $("bookmarks").hidden = !part.bookmarks?.length;
}

export function show(view) {
  state.view = view;
  $("messages").hidden = view !== "messages";
  $("other").hidden = view === "messages";
  $("composer").hidden = view === "home";
  if (view !== "messages" && view !== "home") other(state.parts.channel);
  else if (view === "messages") channel();
  document.querySelectorAll("#tabs [role=tab]").forEach((one) => {
    one.setAttribute("aria-selected", String(one.dataset.tab === view));
    one.tabIndex = one.dataset.tab === view ? 0 : -1;
  });
}

function other(part) {
  if (state.view === "home") return;
  const rows = part.messages || [];
  if (state.view === "pins") {
    const pinned = rows.filter((m) => m.pinned);
    fill($("other"), pinned.length ? pinned.map((m) => message("pins", m, [])) : h("p", { class: "faint" }, "Nothing is pinned."));
  } else if (state.view === "files") {
    const files = rows.flatMap((m) => m.files || []);
    fill($("other"), files.length ? files.map(file) : h("p", { class: "faint" }, "No files."));
  } else if (state.view === "canvas") fill($("other"), canvas(part.canvas || ""));
}

function canvas(text) {
  return h("article", { class: "canvas" }, text.split("\n").map((line) => {
    const title = /^(#{1,3}) (.*)/.exec(line);
    const words = (title ? title[2] : line).replace(/\*\*(.+?)\*\*/g, "*$1*");
    return h(title ? `h${title[1].length + 2}` : "p", {}, inline(words.replace(/^[-*] /, "• "), names()));
  }));
}

function kept(place, m, replies) {
  const key = `${place}/${m.ts}`;
  const text = JSON.stringify([m, replies.length, replies.at(-1)?.ts, names()]);
  const before = drawn.get(key);
  if (before?.text === text) return before.node;
  const node = message(place, m, replies);
  drawn.set(key, { text, node });
  return node;
}

function message(place, m, replies) {
  const author = named(m.user);
  const own = m.ephemeral_for ? h("p", { class: "only" }, `👁 Only you (${named(m.ephemeral_for)}) can see this`) : null;
  const onUse = (one, block, value) => used(one, value, { channel: state.parts.channel.id, ts: m.ts });
  const body = m.blocks?.length ? blocks(m.blocks, names(), onUse) : !m.text && m.files?.length ? null : h("div", { class: "text" }, mrkdwn(m.text, names()));
  return h("article", { class: `message${m.ephemeral_for ? " ephemeral" : ""}${m.subtype?.endsWith("_topic") ? " system" : ""}`, dataset: { ts: m.ts }, "aria-label": `${author}, ${clock(m.ts)}` },
    h("span", { class: `face face-${m.user}`, "aria-hidden": "true" }, author.slice(0, 1)),
    h("div", { class: "body" }, own,
      h("p", { class: "by" }, h("strong", {}, author), m.user === state.parts.workspace?.bot ? h("span", { class: "app" }, "app") : null,
        h("time", {}, clock(m.ts)), m.pinned ? h("span", { class: "faint" }, "📌 pinned") : null),
      body, (m.files || []).map(file), m.edited && !m.blocks?.length ? h("span", { class: "faint" }, "(edited)") : null,
      reactions(m), replies.length && place === "main"
        ? h("button", { type: "button", class: "replies", onclick: () => open(m.ts) }, `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`) : null),
    m.ephemeral_for ? null : tools(place, m));
}

function reactions(m) {
  const rows = Object.entries(m.reactions || {});
  if (!rows.length) return null;
  return h("p", { class: "reactions" }, rows.map(([name, users]) =>
    h("button", { type: "button", title: `${users.map(named).join(", ")}: :${name}:`, onclick: () => react(m, name) }, `${emoji(name)} ${users.length}`)));
}

function react(m, name) {
  const there = m.reactions?.[name]?.includes(state.user);
  return mark(there ? "unreact" : "react", { user: state.user, channel: state.parts.channel.id, ts: m.ts, name });
}

async function mark(name, body) {
  const said = await act(name, body, true);
  if (said?.refused) toast(said.refused, "bad");
}

function tools(place, m) {
  const here = { user: state.user, channel: state.parts.channel.id, ts: m.ts };
  const shortcuts = (state.parts.workspace?.shortcuts || []).filter((one) => one.type === "message");
  return h("div", { class: "tools", role: "group", "aria-label": "Message" },
    QUICK.map((name) => h("button", { type: "button", "aria-label": `React ${name}`, title: `:${name}:`, onclick: () => react(m, name) }, emoji(name))),
    h("button", { type: "button", onclick: () => mark(m.pinned ? "unpin" : "pin", here) }, m.pinned ? "Unpin" : "Pin"),
    place === "main" ? h("button", { type: "button", onclick: () => open(m.ts) }, "Reply") : null,
    m.user === state.user ? [h("button", { type: "button", onclick: () => rewrite(m, here) }, "Edit"),
      h("button", { type: "button", onclick: () => mark("edit", here) }, "Delete")] : null,
    shortcuts.map((one) => h("button", { type: "button", class: "shortcut", onclick: () => act("shortcut", { ...here, callback_id: one.callback_id }) }, one.name)));
}

// One's own words, anew.
function rewrite(m, here) {
  const dialog = $("confirm");
  const box = h("textarea", { rows: 4, "aria-label": "Your message", value: unescape(m.text) });
  const save = async () => { dialog.close(); await mark("edit", { ...here, text: box.value }); };
  fill(dialog, h("h2", { id: "confirm-title" }, "Edit your message"), box, h("div", { class: "buttons" },
    h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "button", class: "primary", onclick: save }, "Save")));
  dialog.oncancel = null;
  dialog.showModal();
}

function file(one) {
  const href = `file/${encodeURIComponent(one.id)}`;
  const name = one.title || one.name;
  const picture = /^image\/(png|jpeg|gif)$/.test(one.mimetype || "");
  return h("p", { class: "file" }, "📄 ", h("a", { href, target: "_blank", rel: "noopener" }, name), h("span", { class: "faint" }, ` ${size(one.size || 0)}`),
    picture ? h("a", { class: "picture", href, target: "_blank", rel: "noopener", tabindex: -1 }, h("img", { src: href, alt: name, onload: grown })) : null);
}

// A picture that came after its message pushed the end away.
function grown() {
  if (following) $("messages").scrollTop = $("messages").scrollHeight;
}

export function open(ts) {
  state.thread = ts;
  thread(state.parts.channel);
  $("thread").querySelector("textarea")?.focus();
}

export function shut() {
  if (!state.thread) return false;
  state.thread = null;
  $("thread").hidden = true;
  return true;
}

function thread(part) {
  const pane = $("thread");
  const rows = part.messages || [];
  const root = rows.find((m) => m.ts === state.thread);
  pane.hidden = !root;
  if (!root) { pane.replaceChildren(); delete pane.dataset.of; return; }
  if (pane.dataset.of !== root.ts) {
    pane.dataset.of = root.ts;
    const box = h("textarea", { rows: 2, "aria-label": "Reply in thread", placeholder: "Reply …" });
    const send = async () => {
      const text = box.value.trim();
      if (text && await act("type", { user: state.user, channel: state.parts.channel.id, text, thread_ts: state.thread })) box.value = "";
    };
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); }
    });
    fill(pane, h("header", {}, h("h2", {}, "Thread"), h("button", { type: "button", "aria-label": "Close thread", onclick: shut }, "✕")),
      h("div", { class: "thread-messages" }), box);
  }
  settle(pane.querySelector(".thread-messages"), [root, ...rows.filter((m) => m.thread_ts === root.ts && m.ts !== root.ts)].map((m) => kept("thread", m, [])));
}

// The app's Home tab, where the app publishes one.
export function home() {
  if (state.view !== "home") return;
  const view = state.parts.screen?.home;
  $("title").textContent = "Muster · Home";
  fill($("topic"), ["what waits for you"]);
  $("tabs").replaceChildren();
  $("bookmarks").hidden = true;
  fill($("other"), view
    ? h("div", { class: "home" }, blocks(view.blocks, names(), (one, block, value) => used(one, value, { view_id: view.id })))
    : h("p", { class: "faint" }, "Muster has not drawn your Home yet."));
}
