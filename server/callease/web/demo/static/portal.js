// A demo aid, built on what any host page may use: once a number is shown, offer to ring it from the demo telephone.
const LAST_SHOWN = 'demo-telephone.to';
const hint = document.querySelector('[data-dial-hint]');

function offer(event) {
  const number = event.target.closest?.('a[href^="tel:"]')?.getAttribute('href').slice('tel:'.length);
  if (!number) return;
  try {
    localStorage.setItem(LAST_SHOWN, decodeURIComponent(number));
  } catch {
    // Storage may be off: the telephone then starts empty, and the number can be typed.
  }
  hint.hidden = false;
}

// The event of a revealed number comes from the link that shows it.
document.addEventListener('callease:reveal', offer);
document.addEventListener('click', offer);
hint.querySelector('button').addEventListener('click', () => {
  hint.hidden = true;
});
