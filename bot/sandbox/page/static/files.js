// Files somebody is about to share: chosen, dropped on the page or pasted. They wait above the box until they are sent.
import { $, fill, h, toast } from "./dom.js";

const MOST = 10;
const BYTES = 10 * 1024 * 1024;
let held = [];

export function waiting() {
  return held.length > 0;
}

export function hold(files) {
  for (const file of files) {
    if (!file.size) toast(`${file.name} is empty.`, "bad");
    else if (file.size > BYTES) toast(`${file.name} is larger than 10 MB, which is what this workspace keeps.`, "bad");
    else if (held.length >= MOST) toast(`One message takes ${MOST} files.`, "bad");
    else held.push(file);
  }
  draw();
}

function draw() {
  $("held").hidden = !held.length;
  fill($("held"), held.map((file, n) => h("li", {}, `📄 ${file.name} `, h("span", { class: "faint" }, size(file.size)),
    h("button", { type: "button", "aria-label": `Do not send ${file.name}`, onclick: () => { held.splice(n, 1); draw(); $("box").focus(); } }, "✕"))));
}

export function size(bytes) {
  return bytes < 1024 ? `${bytes} bytes` : `${Math.ceil(bytes / 1024)} kB`;
}

// What waits, as the workspace takes it; nothing waits any more. `back` puts it there again.
export async function take() {
  const files = held;
  held = [];
  draw();
  const back = () => hold(files);
  try {
    return { back, files: await Promise.all(files.map(async (file) => ({ name: file.name, content: await base64(file) }))) };
  } catch {
    back();
    toast("A file could not be read.", "bad");
    return null;
  }
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

$("attach").addEventListener("click", () => $("chosen").click());
$("chosen").addEventListener("change", () => { hold($("chosen").files); $("chosen").value = ""; $("box").focus(); });
$("box").addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) { event.preventDefault(); hold(event.clipboardData.files); }
});
const main = $("main");
const carried = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
main.addEventListener("dragover", (event) => { if (carried(event)) { event.preventDefault(); main.classList.add("dropping"); } });
main.addEventListener("dragleave", (event) => { if (!main.contains(event.relatedTarget)) main.classList.remove("dropping"); });
main.addEventListener("drop", (event) => {
  if (!carried(event)) return;
  event.preventDefault();
  main.classList.remove("dropping");
  hold(event.dataTransfer.files);
  $("box").focus();
});
// Beside the channel a dropped file would be opened instead of this page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => { if (carried(event)) event.preventDefault(); });
