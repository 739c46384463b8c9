/** The attributes that the page speaks to us in, and how they are looked up. */

export const PREFIX = 'data-callease-';
export const REVEAL = `[${PREFIX}reveal]`;
export const NUMBER = `[${PREFIX}number]`;
export const NOSWAP = `[${PREFIX}noswap],[data-calltrk-noswap]`;
export const TEL = 'a[href^="tel:"]';

/** The nearest element that matches: itself, an ancestor, or one outside of the shadow roots that it is in. */
export const nearest = (from: Element, selector: string): HTMLElement | undefined => {
  const { host } = from.getRootNode() as ShadowRoot;
  return from.closest<HTMLElement>(selector) || (host && nearest(host, selector));
};

/** What the page says by our attribute, or by that of our element, on `from` or the nearest element around it. */
export const given = (from: Element, name: string): string | undefined => {
  const attribute = PREFIX + name;
  const holder = nearest(from, `[${attribute}],callease-number[${name}]`);
  return holder?.getAttribute(attribute) || holder?.getAttribute(name) || undefined;
};

export const put = (element: Element, attribute: string, value: string | null): void => {
  if (value == null) element.removeAttribute(attribute);
  else element.setAttribute(attribute, value);
};
