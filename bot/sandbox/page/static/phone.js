// Everybody's telephone: an authenticator app for the one-time codes Muster asks for. Kept in this tab alone.
import { $, fill, h } from "./dom.js";
import { named, state } from "./state.js";

const STEP_S = 30;
const KEY = /`((?:[A-Z2-7]{2,4} ?){6,16})`/;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function secrets() {
  return JSON.parse(sessionStorage.getItem("phones") || "{}");
}

// The key in a form of Muster's, as base32; null where there is none.
export function keyIn(view) {
  for (const block of view.blocks || []) {
    const found = KEY.exec(block.text?.text || "");
    if (found) return found[1].replaceAll(" ", "");
  }
  return null;
}

export function scan(key) {
  sessionStorage.setItem("phones", JSON.stringify({ ...secrets(), [state.user]: key }));
  show();
}

export function has() {
  return Boolean(secrets()[state.user]);
}

function bytes(base32) {
  let bits = "";
  for (const letter of base32) bits += LETTERS.indexOf(letter).toString(2).padStart(5, "0");
  return Uint8Array.from(bits.match(/.{8}/g) || [], (eight) => parseInt(eight, 2));
}

// The six digits of now (RFC 6238: SHA-1, 30 seconds).
export async function code() {
  const secret = secrets()[state.user];
  if (!secret) return "";
  const key = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setUint32(4, Math.floor(Date.now() / 1000 / STEP_S));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const number = mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

// The line under the guide: whose telephone, which code, for how long.
export async function show() {
  const place = $("phone");
  place.hidden = !has();
  if (place.hidden) return;
  const now = await code();
  const left = STEP_S - (Math.floor(Date.now() / 1000) % STEP_S);
  fill(place, `📱 ${named(state.user)}'s authenticator: `, h("b", {}, `${now.slice(0, 3)} ${now.slice(3)}`), h("span", { class: "faint" }, ` ${left} s`));
}

setInterval(() => { if (!$("phone").hidden) show(); }, 1000);
