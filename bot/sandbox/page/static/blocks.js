// Block Kit -> elements. `on` is what using an element does: on(element, block, value, node).
import { h } from "./dom.js";
import { inline, link, mrkdwn, rich, unescape } from "./mrkdwn.js";

export function text(object, names) {
  if (!object) return [];
  if (object.type === "plain_text") return [document.createTextNode(plain(object))];
  return mrkdwn(object.text, names);
}

export function plain(object) {
  return object ? unescape(String(object.text ?? "")) : "";
}

export function blocks(rows, names, on, taken = {}) {
  return (rows || []).map((block) => {
    const drawn = (DRAW[block.type] || unknown)(block, names, on, taken);
    drawn.classList.add("block", `block-${block.type}`);
    return drawn;
  });
}

function unknown(block) {
  return h("p", { class: "faint" }, `[${block.type}]`);
}

const DRAW = {
  header: (block) => h("h3", {}, plain(block.text)),
  divider: () => h("hr"),
  markdown: (block, names) => h("div", {}, mrkdwn(String(block.text || "").replace(/\*\*(.+?)\*\*/g, "*$1*"), names)),
  section(block, names, on, taken) {
    const said = h("div", { class: "said" }, block.text ? h("div", {}, text(block.text, names)) : null,
      block.fields ? h("div", { class: "fields" }, block.fields.map((one) => h("div", {}, text(one, names)))) : null);
    return h("div", {}, said, block.accessory ? element(block.accessory, block, names, on, taken) : null);
  },
  context: (block, names) => h("div", {}, (block.elements || []).map((one) =>
    one.type === "image" ? h("span", {}, `[${one.alt_text}]`) : h("span", {}, text(one, names)))),
  actions: (block, names, on, taken) =>
    h("div", {}, (block.elements || []).map((one) => element(one, block, names, on, taken))),
  image: (block) => h("p", {}, "🖼 ", block.image_url ? link(block.image_url, block.alt_text) : block.alt_text),
  rich_text: (block, names) => h("div", {}, rich(block.elements, names)),
  table: (block, names) => h("table", {}, h("tbody", {}, (block.rows || []).map((row) =>
    h("tr", {}, row.map((cell) => h("td", {}, cell.type === "rich_text" ? rich(cell.elements, names) : inline(cell.text || "", names))))))),
  input(block, names, on, taken) {
    const id = `in-${block.block_id}`;
    const field = element(block.element, block, names, on, taken, id);
    const several = field.tagName === "FIELDSET";
    const label = several ? h("span", { class: "label" }, plain(block.label)) : h("label", { for: id }, plain(block.label));
    if (block.optional) label.append(h("span", { class: "faint" }, " (optional)"));
    return h("div", { dataset: { block: block.block_id } }, label, field,
      block.hint ? h("p", { class: "hint", id: `${id}-hint` }, plain(block.hint)) : null,
      h("p", { class: "error", id: `${id}-error`, role: "alert", hidden: true }));
  },
};

const TYPED = {
  plain_text_input: "text", number_input: "number", email_text_input: "email", url_text_input: "url",
  datepicker: "date", timepicker: "time", datetimepicker: "datetime-local", rich_text_input: "text",
};

// One element. taken: values already typed, by block and action. Its value is read again by `valueOf`.
export function element(one, block, names, on, taken = {}, id = "") {
  const kept = taken[`${block.block_id}/${one.action_id}`];
  const marks = { id: id || null, dataset: { action: one.action_id || "", block: block.block_id || "", kind: one.type },
    "aria-describedby": id && block.hint ? `${id}-hint` : null };
  if (one.type === "button") {
    return h("button", { ...marks, type: "button", class: one.style || "", title: one.accessibility_label || null,
      onclick: (event) => on(one, block, one.value, event.currentTarget) }, plain(one.text), one.url ? " ↗" : "");
  }
  if (one.type === "overflow") {
    return chooser(one, { ...marks, "aria-label": "More" }, options(one), [], false, on, block, "⋯");
  }
  if (one.type === "checkboxes" || one.type === "radio_buttons") return boxes(one, marks, kept, on, block);
  if (one.type.endsWith("select")) {
    const multi = one.type.startsWith("multi_");
    if (one.type.includes("external")) return external(one, marks, kept, on, block);
    return chooser(one, marks, options(one, names), kept ?? initial(one), multi, on, block, plain(one.placeholder) || "Choose …");
  }
  if (one.type === "file_input") return h("p", { class: "faint" }, "Files cannot be chosen here.");
  if (TYPED[one.type]) return typed(one, marks, kept, on, block);
  return h("span", { class: "faint" }, `[${one.type}]`);
}

function typed(one, marks, kept, on, block) {
  const value = kept ?? initial(one) ?? "";
  const shared = { ...marks, placeholder: plain(one.placeholder) || null, maxlength: one.max_length || null,
    onchange: (event) => block.type !== "input" && on(one, block, valueOf(event.currentTarget), event.currentTarget) };
  if (one.multiline || one.type === "rich_text_input") return h("textarea", { ...shared, rows: 4, value });
  const shown = one.type === "datetimepicker" && value ? new Date(Number(value) * 1000).toISOString().slice(0, 16) : value;
  return h("input", { ...shared, type: TYPED[one.type], min: one.min_value, max: one.max_value,
    step: one.is_decimal_allowed ? "any" : null, value: String(shown) });
}

function chooser(one, marks, rows, chosen, multi, on, block, nothing) {
  const wanted = new Set([chosen ?? []].flat().map(String));
  const choose = h("select", { ...marks, multiple: multi, "aria-label": marks.id ? null : nothing,
    onchange: (event) => {
      if (block.type === "input") return;
      on(one, block, valueOf(event.currentTarget), event.currentTarget);
      if (one.type === "overflow") event.currentTarget.value = "";
    } });
  if (!multi) choose.append(h("option", { value: "" }, nothing));
  for (const row of rows) {
    const made = row.group
      ? h("optgroup", { label: row.group }, row.rows.map((inner) => choice(inner, wanted)))
      : choice(row, wanted);
    choose.append(made);
  }
  return choose;
}

function choice(row, wanted) {
  const made = h("option", { value: row.value }, row.label);
  made.selected = wanted.has(String(row.value));
  return made;
}

function boxes(one, marks, kept, on, block) {
  const chosen = new Set([kept ?? initial(one) ?? []].flat());
  const type = one.type === "checkboxes" ? "checkbox" : "radio";
  return h("fieldset", { ...marks, onchange: (event) => block.type !== "input" && on(one, block, valueOf(event.currentTarget), event.currentTarget) },
    options(one).map((row) => {
      const input = h("input", { type, name: `${marks.id || block.block_id}-${one.action_id}`, value: row.value });
      input.checked = chosen.has(row.value);
      return h("label", {}, input, " ", row.label, row.about ? h("span", { class: "faint" }, ` ${row.about}`) : null);
    }));
}

// An external select asks the app for options while one types.
function external(one, marks, kept, on, block) {
  const list = h("datalist", { id: `list-${one.action_id}` });
  const input = h("input", { ...marks, type: "text", list: list.id, placeholder: plain(one.placeholder) || "Type to search …", value: kept ?? "" });
  input.addEventListener("input", async () => {
    const rows = await on({ ...one, suggest: true }, block, input.value, input);
    list.replaceChildren(...(rows || []).map((row) => h("option", { value: row.value }, plain(row.text))));
  });
  input.addEventListener("change", () => block.type !== "input" && on(one, block, input.value, input));
  input.after(list);
  const both = h("span", { class: "external" }, input, list);
  return both;
}

function options(one, names = {}) {
  const row = (option) => ({ value: option.value, label: plain(option.text), about: plain(option.description) });
  if (one.option_groups) return one.option_groups.map((group) => ({ group: plain(group.label), rows: group.options.map(row) }));
  if (one.options) return one.options.map(row);
  const starts = one.type.includes("users") ? /^[UW]/ : /^[CG]/;
  return Object.entries(names).filter(([id]) => starts.test(id) && id !== "USLACKBOT")
    .map(([id, name]) => ({ value: id, label: one.type.includes("users") ? name : `#${name}` }));
}

function initial(one) {
  const option = one.initial_option || one.initial_options;
  if (option) return Array.isArray(option) ? option.map((each) => each.value) : option.value;
  return one.initial_value ?? one.initial_user ?? one.initial_users ?? one.initial_date ?? one.initial_time
    ?? one.initial_date_time ?? one.initial_conversation ?? one.initial_channel ?? one.initial_conversations ?? one.initial_channels ?? null;
}

// What somebody chose or typed in an element, as the workspace takes it; null where nothing.
export function valueOf(node) {
  const kind = node.dataset.kind;
  if (node.tagName === "FIELDSET") {
    const chosen = [...node.querySelectorAll("input:checked")].map((one) => one.value);
    return kind === "checkboxes" ? chosen : (chosen[0] ?? null);
  }
  if (node.tagName === "SELECT" && node.multiple) return [...node.selectedOptions].map((one) => one.value);
  if (kind === "datetimepicker") return node.value ? Date.parse(`${node.value}Z`) / 1000 : null;
  return node.value === "" ? null : node.value;
}
