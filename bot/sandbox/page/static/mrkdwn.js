// Slack's mrkdwn and rich text -> elements. Text of people arrives escaped (&lt;) and is unescaped into text nodes only.
import { h, safe } from "./dom.js";

const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", eyes: "👀", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", pushpin: "📌",
  fire: "🔥", rotating_light: "🚨", tada: "🎉", warning: "⚠️", red_circle: "🔴", large_green_circle: "🟢", memo: "📝",
  hourglass: "⏳", raised_hands: "🙌", heart: "❤️", question: "❓", bell: "🔔", pencil: "📝", round_pushpin: "📍", star: "⭐",
};
const PLAIN = /<[^<>\n]+>|`[^`\n]+`|https?:\/\/[^\s<>"|`]*[\w\/#=&%-]|:[a-z0-9_+-]+:/;
const MARKED = /(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*?\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])/;

export function emoji(name) {
  return EMOJI[name] || `:${name}:`;
}

export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function link(url, words) {
  const target = safe(url);
  if (!target) return document.createTextNode(words || url);
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, words || url);
}

// Paragraphs, quotes and code blocks of one text.
export function mrkdwn(text, names = {}) {
  const parts = String(text ?? "").split("```");
  return parts.flatMap((part, n) => {
    if (n % 2 === 1) return [h("pre", {}, unescape(part.replace(/^\n/, "").replace(/\n$/, "")))];
    return lines(part, names);
  });
}

function lines(text, names) {
  const out = [];
  let quote = null;
  for (const [n, line] of text.split("\n").entries()) {
    const quoted = /^(&gt;|>) ?/.exec(line);
    if (quoted) {
      if (!quote) out.push((quote = h("blockquote", {})));
      else quote.append("\n");
      quote.append(...inline(line.slice(quoted[0].length), names));
      continue;
    }
    if (n && !quote) out.push("\n");
    quote = null;
    out.push(...inline(line, names));
  }
  return out;
}

export function inline(text, names = {}) {
  const marked = MARKED.exec(text);
  const plain = PLAIN.exec(text);
  if (plain && (!marked || plain.index <= marked.index)) {
    const after = text.slice(plain.index + plain[0].length);
    return [...words(text.slice(0, plain.index)), piece(plain[0], names), ...inline(after, names)];
  }
  if (!marked) return words(text);
  const tag = marked[1] !== undefined ? "strong" : marked[2] !== undefined ? "em" : "s";
  const inner = marked[1] ?? marked[2] ?? marked[3];
  const after = text.slice(marked.index + marked[0].length);
  return [...words(text.slice(0, marked.index)), h(tag, {}, inline(inner, names)), ...inline(after, names)];
}

function words(text) {
  return text ? [document.createTextNode(unescape(text))] : [];
}

function piece(text, names) {
  if (text.startsWith("`")) {
    const said = unescape(text.slice(1, -1));
    const id = /^#[\w-]+$/.test(said) && Object.keys(names).find((one) => one.startsWith("C") && names[one] === said.slice(1));
    return id ? h("a", { class: "mention", href: `#${id}`, dataset: { channel: id } }, said) : h("code", {}, said);
  }
  if (text.startsWith("http")) return link(unescape(text));
  if (text.startsWith(":")) return document.createTextNode(emoji(text.slice(1, -1)));
  const [target, label] = text.slice(1, -1).split("|");
  if (target.startsWith("@")) return mention(`@${names[target.slice(1)] || label || target.slice(1)}`);
  if (target.startsWith("#")) {
    const id = target.slice(1);
    const known = names[id];
    return h("a", { class: "mention", href: `#${id}`, dataset: { channel: id } }, known || label ? `#${known || label}` : "#private");
  }
  if (target.startsWith("!subteam^")) return mention(names[target.slice(9)] || label || "@group");
  if (target.startsWith("!date^")) return document.createTextNode(label || target.split("^")[1]);
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`);
  return link(unescape(target), label === undefined ? undefined : unescape(label));
}

function mention(text) {
  return h("span", { class: "mention" }, text);
}

// A block of type rich_text.
export function rich(elements, names) {
  return (elements || []).map((one) => {
    if (one.type === "rich_text_list") {
      const tag = one.style === "ordered" ? "ol" : "ul";
      return h(tag, {}, (one.elements || []).map((item) => h("li", {}, spans(item.elements, names))));
    }
    const tag = { rich_text_preformatted: "pre", rich_text_quote: "blockquote" }[one.type] || "p";
    return h(tag, {}, spans(one.elements, names));
  });
}

function spans(elements, names) {
  return (elements || []).map((one) => {
    let node;
    if (one.type === "link") node = link(one.url, one.text);
    else if (one.type === "user") node = mention(`@${names[one.user_id] || one.user_id}`);
    else if (one.type === "usergroup") node = mention(names[one.usergroup_id] || "@group");
    else if (one.type === "channel") node = mention(`#${names[one.channel_id] || "private"}`);
    else if (one.type === "emoji") node = document.createTextNode(emoji(one.name));
    else node = document.createTextNode(one.text || "");
    const style = one.style || {};
    for (const [name, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]]) {
      if (style[name]) node = h(tag, {}, node);
    }
    return node;
  });
}
