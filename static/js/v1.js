/*! Callease 1.1.0 | MIT */
window.callease?.version ||
(() => {
  // plugin/src/config.ts
  var tag = [document.currentScript, ...document.scripts].find(
    (each) => each?.dataset.site
  );
  var said = tag?.dataset || {};
  var site = said.site;
  var base = (said.api ? `${said.api}/` : tag?.src || "").replace(/\/+[^/]*$/, "");
  var consentRequired = !site || said.consent === "required";
  var locale = (said.locale || document.documentElement.lang || navigator.language).slice(0, 2);

  // plugin/src/memory.ts
  var REFUSED = "0";
  var guarded = (access) => {
    try {
      return access();
    } catch {
      return void 0;
    }
  };
  var opaqueId = () => {
    return Math.random().toString(36).slice(2) + Date.now();
  };
  var KEY = consentRequired ? "callease+" : "callease";
  var known = guarded(() => localStorage[KEY]);
  var allowed = known ? known !== REFUSED : !consentRequired;
  var visitor = allowed && known || opaqueId();
  var tab = {
    session: opaqueId(),
    leases: [],
    ...allowed && guarded(() => JSON.parse(sessionStorage.callease))
  };
  var save = () => {
    guarded(() => {
      if (localStorage[KEY] === visitor) sessionStorage.callease = JSON.stringify(tab);
    });
  };
  var consent = (given2) => {
    allowed = given2;
    if (!given2) {
      visitor = opaqueId();
      tab.session = opaqueId();
    }
    guarded(() => {
      delete sessionStorage.callease;
      if (given2 || !consentRequired) localStorage[KEY] = given2 ? visitor : REFUSED;
      else delete localStorage[KEY];
    });
    save();
  };
  if (allowed) consent(true);

  // plugin/src/api.ts
  var fail = (code, fallback2) => {
    throw Object.assign(Error(code), { code, fallback: fallback2 });
  };
  var post = async (path, body) => {
    const response = await fetch(base + path, {
      method: "POST",
      body: JSON.stringify(body),
      credentials: "omit",
      keepalive: true
    }).catch(() => fail("network"));
    const answer = await response.json().catch(() => 0) || {};
    return response.ok ? answer : fail(answer.code || `http_${response.status}`, answer.fallback);
  };
  var ask = (path, body, title) => {
    return post(path, {
      site,
      visitor: allowed ? visitor : void 0,
      session: tab.session,
      page: { url: location.href, title, referrer: document.referrer },
      ...body
    });
  };
  var clients = () => {
    if (!allowed) return void 0;
    const found = {};
    for (const name of ["ga", "ym", "gclid", "yclid", "fbclid"]) {
      const id = RegExp(`\\b_?${name}(_uid)?=(GA\\d\\.[^.]+\\.)?([^;&?]+)`).exec(
        document.cookie + location.search
      );
      if (id) found[name] = id[3];
    }
    return found;
  };

  // plugin/src/lifetime.ts
  var endings = [];
  var ended = false;
  var atEnd = (ending) => {
    endings.push(ending);
  };
  function listen(target, type, handler) {
    target.addEventListener(type, handler, true);
    const off = () => target.removeEventListener(type, handler, true);
    atEnd(off);
    return off;
  }
  var whenReady = (action) => {
    if (document.readyState === "loading") listen(document, "DOMContentLoaded", action);
    else action();
  };
  var end = () => {
    ended = true;
    for (const ending of endings.splice(0)) ending();
  };

  // plugin/src/events.ts
  var PREFIX = "callease:";
  var NAMES = ["ready", "reveal", "expired", "dial", "callback", "error"];
  var emit = (name, detail, source) => {
    const event = PREFIX + name;
    (source?.isConnected ? source : document).dispatchEvent(
      new CustomEvent(event, { bubbles: true, composed: true, detail })
    );
    window.dataLayer = window.dataLayer || [];
    window.dataLayer.push({ event, ...detail });
  };
  var told = (request, listing, source) => {
    return request.catch((error) => {
      emit("error", { code: error.code, listing }, source);
      throw error;
    });
  };
  var on = (name, handler) => {
    const names = name === "*" ? NAMES : [name.replace(PREFIX, "")];
    const offs = names.map((each) => listen(document, PREFIX + each, handler));
    return () => offs.map((off) => off());
  };

  // plugin/src/leases.ts
  var left = ({ at, ttl }) => {
    const age = Date.now() - at;
    return age < 0 ? 0 : ttl * 1e3 - age;
  };
  var current = (listing) => {
    return tab.leases.find((lease2) => lease2.listing === listing && left(lease2) > 0);
  };
  var lease = async (listing, token) => {
    if (!listing) return fail("no_listing");
    const running = current(listing);
    if (running) return running;
    const answer = await ask("/v1/leases", { listing, token, clients: clients() });
    if (!answer.number) fail("bad_answer");
    const lease2 = { ...answer, listing, at: Date.now() };
    if (lease2.ttl > 0 && lease2.kind !== "fallback") {
      tab.leases.push(lease2);
      save();
    }
    return lease2;
  };

  // plugin/src/markup.ts
  var PREFIX2 = "data-callease-";
  var REVEAL = `[${PREFIX2}reveal]`;
  var NUMBER = `[${PREFIX2}number]`;
  var NOSWAP = `[${PREFIX2}noswap],[data-calltrk-noswap]`;
  var TEL = 'a[href^="tel:"]';
  var nearest = (from, selector) => {
    const { host } = from.getRootNode();
    return from.closest(selector) || host && nearest(host, selector);
  };
  var given = (from, name) => {
    const attribute = PREFIX2 + name;
    const holder = nearest(from, `[${attribute}],callease-number[${name}]`);
    return holder?.getAttribute(attribute) || holder?.getAttribute(name) || void 0;
  };
  var put = (element, attribute, value) => {
    if (value == null) element.removeAttribute(attribute);
    else element.setAttribute(attribute, value);
  };

  // plugin/src/mask.ts
  var WRITTEN = /[+(]*\d[\d\s().\u2010-\u2013-]{4,}\d/;
  var digitsOf = (text) => text.replace(/\D/g, "");
  var byMask = (mask = "", number, codes = /^/) => {
    const digits = digitsOf(number);
    const parts = mask.split("#");
    let next = digits.length - parts.length + 1;
    const rest = digits.slice(0, next);
    const fits = next >= 0 && (mask[0] === "+" ? digitsOf(parts[0]) === rest : codes.test(rest));
    return fits ? mask.replace(/#/g, () => digits[next++]) : void 0;
  };
  var like = (written = "", number) => {
    const trunk = /^(8(?=\d{10}$)|0)/.exec(digitsOf(written))?.[0];
    const mask = written.replace(/\d/g, "#");
    return byMask(trunk ? mask.replace("#", trunk) : mask, number, trunk === "0" ? /^\d{1,3}$/ : /^[17]?$/);
  };

  // plugin/src/words.ts
  var WORDS = {
    en: ["Show number", "ext."],
    ru: ["\u041F\u043E\u043A\u0430\u0437\u0430\u0442\u044C \u043D\u043E\u043C\u0435\u0440", "\u0434\u043E\u0431."],
    kk: ["\u041D\u04E9\u043C\u0456\u0440\u0434\u0456 \u043A\u04E9\u0440\u0441\u0435\u0442\u0443", "\u049B\u043E\u0441."]
  };
  var [SHOW_NUMBER, EXTENSION] = WORDS[locale] || WORDS.en;

  // plugin/src/paint.ts
  var painted = /* @__PURE__ */ new Set();
  var shownBy = (test) => {
    for (const one of painted) if (test(one.element)) return one.lease;
    return void 0;
  };
  var revert = (test) => {
    let first;
    for (const one of painted) {
      if (!test(one)) continue;
      painted.delete(one);
      for (const step of one.undo.reverse()) step();
      first = first || one.origin;
    }
    return first;
  };
  var swap = (from, to) => {
    const focused = from.matches(":focus");
    from.replaceWith(to);
    if (focused) to.focus({ preventScroll: true });
  };
  var linkLike = (control) => {
    const link = document.createElement("a");
    for (const { name, value } of control.attributes) {
      if (/^(class|id|slot|data-|_ng)/.test(name)) link.setAttribute(name, value);
    }
    link.style.cssText = control.style.cssText;
    link.append(...control.cloneNode(true).childNodes);
    return link;
  };
  var spelt = (element, { number, display, extension }) => {
    const written = WRITTEN.exec(element.textContent)?.[0];
    const text = byMask(given(element, "format"), number) || like(written, number) || (display || number).replace(/ \D+\d+$/, "");
    return extension ? `${text} ${EXTENSION} ${extension}` : text;
  };
  var paint = (element, lease2, control) => {
    revert((one) => one.element === element);
    const text = spelt(element, lease2);
    const undo = [];
    const change = (target, attribute, value = null) => {
      const before2 = target.getAttribute(attribute);
      undo.push(() => put(target, attribute, before2));
      put(target, attribute, value);
    };
    const shown = element === control && element.localName !== "a" ? linkLike(element) : element;
    const place = shown.querySelector(`${NUMBER},${TEL}`) || shown;
    const before = [...place.childNodes];
    undo.push(() => place.replaceChildren(...before));
    place.replaceChildren(...before.filter((node) => !node.textContent?.trim()), text);
    const link = shown.localName === "a" ? shown : place.closest(TEL);
    if (link) {
      change(link, "href", `tel:${lease2.number}${lease2.extension ? `,,${lease2.extension}` : ""}`);
      change(link, "aria-label");
      change(link, "title");
    }
    const state = lease2.kind === "fallback" ? "fallback" : "shown";
    change(shown, `${PREFIX2}state`, state);
    if (control) change(control, `${PREFIX2}state`, state);
    if (shown !== element) {
      swap(element, shown);
      undo.push(() => swap(shown, element));
    }
    painted.add({ lease: lease2, origin: element, element: shown, under: given(shown, "listing"), undo });
    return shown;
  };
  var fillNumbers = (root, shown) => {
    if (ended || !shown && !tab.leases.length) return;
    for (const element of root.querySelectorAll(NUMBER)) {
      const listing = given(element, "listing");
      const lease2 = shown?.listing === listing ? shown : current(listing);
      if (!lease2 || nearest(element, NOSWAP)) continue;
      if (!shownBy((other) => other.contains(element) || element.contains(other))) paint(element, lease2);
    }
  };

  // plugin/src/watch.ts
  var MINUTE_MS = 6e4;
  var timer;
  var sweep = () => {
    if (ended) return;
    for (const lease2 of [...tab.leases]) {
      if (left(lease2) > 0) continue;
      tab.leases.splice(tab.leases.indexOf(lease2), 1);
      const restored = revert((one) => one.lease.lease === lease2.lease);
      save();
      emit("expired", lease2, restored);
    }
    clearTimeout(timer);
    timer = setTimeout(beat, Math.min(MINUTE_MS, ...tab.leases.map(left)));
  };
  var report = (type, lease2) => {
    if (lease2) post(`/v1/leases/${lease2}/events`, { type }).catch(() => {
    });
  };
  var beat = () => {
    sweep();
    if (document.hidden) return;
    for (const { lease: lease2, kind } of tab.leases) if (kind !== "static") report("heartbeat", lease2);
  };
  var reportCopy = () => {
    report("copy", shownBy((element) => getSelection()?.containsNode(element, true))?.lease);
  };
  sweep();
  listen(document, "copy", reportCopy);
  listen(window, "visibilitychange", sweep);
  listen(window, "pageshow", sweep);
  atEnd(() => {
    clearTimeout(timer);
    revert(() => true);
  });

  // plugin/src/reveal.ts
  var PATIENCE_MS = 2e3;
  var pending = /* @__PURE__ */ new Set();
  var spread = (shown, element) => {
    fillNumbers(element?.getRootNode() || document, shown);
    emit("reveal", shown, element);
  };
  var fallback = (control, listing, offered) => {
    const named = offered || given(control, "fallback");
    const link = [...document.querySelectorAll(TEL)].find(
      (each) => given(each, "listing") === listing && !shownBy((element) => element.contains(each))
    );
    const number = (named || link?.getAttribute("href") || "").replace(/[,;].*|[^+\d]/g, "");
    const written = WRITTEN.exec(named || link?.textContent || "");
    return number && { listing, number, display: written?.[0], kind: "fallback" };
  };
  var placeFor = (control) => {
    const selector = control.getAttribute(`${PREFIX2}target`);
    const root = control.getRootNode();
    const card = nearest(control, `[${PREFIX2}listing]`) || root;
    try {
      return card.querySelector(selector) || root.querySelector(selector) || control;
    } catch {
      return control;
    }
  };
  var setBusy = (control, busy) => {
    put(control, "aria-busy", busy);
    put(control, `${PREFIX2}state`, busy && "loading");
  };
  var reveal = async (control) => {
    const listing = given(control, "listing");
    pending.add(control);
    setBusy(control, "true");
    const answer = lease(listing, given(control, "token")).finally(sweep);
    const tooLate = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, { code: "timeout" }));
    const shown = await told(Promise.race([answer, tooLate]), listing, control).catch(
      (failure) => fallback(control, listing, failure.fallback)
    );
    pending.delete(control);
    setBusy(control, null);
    if (shown && !ended) spread(shown, paint(placeFor(control), shown, control));
  };
  var leaseFor = async ({ listing, token }) => {
    const shown = await told(lease(listing, token).finally(sweep), listing);
    spread(shown);
    return shown;
  };
  var origin = (event) => {
    const [from] = event.composedPath();
    return from instanceof Element ? from : void 0;
  };
  var onClick = (event) => {
    const clicked = origin(event);
    if (!clicked) return;
    const link = clicked.closest(TEL);
    const shown = link && shownBy((element) => element.contains(link) || link.contains(element));
    const control = nearest(clicked, REVEAL);
    if (shown) {
      report("dial", shown.lease);
      emit("dial", shown, link);
    } else if (control && !nearest(control, NOSWAP)) {
      event.preventDefault();
      if (!pending.has(control)) reveal(control);
    }
  };
  var onKey = (event) => {
    const control = origin(event);
    if (!/^(Enter| )$/.test(event.key) || !control?.matches(`${REVEAL}:not(button,a[href])`)) return;
    event.preventDefault();
    control.click();
  };
  listen(document, "click", onClick);
  listen(document, "keydown", onKey);

  // plugin/src/element.ts
  var enhance = (element) => {
    let control = element.querySelector(`${REVEAL},button,a`);
    if (!control) {
      control = document.createElement("button");
      control.append(...element.childNodes);
      if (!control.textContent?.trim()) control.append(SHOW_NUMBER);
      element.append(control);
    }
    put(control, `${PREFIX2}reveal`, "");
  };
  if (!customElements.get("callease-number")) {
    customElements.define(
      "callease-number",
      class extends HTMLElement {
        connectedCallback() {
          whenReady(() => enhance(this));
        }
      }
    );
  }

  // plugin/src/late.ts
  var GATHER_MS = 50;
  var gathering;
  var observer = new MutationObserver(() => {
    revert(({ element, under }) => element.isConnected && given(element, "listing") !== under);
    gathering = gathering || setTimeout(() => {
      gathering = 0;
      fillNumbers(document);
    }, GATHER_MS);
  });
  var attributeFilter = [`${PREFIX2}listing`, "listing"];
  observer.observe(document, { childList: true, subtree: true, attributeFilter });
  atEnd(() => observer.disconnect());

  // plugin/src/main.ts
  var IDLE_MS = 2e3;
  var swap2 = (root = document) => {
    for (const each of typeof root === "string" ? document.querySelectorAll(root) : [root]) fillNumbers(each);
  };
  var callback = async (order) => {
    const { listing } = order;
    const answer = await told(ask("/v1/callbacks", order), listing);
    emit("callback", { listing, ...answer });
    return answer;
  };
  var sendVisit = () => {
    ask("/v1/visits", { clients: clients() }, document.title).then(
      ({ visit }) => Object.assign(api, { visit }),
      () => {
      }
    );
  };
  var destroy = () => {
    end();
    api.version = "";
  };
  var commands = { lease: leaseFor, swap: swap2, callback, consent, on, destroy };
  var api = Object.assign((command, ...args) => {
    const member = api[command];
    return member?.then ? member.then(...args) : member?.(...args);
  }, commands);
  var queue = window.callease?.q || [];
  window.callease = api;
  api.version = "1.1.0";
  window.CallTrk = window.CallTrk || {
    swap: swap2,
    getSwapNumbers: (_numbers, done) => {
      setTimeout(done, 0, {});
    }
  };
  api.ready = new Promise(whenReady).then(() => {
    swap2();
    const whenIdle = window.requestIdleCallback || setTimeout;
    whenIdle(sendVisit, { timeout: IDLE_MS });
    emit("ready", { version: "1.1.0" });
    return api;
  });
  for (const call of queue) new Promise((resolve) => resolve(api(...call))).catch(console.warn);
})();
