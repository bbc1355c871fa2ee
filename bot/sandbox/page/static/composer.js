// The box: what is typed, what may come next, what was said before.
import { $, act, fill, h, toast } from "./dom.js";
import * as files from "./files.js";
import { state } from "./state.js";

const box = $("box");
const list = $("offered");
const said = [];
let back = 0;
let offered = { start: 0, options: [] };
let at = -1;
let asked = 0;

export function put(text) {
  box.value = text;
  grow();
  box.focus();
  hide();
}

function grow() {
  box.rows = Math.min(8, box.value.split("\n").length);
}

function hide() {
  list.hidden = true;
  at = -1;
  box.removeAttribute("aria-activedescendant");
}

async function look() {
  grow();
  const text = box.value;
  if (!/(^\/|(^|\s)@\w*$)/.test(text) || box.selectionStart !== text.length) return hide();
  const number = ++asked;
  try {
    const answer = await fetch(`complete?${new URLSearchParams({ text, user: state.user })}`);
    const found = await answer.json();
    if (number !== asked || box.value !== text) return null;
    offered = found;
  } catch {
    return hide();
  }
  at = -1;
  draw();
  return null;
}

function draw() {
  list.hidden = !offered.options.length;
  fill(list, offered.options.map((one, n) => h("li", { role: "option", id: `offer-${n}`, "aria-selected": n === at ? "true" : "false",
    onpointerdown: (event) => { event.preventDefault(); take(n); } }, h("b", {}, one.insert), h("span", { class: "faint" }, one.hint))));
  if (at >= 0) {
    box.setAttribute("aria-activedescendant", `offer-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  } else box.removeAttribute("aria-activedescendant");
}

function take(n) {
  box.value = box.value.slice(0, offered.start) + offered.options[n].insert;
  box.focus();
  hide();
  look();
}

async function send() {
  const text = box.value.trim();
  if (!text && !files.waiting()) return;
  if (text.startsWith("/") && files.waiting()) return toast("A slash command takes no files: send them first.", "bad");
  hide();
  asked++;
  if (text) said.push(text);
  back = said.length;
  box.value = "";
  grow();
  const where = { user: state.user, channel: state.channel };
  const taken = files.waiting() ? await files.take() : undefined;
  const done = taken === null ? null : await (taken ? act("share", { ...where, text, files: taken.files }) : act("type", { ...where, text }));
  if (done) return;
  taken?.back();
  if (!box.value) box.value = text;
}

box.addEventListener("input", look);
$("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
box.addEventListener("blur", hide);
box.addEventListener("keydown", (event) => {
  const open = !list.hidden;
  const many = offered.options.length;
  if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    at = event.key === "ArrowDown" ? (at + 1) % many : (at <= 0 ? many : at) - 1;
    draw();
  } else if (open && (event.key === "Tab" && !event.shiftKey || event.key === "Enter" && at >= 0)) {
    event.preventDefault();
    take(Math.max(at, 0));
  } else if (open && event.key === "Escape") {
    event.stopPropagation();
    hide();
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (!open && said.length && (event.key === "ArrowUp" && (box.value === "" || box.value === said[back]) || event.key === "ArrowDown" && box.value === said[back] && box.value)) {
    event.preventDefault();
    back = Math.max(0, Math.min(said.length, back + (event.key === "ArrowUp" ? -1 : 1)));
    box.value = said[back] || "";
    grow();
  }
});
