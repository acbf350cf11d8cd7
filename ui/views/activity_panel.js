/* The panel beside the list of requests: everything the app knows of one, in words.

   The notes that the app keeps are short (`dropped=top_k`, as in the header of the answer); each
   kind has its sentence here, and a kind without one is shown as it is, never left out. */

import { copyButton, iconButton } from '../components/controls.js';
import { h } from '../dom.js';
import { credits, milliseconds, number, timeWithSeconds } from '../format.js';
import { setLocal, state } from '../store.js';
import { has, t } from '../strings.js';
import { clientWords, errorText, formatName, modelWords, resultPill } from './activity.js';

/** The request whose panel is open, or null. */
export function selectedRequest(snapshot, local) {
  if (local.screen !== 'activity' || local.request === null) return null;
  return snapshot.requests.find((row) => row.id === local.request) || null;
}

export function closeRequest() {
  const id = state.local.request;
  setLocal({ request: null });
  queueMicrotask(() => {
    const row = document.querySelector(`[data-request="${Number(id)}"]`);
    if (row) row.focus();
  });
}

export function requestPanel(row) {
  return [
    h('div', { class: 'panel-head', key: `head-${row.id}` },
      h('h2', { class: 'title', tabindex: '-1', id: 'panel-title' },
        t('activity.panel.title', { client: clientWords(row), time: timeWithSeconds(row.at) })),
      iconButton('close', t('models.panel.close'), closeRequest)),
    h('div', { class: 'panel-body', key: `body-${row.id}` },
      h('div', { class: 'names' }, h('div', null, resultPill(row)), errorText(row) ? h('p', null, errorText(row)) : null),
      facts(row),
      changes(row),
      row.request_id ? h('div', { class: 'names', key: 'id' },
        h('h3', { class: 'heading' }, t('activity.panel.request_id')),
        h('span', { class: 'mono selectable wrap', 'data-copy-text': 'request-id' }, row.request_id),
        h('div', { class: 'row-buttons' }, copyButton('request-id', row.request_id, t('activity.panel.request_id')))) : null),
  ];
}

function facts(row) {
  const count = (n) => t('models.panel.tokens', { n });
  return h('dl', { class: 'facts', key: 'facts' },
    fact('model', modelWords(row)),
    fact('way', wayWords(row)),
    row.initiator ? fact('initiator', t(`activity.initiator.${row.initiator}`)) : null,
    isNumber(row.input_tokens) ? fact('input', count(row.input_tokens)) : null,
    row.cache_tokens ? fact('cache', count(row.cache_tokens)) : null,
    isNumber(row.output_tokens) ? fact('output', count(row.output_tokens)) : null,
    fact('cost', costWords(row)),
    isNumber(row.first_ms) ? fact('first', milliseconds(row.first_ms)) : null,
    isNumber(row.took_ms) ? fact('took', milliseconds(row.took_ms)) : null);
}

const fact = (name, value) => [
  h('dt', { key: `t-${name}` }, t(`activity.panel.${name}`)), h('dd', { key: `d-${name}` }, value),
];

const isNumber = (value) => typeof value === 'number';

/** From which format to which one; there are two only where the app translates. */
function wayWords(row) {
  const key = `activity.route.${String(row.route).replace(/^\/(v1\/)?/, '').replace('/', '_')}`;
  const format = formatName(row);
  if (!has(key)) return format;
  return t(key) === format ? t('activity.passed', { format }) : t('activity.translated', { format, route: t(key) });
}

/** In full; `null` where nothing is known. */
export function costWords(row) {
  if (isNumber(row.credits)) return t('activity.cost.credits', { amount: credits(row.credits) });
  if (!isNumber(row.multiplier)) return t('activity.cost.unknown');
  if (row.multiplier === 0) return t('models.cost.included');
  if (row.initiator === 'agent') return t('activity.cost.agent');
  return t('activity.cost.multiplier', { amount: number(row.multiplier, 2) });
}

/** For the narrow column of the table. */
export function shortCost(row) {
  if (isNumber(row.credits)) return credits(row.credits);
  if (!isNumber(row.multiplier) || row.initiator === 'agent') return t('activity.none');
  return t('models.cost.multiplier', { n: number(row.multiplier, 2) });
}

function changes(row) {
  const notes = row.notes || [];
  if (!notes.length && row.outcome !== 'ok') return null;
  return h('div', { class: 'names', key: 'changes' },
    h('h3', { class: 'heading' }, t('activity.panel.changes')),
    notes.length
      ? h('ul', { class: 'changes' }, notes.map((note) => h('li', { key: note }, ...noteWords(note))))
      : h('p', null, t('activity.note_none')));
}

/** `mapped=top_k>temperature` as a sentence, with the client's own words set apart. */
export function noteWords(note) {
  const cut = note.indexOf('=');
  const kind = cut < 0 ? note : note.slice(0, cut);
  const rest = cut < 0 ? '' : note.slice(cut + 1);
  const [what, instead] = rest.split('>', 2);
  const exact = `activity.change.${kind}_${rest.replace(/\W+/g, '_')}`;
  if (has(exact)) return [t(exact)];
  const key = `activity.change.${kind}${instead === undefined ? '' : '_to'}`;
  if (!has(key)) return [h('span', { class: 'mono' }, note)];
  const fields = { what, instead: instead === undefined ? '' : instead };
  return pieces(t(key, { what: '\u0001what\u0001', instead: '\u0001instead\u0001' }), fields);
}

function pieces(sentence, fields) {
  return sentence.split('\u0001').map((piece, place) => (
    place % 2 ? h('span', { class: 'mono', key: `p${place}` }, fields[piece]) : piece));
}
