/** The few words that the script itself puts on a page. */

import { locale } from './config';

const WORDS: Record<string, [show: string, extension: string]> = {
  en: ['Show number', 'ext.'],
  ru: ['Показать номер', 'доб.'],
  kk: ['Нөмірді көрсету', 'қос.'],
};

export const [SHOW_NUMBER, EXTENSION] = WORDS[locale] || (WORDS.en as [string, string]);
