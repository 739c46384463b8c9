// Keeps the list of leads, or the card of a call still going on, in step with the server. The page works without
// this script; it is then as fresh as its last load. Texts come from data attributes, so there are none here.

const QUICK_MS = 2_000;
const CALM_MS = 5_000;
const CALM_AFTER_MS = 120_000;
const SLOWEST_MS = 60_000;
const GIVE_UP_MS = 20_000;
const TOAST_MS = 5_000;
const FRESH_MS = 4_000;
// What this script or the reader sets on an element, and no answer of the server may take away.
const KEPT = new Set(["data-fresh", "open"]);
// J and K, and what the same keys type on a Russian or Kazakh layout.
const STEPS = { j: 1, k: -1, о: 1, л: -1 };
const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

const table = document.querySelector("table.leads");
const body = document.getElementById("leads");
const live = document.querySelector("[data-poll]");
const beat = document.getElementById("beat");
const toasts = document.getElementById("toasts");
const title = document.title;
const parse = (html) => new DOMParser().parseFromString(html, "text/html");
let unseen = 0;

function say(text, link) {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.append(text);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = location.href;
    anchor.append(link);
    toast.append(" ", anchor);
  } else {
    setTimeout(() => toast.remove(), TOAST_MS);
  }
  toasts.append(toast);
}

// Makes `old` equal to `fresh` by the smallest change, so that focus, selection and open details survive.
function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const had = [...old.childNodes];
  const gets = [...fresh.childNodes];
  gets.forEach((node, i) => {
    if (i < had.length) patch(had[i], node);
    else old.append(document.importNode(node, true));
  });
  for (const node of had.slice(gets.length)) node.remove();
}

// A row that the reader is on stays, greyed, until they leave it.
function drop(row) {
  const selection = getSelection();
  const held = row.contains(document.activeElement) || (!selection.isCollapsed && selection.containsNode(row, true));
  if (held) row.dataset.gone = "";
  else row.remove();
}

// Rows keep their elements: only a new lead is inserted, only what changed inside a row is touched.
function mergeRows(wanted) {
  const rows = new Map([...body.rows].map((row) => [row.dataset.lead, row]));
  const ids = new Set(wanted.map((row) => row.dataset.lead));
  for (const [id, row] of rows) if (!ids.has(id)) drop(row);
  // Rows above the first one known are new; one that slid up from the next page is not.
  let above = true;
  const arrived = [];
  let at = body.rows[0] ?? null;
  for (const fresh of wanted) {
    while (at && !ids.has(at.dataset.lead)) at = at.nextElementSibling;
    const old = rows.get(fresh.dataset.lead);
    if (old) {
      above = false;
      if (old === at) at = at.nextElementSibling;
      else body.insertBefore(old, at);
      patch(old, fresh);
    } else {
      const row = body.insertBefore(document.importNode(fresh, true), at);
      if (above) arrived.push(row);
    }
  }
  return arrived;
}

function announce(arrived) {
  if (!arrived.length) return;
  for (const row of arrived) {
    row.dataset.fresh = "";
    setTimeout(() => delete row.dataset.fresh, FRESH_MS);
  }
  const { one, many } = toasts.dataset;
  const [first] = arrived;
  say(arrived.length > 1 ? many.replace("{n}", arrived.length) : `${one}: ${first.querySelector(".caller").textContent}`);
  if (!document.hasFocus()) {
    unseen += arrived.length;
    document.title = `(${unseen}) ${title}`;
  }
}

function takeList(html) {
  // A table part outside a table is no table part to an HTML parser.
  const fresh = parse(`<table>${html}</table>`).querySelector("tbody");
  const arrived = mergeRows([...fresh.rows]);
  for (const count of document.querySelectorAll("[data-count]")) {
    count.textContent = fresh.dataset[count.dataset.count];
  }
  const older = document.getElementById("older");
  older.hidden = !fresh.dataset.next;
  if (fresh.dataset.next) older.href = fresh.dataset.next;
  table.hidden = !body.rows.length;
  document.getElementById("none").hidden = !table.hidden;
  announce(arrived);
  return true;
}

function takeCard(html) {
  patch(live, parse(html).getElementById("live"));
  if (live.dataset.poll) return true;
  say(toasts.dataset.over);
  return false;
}

// Asks for `url` again and again and hands what has changed to `take`, which says whether to go on.
class Follower {
  etag = null;
  changedAt = Date.now();
  failures = 0;
  asking = false;
  over = false;

  constructor(url, version, take) {
    this.url = url;
    if (version) this.etag = `"${version}"`;
    this.take = take;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(this.timer);
      else this.turn();
    });
    this.wait();
  }

  async ask() {
    try {
      const answer = await fetch(this.url, {
        headers: this.etag ? { "If-None-Match": this.etag } : {},
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.timeout(GIVE_UP_MS),
      });
      return { answer, html: answer.ok ? await answer.text() : null };
    } catch {
      // Offline, refused or too slow: `read` counts it as a failure and the page says so.
      return { answer: null, html: null };
    }
  }

  // True when the server answered as it should, with news or without.
  read({ answer, html }) {
    if (html === null) return answer?.status === 304;
    this.etag = answer.headers.get("ETag");
    this.changedAt = Date.now();
    this.over = !this.take(html);
    return true;
  }

  wait() {
    if (this.over || document.hidden) return;
    const pause = Date.now() - this.changedAt > CALM_AFTER_MS ? CALM_MS : QUICK_MS;
    this.timer = setTimeout(() => this.turn(), Math.min(pause * 2 ** this.failures, SLOWEST_MS));
  }

  async turn() {
    clearTimeout(this.timer);
    if (this.asking || this.over) return;
    this.asking = true;
    try {
      const got = await this.ask();
      if (isSignedOut(got.answer)) this.stop();
      else {
        this.failures = this.read(got) ? 0 : this.failures + 1;
        showBeat(this.failures > 1);
      }
    } finally {
      this.asking = false;
      this.wait();
    }
  }

  stop() {
    this.over = true;
    beat?.remove();
    say(toasts.dataset.ended, toasts.dataset.reload);
  }
}

function isSignedOut(answer) {
  return answer?.type === "opaqueredirect" || [401, 403, 404].includes(answer?.status);
}

function showBeat(lost) {
  if (!beat) return;
  beat.dataset.well ??= beat.textContent;
  beat.textContent = lost ? beat.dataset.lost : beat.dataset.well;
  beat.classList.toggle("lost", lost);
  beat.hidden = false;
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, [popover]")) return;
  const row = document.activeElement.closest("tr[data-lead]");
  const step = STEPS[event.key.toLowerCase()] ?? (row && ARROWS[event.key]);
  if (!step) return;
  const beside = step > 0 ? "nextElementSibling" : "previousElementSibling";
  const next = row ? row[beside] : body.rows[0];
  if (!next) return;
  event.preventDefault();
  next.querySelector(".caller").focus();
}

if (table) {
  table.classList.add("is-live");
  document.querySelector(".keys").hidden = false;
  document.addEventListener("keydown", onKey);
  addEventListener("focus", () => {
    unseen = 0;
    document.title = title;
  });
  body.addEventListener("focusout", (event) => event.target.closest("[data-gone]")?.remove());
  body.addEventListener("click", (event) => {
    // Anywhere in a row opens it, unless the reader was selecting text or used a link's own ways.
    if (event.target.closest("a") || !getSelection().isCollapsed) return;
    event.target.closest("tr").querySelector(".caller").click();
  });
}
if (live?.dataset.poll) {
  showBeat(false);
  new Follower(live.dataset.poll, live.dataset.version, table ? takeList : takeCard);
}
