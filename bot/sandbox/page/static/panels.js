// The stand-ins beside Slack: what they hold now, and the switches that make each fail and heal.
import { $, act, fill, h, toast } from "./dom.js";
import { state } from "./state.js";

const COMMON = [["429", "too many requests (429)"], ["500", "error 500"], ["503", "not available (503)"], ["reset", "line cut before it"],
  ["timeout_before", "time-out before the effect"], ["timeout_after", "time-out after the effect"]];
const SLOW = ["slow", "slow (3 s)"];
const LINE = COMMON.filter(([mode]) => !["429", "500", "503"].includes(mode));
const SERVICES = [
  ["slack", "Slack", [...COMMON, ["missing_scope", "missing scope"], ["name_taken", "name taken"], SLOW],
    ["*", "chat.postMessage", "chat.update", "conversations.create", "conversations.invite", "views.open", "response_url"]],
  ["pagerduty", "PagerDuty", [...COMMON, ["error:invalid key", "refused (400)"], SLOW], ["*"]],
  ["statuspage", "Statuspage", [...COMMON, SLOW], ["*", "POST /incidents", "PATCH /incidents/{id}"]],
  ["aws", "AWS", [...COMMON, ["error:AccessDenied", "permission missing"], SLOW], ["*", "RebootDBInstance", "DescribeDBInstances"]],
  ["kubernetes", "Kubernetes", [...COMMON, ["error:Forbidden", "permission missing"], SLOW], ["*", "patch deployments", "list pods"]],
  ["host", "Hosts", [...LINE, SLOW], ["*"]],
  ["postgres", "Database of checkout", [...LINE, SLOW], ["*"]],
  ["mail", "Mail", [["500", "refused"], ...LINE, SLOW], ["*", "DATA"]],
  ["jira", "Jira", [...COMMON, SLOW], ["*", "POST /issue"]],
];
const NAMES = { U0BEN: "Ben", U0CHI: "Chi" };

export function build() {
  const watching = h("details", { id: "panel-monitoring" }, h("summary", {}, h("span", { class: "dot", "aria-hidden": "true" }), "Monitoring"),
    h("p", { class: "faint" }, "Alertmanager tells Muster; Muster gathers what it hears on one card."),
    h("div", { class: "buttons" }, [["One alert fires", "firing", 1], ["Fifty at once", "firing", 50], ["All is resolved", "resolved", 50]].map(([label, status, many]) =>
      h("button", { type: "button", onclick: () => alarm(status, many) }, label))));
  fill($("panels"), SERVICES.map(([service, title, modes, methods]) => h("details", { id: `panel-${service}`, dataset: { service }, open: ["pagerduty", "aws", "statuspage"].includes(service) },
    h("summary", {}, h("span", { class: "dot", "aria-hidden": "true" }), title, h("span", { class: "count" })),
    h("div", { class: "content", "aria-live": "polite" }),
    h("div", { class: "trouble" }),
    h("details", { class: "switches" }, h("summary", {}, "Make it fail"), switches(service, modes, methods)))), watching);
}

// What Alertmanager sends about checkout: one group, an alert for each of its pods.
async function alarm(status, many) {
  const alerts = Array.from({ length: many }, (_, n) => ({ status, labels: { alertname: "CheckoutErrors", service: "checkout", severity: "critical", pod: `checkout-${n + 1}` },
    annotations: { summary: "checkout answers 503" } }));
  const said = await act("alertmanager", { alerts, group: '{}:{alertname="CheckoutErrors"}' });
  if (said && said.status >= 300) toast(`Muster answered ${said.status} to Alertmanager.`, "bad");
}

function switches(service, modes, methods) {
  const mode = h("select", { "aria-label": "How" }, modes.map(([value, label]) => h("option", { value }, label)));
  const times = h("select", { "aria-label": "How often" }, [["1", "once"], ["3", "3 times"], ["-1", "until healed"]].map(([value, label]) => h("option", { value }, label)));
  const method = h("select", { "aria-label": "What" }, methods.map((value) => h("option", { value }, value === "*" ? "anything" : value)));
  return h("form", { onsubmit: (event) => {
    event.preventDefault();
    if (mode.value === "slow") act("latency", { service, method: method.value, seconds: 3 });
    else act("fail", { service, method: method.value, mode: mode.value, times: Number(times.value) });
  } }, mode, times, methods.length > 1 ? method : (method.hidden = true, method), h("button", { type: "submit" }, "Fail"));
}

export function trouble() {
  const planned = state.parts.trouble || {};
  const failing = SERVICES.filter(([service]) => planned[service]?.length);
  $("failing").hidden = !failing.length;
  fill($("failing"), `⚠️ Made to fail: ${failing.map(([, title]) => title).join(", ")} `,
    h("button", { type: "button", onclick: () => failing.forEach(([service]) => act("heal", { service })) }, failing.length > 1 ? "Heal all" : "Heal it"));
  for (const [service, , modes] of SERVICES) {
    const panel = $(`panel-${service}`);
    const rows = planned[service] || [];
    panel.classList.toggle("failing", rows.length > 0);
    panel.querySelector(".dot").title = rows.length ? "will fail" : "well";
    fill(panel.querySelector(".trouble"), rows.map((one) => h("p", {}, `⚠️ ${modes.find(([mode]) => mode === one.mode && !mode.startsWith("error:"))?.[1] || one.mode.replace("error:", "")}`, one.method === "*" ? "" : ` on ${one.method}`,
      one.times > 0 ? ` × ${one.times}` : "")), rows.length ? h("button", { type: "button", class: "heal", onclick: () => act("heal", { service }) }, "Heal") : null);
  }
}

export function outside() {
  const now = state.parts.outside;
  if (!now) return;
  put("pagerduty", now.pagerduty.length, pagerduty(now));
  put("statuspage", now.statuspage.length, statuspage(now));
  put("aws", "", aws(now));
  put("kubernetes", now.kubernetes?.failing.length ? `${now.kubernetes.failing.length} failing` : "", now.kubernetes ? kubernetes(now.kubernetes) : [faint("starts when first used")]);
  put("host", "", now.hosts.map(host));
  put("mail", now.mail.length, now.mail.length ? now.mail.map((one) => h("details", {}, h("summary", {}, one.subject || "(no subject)"),
    h("p", { class: "faint" }, `to ${one.to.join(", ")}`), h("pre", {}, one.body))) : [faint("no letters yet")]);
  put("jira", now.jira.length, now.jira.length ? now.jira.map((one) => row(one.key, one.summary, one.status)) : [faint("no issues yet")]);
}

function put(service, count, content) {
  const panel = $(`panel-${service}`);
  panel.querySelector(".count").textContent = count ? ` ${count}` : "";
  const text = JSON.stringify([state.user, count, content.map?.((one) => one.outerHTML)]);
  const place = panel.querySelector(".content");
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  fill(place, content);
}

function faint(text) {
  return h("p", { class: "faint" }, text);
}

function row(name, text, status, ...more) {
  return h("div", { class: "row" }, h("p", {}, h("b", {}, name), " ", h("span", { class: `status status-${status}` }, status)), text ? h("p", { class: "cut", title: text }, text) : null, ...more);
}

function pagerduty(now) {
  const rows = now.pagerduty.map((one) => {
    const buttons = one.status === "resolved" ? [] : Object.entries(NAMES).flatMap(([user, name]) => [
      one.status === "triggered" || user !== "U0BEN" ? h("button", { type: "button", onclick: () => act("pagerduty/ack", { incident_key: one.id, user }) }, `Acknowledge as ${name}`) : null]);
    return row(one.id, one.title, one.status, h("p", { class: "faint" }, one.assigned.length ? `pages ${one.assigned.join(", ")}` : "", one.notes.length ? ` · note: ${one.notes.at(-1)}` : ""),
      h("div", { class: "buttons" }, buttons));
  });
  const duty = now.on_call.map(([level, name]) => `${level}: ${name}`).join(", ");
  return [faint(`on call ${duty}`), ...rows, rows.length ? null : faint("nobody is paged"),
    h("button", { type: "button", onclick: () => act("pagerduty/trigger", { title: "checkout answers 503" }) }, "A monitor pages")].filter(Boolean);
}

function statuspage(now) {
  const parts = Object.entries(now.components).map(([name, status]) => h("span", { class: `chip status-${status}` }, `${name}: ${status.replaceAll("_", " ")}`));
  const rows = now.statuspage.map((one) => row(one.name, "", one.status, one.updates.map((each) => h("p", {}, h("i", {}, `${each.status}: `), each.body))));
  return [h("p", { class: "chips" }, parts), ...rows, rows.length ? null : faint("customers see no incident")].filter(Boolean);
}

function aws(now) {
  const health = now.checkout ? h("p", {}, "checkout /health ", h("span", { class: `status status-${now.checkout}` }, now.checkout === "up" ? "200 up" : "503 down")) : faint("starting …");
  const rows = (now.aws || []).map((one) => row(one.id, `writes in ${one.zone}${one.secondary_zone ? `, standby in ${one.secondary_zone}` : ""}`, one.status,
    one.id === "orders-db" && one.zone !== "eu-north-1a" ? h("button", { type: "button", onclick: () => act("aws/instances", { id: one.id, zone: "eu-north-1a", secondary_zone: "eu-north-1b" }) }, "Break it again") : null));
  return [health, ...rows];
}

function kubernetes(found) {
  return [...found.deployments.map((one) => row(`${one.namespace}/${one.name}`, `${one.image} · revision ${one.revision}`, `${one.ready}/${one.replicas}`,
    h("button", { type: "button", onclick: () => act("kubernetes/crash", { namespace: one.namespace, name: one.name, reason: "CrashLoopBackOff" }) }, "Crash its pods"))),
  ...found.failing.map((pod) => h("p", { class: "faint" }, `${pod.name}: ${pod.state}`)),
  h("p", { class: "faint" }, found.nodes.map((node) => `${node.name}${node.schedulable ? "" : " (cordoned)"}${node.full ? " (full)" : ""}`).join(", "))];
}

function host(one) {
  const containers = Object.entries(one.containers);
  const away = one.unreachable;
  return row(one.name, "", away ? "unreachable" : "reachable",
    h("p", { class: "chips" }, containers.map(([name, status]) => h("span", { class: `chip status-${status}` }, `${name}: ${status}`))),
    h("p", { class: "faint" }, `disk ${one.disk_used} %`, Object.entries(one.services).filter(([, status]) => status !== "active").map(([name, status]) => ` · ${name} ${status}`)),
    one.ran.length ? h("details", {}, h("summary", {}, "what ran"), h("pre", {}, one.ran.join("\n"))) : null,
    h("div", { class: "buttons" },
      h("button", { type: "button", onclick: () => act("hosts", { name: one.name, unreachable: !away }) }, away ? "Connect" : "Disconnect"),
      h("button", { type: "button", onclick: () => act("hosts", { name: one.name, disk_used: one.disk_used >= 100 ? 40 : 100 }) }, one.disk_used >= 100 ? "Free its disk" : "Fill its disk"),
      containers.length ? h("button", { type: "button", onclick: () => act("hosts", { name: one.name, containers: { [containers[0][0]]: { health: "unhealthy", sick: true } } }) }, "Break a container") : null));
}
