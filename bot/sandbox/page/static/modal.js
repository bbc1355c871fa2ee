// The modal on top of a person's stack: drawn from its view, what is typed kept, errors at their fields.
import { $, act, fill, h, toast } from "./dom.js";
import { blocks, plain, valueOf } from "./blocks.js";
import * as phone from "./phone.js";
import { named, names, state, used } from "./state.js";

const dialog = $("modal");
let shown = ""; // view id and hash on the screen
let seen = null; // number of the last of Slack's own notices

dialog.addEventListener("input", (event) => {
  const holder = event.target.closest(".block-input"); // being mended: its error has been read
  if (!holder) return;
  holder.querySelector(".error").hidden = true;
  holder.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
});
dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });

export function modal() {
  const stack = state.parts.screen?.open || [];
  const view = stack.at(-1);
  notices();
  if (!view) {
    if (dialog.open) { dialog.close(); $("box").focus(); }
    shown = "";
    return;
  }
  const now = `${view.id} ${view.hash}`;
  if (now === shown) return;
  const typed = shown.startsWith(`${view.id} `) ? taken() : {};
  shown = now;
  draw(view, stack.length, typed);
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector(".block-input input, .block-input select, .block-input textarea") || dialog.querySelector("button"))?.focus();
}

function draw(view, depth, typed) {
  const onUse = (one, block, value) => used(one, value, { view_id: view.id });
  fill(dialog, h("form", { method: "dialog", novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(view); } },
    h("header", {}, h("h2", { id: "modal-title" }, plain(view.title)),
      h("button", { type: "button", "aria-label": "Close", onclick: close }, "✕")),
    h("div", { class: "modal-body" }, blocks(view.blocks, names(), onUse, typed)),
    h("p", { class: "error general", role: "alert", hidden: true }),
    h("div", { class: "buttons" },
      h("button", { type: "button", onclick: close }, plain(view.close) || (depth > 1 ? "Back" : "Cancel")),
      view.submit ? h("button", { type: "submit", class: "primary" }, plain(view.submit)) : null)));
  telephone(view);
}

// What people do with their telephone beside the form: scan its key, read a code.
function telephone(view) {
  const field = dialog.querySelector(".block-input input[data-action=code]");
  if (!field) return;
  const read = h("button", { type: "button", hidden: !phone.has(), onclick: async () => { field.value = await phone.code(); field.focus(); } }, "📱 Read it from the phone");
  const key = phone.keyIn(view);
  const scan = key ? h("button", { type: "button", onclick: () => { phone.scan(key); read.hidden = false; read.focus(); } }, `📱 Add it to ${named(state.user)}'s phone`) : null;
  field.after(h("span", { class: "phone-buttons" }, scan || "", read));
}

// Every field by `block/action`.
function taken() {
  const found = {};
  for (const node of dialog.querySelectorAll(".block-input [data-kind]")) {
    found[`${node.dataset.block}/${node.dataset.action}`] = valueOf(node);
  }
  return found;
}

async function submit(view) {
  wrong({});
  const values = {};
  const missing = {};
  for (const node of dialog.querySelectorAll(".block-input [data-kind]")) {
    const value = valueOf(node);
    const block = view.blocks.find((one) => one.block_id === node.dataset.block);
    if (!block.optional && (value === null || value.length === 0)) missing[block.block_id] = "Please complete this field.";
    (values[node.dataset.block] ||= {})[node.dataset.action] = value;
  }
  if (Object.keys(missing).length) return wrong(missing);
  const button = dialog.querySelector("button[type=submit]");
  button.disabled = true;
  const said = await act("submit", { user: state.user, view_id: view.id, values }, true);
  button.disabled = false;
  if (!said) return null;
  if (said.refused) return general(said.refused);
  for (const notice of said.notices || []) {
    if (notice.errors) wrong(notice.errors);
    else if (notice.text) general(notice.error ? `${notice.text} (${notice.error})` : notice.text);
  }
  return null;
}

function wrong(errors) {
  let first = null;
  general("");
  for (const holder of dialog.querySelectorAll(".block-input")) {
    const text = errors[holder.dataset.block] || "";
    const line = holder.querySelector(".error");
    const field = holder.querySelector("[data-kind]");
    line.textContent = text;
    line.hidden = !text;
    if (text) { field.setAttribute("aria-invalid", "true"); field.setAttribute("aria-errormessage", line.id); first ||= field; }
    else field.removeAttribute("aria-invalid");
  }
  first?.focus();
}

function general(text) {
  const line = dialog.querySelector(".general");
  if (!line) return;
  line.textContent = text;
  line.hidden = !text;
}

async function close() {
  const view = state.parts.screen?.open?.at(-1);
  if (view) await act("close_view", { user: state.user, view_id: view.id }, true);
  else dialog.close();
}

// What Slack itself tells a person beside the channel: a warning sign at a button, in words here.
function notices() {
  const rows = state.parts.screen?.notices || [];
  if (seen?.user === state.user) {
    for (const one of rows.filter((row) => row.number > seen.number && row.action_id)) {
      toast(`Slack shows a warning at the button: no answer (${one.text}).`, "bad");
    }
  }
  seen = { user: state.user, number: rows.at(-1)?.number ?? -1 };
}
