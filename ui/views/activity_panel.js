/* The panel beside the list of requests: everything the app knows of one, in words.

   The notes that the app keeps are short (`dropped=top_k`, as in the header of the answer); each
   kind has its sentence here, and a kind without one is shown as it is, never left out. */

import { perform } from '../actions.js';
import { button, copyButton, iconButton } from '../components/controls.js';
import { copyText } from '../copy.js';
import { h } from '../dom.js';
import { exact, milliseconds, timeWithSeconds } from '../format.js';
import { closeRequest, selectedRequest } from '../requests.js';
import { setLocal } from '../store.js';
import { has, t } from '../strings.js';
import {
  clientWords, costWords, errorText, formatName, modelWords, resultPill, resultWords,
} from './activity.js';

export { closeRequest, selectedRequest };

export function requestPanel(row, { recording }, local) {
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
        h('span', { class: 'mono selectable wrap', 'data-copy-text': 'request-id' }, row.request_id)) : null,
      h('div', { class: 'row-buttons', key: 'copy' },
        copyButton('request-details', () => copyText(detailsOf(row), 'request-details', t('action.details')), t('action.details'), { label: t('action.copy_details') }),
        row.request_id ? copyButton('request-id', row.request_id, t('activity.panel.request_id'), { label: t('activity.panel.copy_id') }) : null),
      recording ? contents(row, local) : null),
  ];
}

export function facts(row) {
  return h('dl', { class: 'facts', key: 'facts' }, factsOf(row).map(([name, value]) => fact(name, value)));
}

/** Names and words of what is known. */
function factsOf(row) {
  const count = (n) => (isNumber(n) ? t('models.panel.tokens', { n }) : null);
  return [
    ['model', modelWords(row)],
    ['way', wayWords(row)],
    ['initiator', row.initiator ? t(`activity.initiator.${row.initiator}`) : null],
    ['upstream', upstreamWords(row)],
    ['input', count(row.input_tokens)],
    ['cache', row.cache_tokens ? count(row.cache_tokens) : null],
    ['output', count(row.output_tokens)],
    ['cost', costWords(row)],
    ['first', isNumber(row.first_ms) ? milliseconds(row.first_ms) : null],
    ['took', isNumber(row.took_ms) ? milliseconds(row.took_ms) : null],
  ].filter(([, value]) => value !== null);
}

/** What Copilot answered, and how often it was asked. */
function upstreamWords(row) {
  if (!row.attempts) return row.outcome === 'open' ? null : t('activity.upstream.none');
  const status = row.upstream_status ? String(row.upstream_status) : t('activity.upstream.nothing');
  return t('activity.upstream.told', { status, n: row.attempts });
}

/** Everything as text, for a report. */
function detailsOf(row) {
  return [
    `${exact(row.at)} ${clientWords(row)} ${formatName(row)}`,
    `${resultWords(row).words}${errorText(row) ? `: ${errorText(row)}` : ''}`,
    ...factsOf(row).map(([name, value]) => `${t(`activity.panel.${name}`)}: ${value}`),
    ...(row.notes || []),
    row.request_id ? `${t('activity.panel.request_id')}: ${row.request_id}` : null,
  ].filter(Boolean).join('\n');
}

// --- what it said, while contents are recorded -------------------------------------------------

let sidesView = null;

function contents(row, local) {
  const found = local.contents && local.contents.id === row.id ? local.contents.sides : null;
  return h('div', { class: 'names', key: 'contents' },
    h('h3', { class: 'heading' }, t('activity.panel.contents')),
    found && sidesView ? sidesView(`row-${row.id}`, found)
      : h('div', { class: 'row-buttons' }, button(t('activity.panel.show_contents'), () => fetchContents(row.id), {
        small: true, busy: Boolean(local.busy.contents),
      })));
}

async function fetchContents(id) {
  const [module, answer] = await Promise.all([import('./sides.js'), perform('contents', { id })]);
  sidesView = module.sidesView;
  if (answer.ok) setLocal({ contents: { id, sides: answer } });
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

export function changes(row) {
  const notes = row.notes || [];
  if (!notes.length && row.outcome !== 'ok') return null;
  return h('div', { class: 'names', key: 'changes' },
    h('h3', { class: 'heading' }, t('activity.panel.changes')),
    notes.length
      ? h('ul', { class: 'changes' }, notes.map((note) => h('li', { key: note }, ...noteWords(note))))
      : h('p', null, t('activity.note_none')));
}

/** `mapped=top_k>temperature` as a sentence, with the client's own words set apart. */
function noteWords(note) {
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
