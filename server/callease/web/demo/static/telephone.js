// The demo telephone's page: it carries a call from dialling to its end, because the server keeps nothing between.
const texts = JSON.parse(document.getElementById('texts').textContent);
const LAST_SHOWN = 'demo-telephone.to';
const OWN_NUMBER = 'demo-telephone.from';
const RECENT = 'demo-telephone.recent';
const RECENT_KEPT = 20;

const $ = (selector) => document.querySelector(selector);
const to = $('#to');
const own = $('#from');
const hide = $('#hide');
const parts = { dialling: $('#dialling'), ringing: $('#ringing'), done: $('#done') };
let call = null;
let held = null;

function stored(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null; // Storage may be off; the page works without its memory.
  }
}

function store(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // As above.
  }
}

// --- Numbers

function randomCaller() {
  const [draw] = crypto.getRandomValues(new Uint32Array(1));
  return `+7 701 555 ${String(draw % 100).padStart(2, '0')} ${String(Math.floor(draw / 100) % 100).padStart(2, '0')}`;
}

function spelt(e164) {
  const city = e164.match(/^\+7(7(?:172|252)|\d{3})(\d{2,3})(\d{2})(\d{2})$/);
  return city ? `+7 ${city[1]} ${city.slice(2).join('-')}` : e164;
}

function remember(caller) {
  own.value = caller;
  store('sessionStorage', OWN_NUMBER, caller);
}

// --- The keypad

function press(key) {
  const start = to.selectionStart ?? to.value.length;
  to.setRangeText(key, start, to.selectionEnd ?? start, 'end');
}

function erase() {
  const end = to.selectionEnd ?? to.value.length;
  const start = to.selectionStart === end ? Math.max(0, end - 1) : to.selectionStart;
  to.setRangeText('', start, end, 'end');
}

for (const key of document.querySelectorAll('[data-key]')) {
  key.addEventListener('click', () => press(key.dataset.key));
}
$('[data-erase]').addEventListener('click', erase);

// Digits typed while no field has the focus go to the display, as on a desk telephone.
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea'))
    return;
  if (/^[0-9+,]$/.test(event.key)) {
    press(event.key);
    const key = $(`[data-key="${event.key}"]`);
    key.classList.add('down');
    setTimeout(() => key.classList.remove('down'), 150);
  } else if (event.key === 'Backspace') {
    erase();
  } else if (event.key === 'Enter' && event.target === document.body) {
    dial();
  }
});

document.addEventListener('paste', (event) => {
  if (event.target.closest('input')) return;
  to.value = event.clipboardData.getData('text').trim();
});

// --- The call

function show(name) {
  for (const [key, part] of Object.entries(parts)) part.hidden = key !== name;
  $('#fault').hidden = true;
  parts[name]?.querySelector('h2')?.focus();
}

function complain(problem) {
  const codes = [...Object.values(problem.errors ?? {}), problem.code];
  const fault = $('#fault');
  fault.textContent = codes.map((code) => texts[code]).find(Boolean) ?? problem.detail ?? texts.offline;
  fault.hidden = false;
  fault.scrollIntoView({ block: 'nearest' });
}

async function send(address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const content = await answer.json();
    if (answer.ok) return content;
    complain(content);
  } catch {
    complain({ code: 'offline' });
  }
  return null;
}

/** Runs a step with its buttons held, so that an impatient second press does not ring twice. */
async function once(step) {
  if (held) return;
  held = [...document.querySelectorAll('.call, #ringing button')];
  for (const button of held) button.disabled = true;
  await step();
  for (const button of held) button.disabled = false;
  held = null;
}

function dial() {
  return once(async () => {
    show('dialling');
    const answer = await send('/telephone/calls', { to: to.value, from: hide.checked ? null : own.value });
    parts.dialling.hidden = true;
    if (!answer) return;
    call = answer;
    showRinging();
  }).then(() => call && !parts.ringing.hidden && $('#ringing-title').focus());
}

function showRinging() {
  $('[data-office]').textContent = call.office ?? '';
  const lines = call.destinations.map((place) => {
    const item = document.createElement('li');
    item.textContent = `${spelt(place.to)} · ${texts.seconds.replace('{n}', place.timeout)}`;
    return item;
  });
  $('[data-destinations]').replaceChildren(...lines);
  $('[data-nobody]').hidden = lines.length > 0;
  $('[data-whisper-row]').hidden = !call.whisper;
  $('[data-whisper]').textContent = call.whisper ?? '';
  show('ringing');
}

function summary(outcome, talk) {
  return outcome === 'answered' ? `${texts.answered}, ${texts.seconds.replace('{n}', talk)}` : texts[outcome];
}

function finish(outcome, talk) {
  return once(async () => {
    $('#fault').hidden = true;
    const answer = await send(`/telephone/calls/${call.call_id}/finish`, {
      outcome,
      talk,
      started_at: call.started_at,
      from: call.from,
      to: call.to,
      answered_by: call.destinations[0]?.to ?? null,
    });
    if (!answer) return;
    $('[data-summary]').textContent = `${summary(outcome, talk)}.`;
    keepRecent({ at: call.started_at, to: call.to, from: call.from, office: call.office, outcome, talk });
    show('done');
  });
}

// --- Recent calls

function recent() {
  return JSON.parse(stored('sessionStorage', RECENT) ?? '[]');
}

function keepRecent(entry) {
  store('sessionStorage', RECENT, JSON.stringify([entry, ...recent()].slice(0, RECENT_KEPT)));
  showRecent();
}

function line(...content) {
  const item = document.createElement('li');
  for (const text of content) {
    const span = document.createElement('span');
    span.textContent = text;
    item.append(span);
  }
  return item;
}

function showRecent() {
  const calls = recent();
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: '2-digit',
    hourCycle: 'h23',
    minute: '2-digit',
  });
  $('[data-recent]').replaceChildren(
    ...calls.map((entry) =>
      line(
        clock.format(new Date(entry.at)),
        spelt(entry.to),
        [entry.office, summary(entry.outcome, entry.talk)].filter(Boolean).join(' · '),
        entry.from ? spelt(entry.from) : texts.hidden,
      ),
    ),
  );
  $('[data-none]').hidden = calls.length > 0;
}

// --- Start

function obeyHide() {
  own.disabled = hide.checked;
}

$('#dialler').addEventListener('submit', (event) => {
  event.preventDefault();
  dial();
});
$('#length').addEventListener('submit', (event) => {
  event.preventDefault();
  finish('answered', $('#talk').valueAsNumber);
});
for (const button of document.querySelectorAll('[data-outcome]')) {
  const talk = button.dataset.talk ? Number(button.dataset.talk) : undefined;
  button.addEventListener('click', () => finish(button.dataset.outcome, talk));
}
$('[data-another]').addEventListener('click', () => remember(randomCaller()));
$('[data-again]').addEventListener('click', () => {
  parts.done.hidden = true;
  to.focus();
  to.select();
});
own.addEventListener('change', () => remember(own.value));
hide.addEventListener('change', obeyHide);

remember(stored('sessionStorage', OWN_NUMBER) ?? randomCaller());
to.value = spelt(stored('localStorage', LAST_SHOWN) ?? '');
obeyHide(); // The browser may have kept the tick over a reload.
showRecent();
