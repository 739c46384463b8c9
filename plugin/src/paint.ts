/** Puts a number on the page, and takes it off again without a trace. */

import { current, type Shown } from './leases';
import { ended } from './lifetime';
import { given, NOSWAP, NUMBER, nearest, PREFIX, put, TEL } from './markup';
import { byMask, like, WRITTEN } from './mask';
import { tab } from './memory';
import { EXTENSION } from './words';

interface Painted {
  lease: Shown;
  /** What the page had there, and what shows the number now: the same, unless a control became a link. */
  origin: HTMLElement;
  element: HTMLElement;
  /** Listing that the element stood under: a card that is recycled for another one must not keep the number. */
  under: string | undefined;
  undo: (() => void)[];
}

const painted = new Set<Painted>();

/** What is shown by an element for which `test` holds. */
export const shownBy = (test: (element: HTMLElement) => boolean): Shown | undefined => {
  for (const one of painted) if (test(one.element)) return one.lease;
  return undefined;
};

/** Gives elements back what they showed before; returns the first of them. */
export const revert = (test: (one: Painted) => boolean): HTMLElement | undefined => {
  let first: HTMLElement | undefined;
  for (const one of painted) {
    if (!test(one)) continue;
    painted.delete(one);
    for (const step of one.undo.reverse()) step();
    first = first || one.origin;
  }
  return first;
};

const swap = (from: HTMLElement, to: HTMLElement): void => {
  const focused = from.matches(':focus');
  from.replaceWith(to);
  if (focused) to.focus({ preventScroll: true });
};

/** A link with the looks and a copy of the content of a control. */
const linkLike = (control: HTMLElement): HTMLElement => {
  const link = document.createElement('a');
  for (const { name, value } of control.attributes) {
    if (/^(class|id|slot|data-|_ng)/.test(name)) link.setAttribute(name, value);
  }
  // Copied through the object model: as an attribute a strict content security policy would refuse it.
  link.style.cssText = control.style.cssText;
  link.append(...control.cloneNode(true).childNodes);
  return link;
};

const spelt = (element: HTMLElement, { number, display, extension }: Shown): string => {
  const written = WRITTEN.exec(element.textContent as string)?.[0];
  // The server's spelling ends with the code too, in the language of the site; the page may be in another one.
  const text =
    byMask(given(element, 'format'), number) ||
    like(written, number) ||
    (display || number).replace(/ \D+\d+$/, '');
  return extension ? `${text} ${EXTENSION} ${extension}` : text;
};

/**
 * Shows a number in an element, or in a link in its place where it is the control itself; returns what shows it.
 *
 * It takes the place of all text, or of a child that is marked for it; icons without text stay. The page's own nodes
 * are set aside unchanged and come back with `revert`.
 */
export const paint = (element: HTMLElement, lease: Shown, control?: HTMLElement): HTMLElement => {
  // One place may serve many listings in turn, as the phone line of a shared dialog does.
  revert((one) => one.element === element);
  const text = spelt(element, lease);
  const undo: Painted['undo'] = [];
  const change = (target: Element, attribute: string, value: string | null = null) => {
    const before = target.getAttribute(attribute);
    undo.push(() => put(target, attribute, before));
    put(target, attribute, value);
  };
  const shown = element === control && element.localName !== 'a' ? linkLike(element) : element;
  const place = shown.querySelector(`${NUMBER},${TEL}`) || shown;
  const before = [...place.childNodes];
  undo.push(() => place.replaceChildren(...before));
  place.replaceChildren(...before.filter((node) => !node.textContent?.trim()), text);
  const link = shown.localName === 'a' ? shown : place.closest(TEL);
  if (link) {
    change(link, 'href', `tel:${lease.number}${lease.extension ? `,,${lease.extension}` : ''}`);
    // A label that spells the old number, or still says "Show number", would hide the new one.
    change(link, 'aria-label');
    change(link, 'title');
  }
  const state = lease.kind === 'fallback' ? 'fallback' : 'shown';
  change(shown, `${PREFIX}state`, state);
  if (control) change(control, `${PREFIX}state`, state);
  if (shown !== element) {
    swap(element, shown);
    undo.push(() => swap(shown, element));
  }
  painted.add({ lease, origin: element, element: shown, under: given(shown, 'listing'), undo });
  return shown;
};

/** Fills the number elements under `root` whose listing is that of `shown` or has a running lease. */
export const fillNumbers = (root: ParentNode, shown?: Shown): void => {
  // Most pages show no number yet, and a scan of a long list is the dearest thing that the script does.
  if (ended || (!shown && !tab.leases.length)) return;
  for (const element of root.querySelectorAll<HTMLElement>(NUMBER)) {
    const listing = given(element, 'listing');
    const lease = shown?.listing === listing ? shown : current(listing);
    if (!lease || nearest(element, NOSWAP)) continue;
    if (!shownBy((other) => other.contains(element) || element.contains(other))) paint(element, lease);
  }
};
