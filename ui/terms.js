/* The terms of a model as plain text.

   They come from GitHub as Markdown and are shown as they are: links become words with the address
   behind them, never something to press, and characters that would turn or hide text are left out. */

import { h } from './dom.js';
import { t } from './strings.js';

const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const LINK = /\[([^\][]{1,300})\]\(([^()\s]{1,600})\)/g;

const plainTerms = (terms) => terms.replace(/\r\n?/g, '\n').replace(UNSEEN, '')
  .replace(LINK, '$1 ($2)').trim();

/** What GitHub wants to be accepted, as plain text that can be scrolled with the keyboard. */
export const termsText = (terms) => h('div', {
  class: 'terms selectable', tabindex: '0', role: 'document', 'aria-label': t('models.terms.title'),
}, plainTerms(terms || '') || t('models.terms.none'));
