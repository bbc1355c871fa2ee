// Elements from code. Text is always set as text: nothing here can turn words into markup.

export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "value") node.value = value;
    else if (value === true) node.setAttribute(name, "");
    else node.setAttribute(name, String(value));
  }
  node.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return node;
}

export const $ = (id) => document.getElementById(id);

export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return node;
}

// The same children in the same order, touching only what differs: focus, choices and what is read aloud stay.
export function settle(node, children) {
  const wanted = children.flat(Infinity).filter(Boolean);
  const keep = new Set(wanted);
  for (const child of [...node.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((child, n) => {
    if (node.children[n] !== child) node.insertBefore(child, node.children[n] || null);
  });
}

// "14:02" of a Slack timestamp, UTC as on the cards.
export function clock(ts) {
  return new Date(Number(ts) * 1000).toISOString().slice(11, 16);
}

// A link only where it leads to the web; anything else stays words.
export function safe(url) {
  return /^(https?:\/\/|mailto:)/i.test(url) ? url : null;
}

export function toast(text, kind = "") {
  const node = h("p", { class: `toast ${kind}` }, text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), 9000);
}

// What the page asks of the workspace. The answer, or null after its refusal was shown.
export async function act(name, body, quiet = false) {
  try {
    const answer = await fetch(`act/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (answer.ok) return said;
    if (!quiet) toast(said.error, "bad");
    return quiet ? { refused: said.error } : null;
  } catch {
    toast("The workspace does not answer. Is `muster sandbox` still running?", "bad");
    return null;
  }
}
