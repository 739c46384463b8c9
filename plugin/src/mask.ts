/** How a number is spelt: by a mask of the page's, or like the number that stood there before. */

/** A number as people write it: digits with the usual separators. */
export const WRITTEN = /[+(]*\d[\d\s().\u2010-\u2013-]{4,}\d/;

const digitsOf = (text: string) => text.replace(/\D/g, '');

/**
 * Spells an E.164 number by a mask, or gives `undefined` (or nothing) where that would misstate it.
 *
 * The `#`s are filled from the right. The digits in front that find no place are what the mask itself stands for: a
 * country code that it spells out after a "+", or one that a national mask leaves out and `codes` allows.
 */
export const byMask = (mask = '', number: string, codes = /^/): string | undefined => {
  const digits = digitsOf(number);
  const parts = mask.split('#');
  let next = digits.length - parts.length + 1;
  const rest = digits.slice(0, next);
  const fits = next >= 0 && (mask[0] === '+' ? digitsOf(parts[0] as string) === rest : codes.test(rest));
  return fits ? mask.replace(/#/g, () => digits[next++] as string) : undefined;
};

/** Spells an E.164 number like another one. */
export const like = (written = '', number: string): string | undefined => {
  // In front of a national number stands the trunk prefix: 8 for country code 7, 0 for most others.
  const trunk = /^(8(?=\d{10}$)|0)/.exec(digitsOf(written))?.[0];
  const mask = written.replace(/\d/g, '#');
  return byMask(trunk ? mask.replace('#', trunk) : mask, number, trunk === '0' ? /^\d{1,3}$/ : /^[17]?$/);
};
