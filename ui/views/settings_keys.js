/* Keys with names: who they are for, what they may do, and how one is made, changed and revoked.

   A new key is shown in its own sheet and nowhere else; closing the sheet forgets it. */

import * as actions from '../actions.js';
import { act } from '../api.js';
import {
  button, copyButton, pill, segmented, select,
} from '../components/controls.js';
import { h } from '../dom.js';
import { number } from '../format.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { cancelSheet, offerSheet, sheetFrame } from './sheets.js';

const NAME = /^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,30}[A-Za-z0-9])?$/;
const PATTERN = /^[A-Za-z0-9*?._:/-]{1,100}$/;
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
const MOST = 100000;

export function namedKeyRows({ proxy }, local) {
  if (!proxy.keys) return [];
  const note = proxy.keys.length && !proxy.key_required ? t('local_keys.open_note') : t('local_keys.help');
  return [
    h('div', { class: 'setting', key: 'named-keys' },
      h('div', { class: 'setting-words' },
        h('p', { class: 'setting-name', id: 'l-named-keys' }, t('local_keys.title')),
        h('p', { class: 'caption' }, note)),
      h('div', { class: 'setting-control' },
        button(t('local_keys.make'), () => actions.openSheet('local_key', { draft: draftOf(null) }), { busy: Boolean(local.busy.make_key) }))),
    proxy.keys.length ? h('ul', { class: 'named-keys', key: 'named-key-list', 'aria-labelledby': 'l-named-keys' },
      proxy.keys.map((key) => keyItem(key, local))) : null,
  ];
}

function keyItem(key, local) {
  const busy = Boolean(local.busy.limit_key || local.busy.revoke_key || local.busy.rename_key);
  return h('li', { class: 'setting', key: key.name },
    h('div', { class: 'setting-words' },
      h('p', { class: 'setting-name account-line' },
        h('span', { class: 'account-login selectable' }, key.name), levelPill(key)),
      h('p', { class: 'caption' }, useWords(key)),
      h('p', { class: 'caption' }, limitWords(key))),
    h('div', { class: 'setting-control' },
      button(t('local_keys.change'), () => actions.openSheet('local_key', { name: key.name, draft: draftOf(key) }), {
        key: 'change', busy, label2: t('local_keys.change_what', { name: key.name }),
      }),
      button(t('local_keys.revoke'), () => actions.openSheet('revoke_key', { name: key.name }), {
        key: 'revoke', look: 'ghost', busy, label2: t('local_keys.revoke_what', { name: key.name }),
      })));
}

function levelPill({ level }) {
  if (level !== 'low' && level !== 'spent') return null;
  return pill(level === 'spent' ? 'bad' : 'warn', t(`local_keys.${level}`));
}

const amountWords = (unit, value) => t(`local_keys.amount_${unit}`, { amount: number(value, 2) });

function useWords({ hint, last_day: day, today, budget }) {
  const unit = budget ? budget.unit : (today.premium ? 'requests' : 'credits');
  const used = unit === 'requests' ? today.premium : today.credits;
  return [
    t('local_keys.hint', { hint }),
    day ? t('local_keys.last', { day }) : t('local_keys.never'),
    today.requests ? t('local_keys.today', { n: today.requests, amount: amountWords(unit, used) }) : null,
  ].filter(Boolean).join(' · ');
}

function limitWords({ models, max_effort: effort, budget }) {
  return [
    models.length ? t('local_keys.only', { models: models.join(', ') }) : null,
    effort ? t('local_keys.effort', { effort }) : null,
    budget ? t(`local_keys.${budget.stops ? 'stops' : 'warns'}`, { amount: amountWords(budget.unit, budget.amount) }) : null,
  ].filter(Boolean).join(' · ') || t('local_keys.unlimited');
}

// --- the form ----------------------------------------------------------------------------------

function draftOf(key) {
  const { budget = null, models = [], max_effort: effort = null, name = '' } = key || {};
  return {
    name,
    models: models.join(', '),
    effort: effort || 'any',
    amount: budget ? String(budget.amount) : '',
    unit: budget ? budget.unit : 'credits',
    action: budget && budget.stops ? 'stop' : 'warn',
  };
}

const put = (change) => {
  const { sheet } = state.local;
  setLocal({ sheet: { ...sheet, error: null, draft: { ...sheet.draft, ...change } } });
};

const refuse = (wrong, error) => setLocal({ sheet: { ...state.local.sheet, wrong, error } });

/** What was typed as the app's limits, or the field that is wrong. */
function read(draft) {
  const models = draft.models.split(',').map((each) => each.trim()).filter(Boolean);
  const amount = draft.amount.trim() === '' ? null : Number(draft.amount.replace(',', '.'));
  if (!NAME.test(draft.name.trim()) || draft.name.trim().toLowerCase() === 'default') return { wrong: 'name' };
  if (models.length > 50 || !models.every((each) => PATTERN.test(each))) return { wrong: 'models' };
  if (amount !== null && !(amount > 0 && amount <= MOST)) return { wrong: 'budget' };
  return {
    name: draft.name.trim(),
    limits: {
      models,
      max_effort: draft.effort === 'any' ? null : draft.effort,
      budget: amount === null ? null : { unit: draft.unit, amount, stops: draft.action === 'stop' },
    },
  };
}

async function send() {
  const { sheet, busy } = state.local;
  if (busy.make_key || busy.limit_key || busy.rename_key) return;
  const { wrong, name, limits } = read(sheet.draft);
  if (wrong) {
    refuse(wrong, t(`local_keys.bad_${wrong}`));
    return;
  }
  if (!sheet.name) {
    const made = await act('make_key', { name, limits });
    if (!made.ok) refuse('name', actions.sentence(made));
    else showMade(made);
    unsaved(made);
    return;
  }
  const renamed = name === sheet.name ? { ok: true } : await act('rename_key', { name: sheet.name, to: name });
  const answer = renamed.ok ? await act('limit_key', { name, limits }) : renamed;
  if (!answer.ok) refuse('name', actions.sentence(answer));
  else {
    actions.closeSheet();
    actions.toast(t('local_keys.changed', { name }));
  }
  unsaved(answer);
}

/** The sheet stays open and changes what it holds, so the focus has to be taken along. */
function showMade({ name, key }) {
  setLocal({ sheet: { id: 'local_key_made', name, key } });
  setTimeout(() => { // after the next drawing
    const first = document.querySelector('#sheet [data-focus-first]');
    if (first) first.focus({ preventScroll: true });
  });
}

const unsaved = (answer) => {
  if (answer.ok && answer.saved === false) actions.toast(t('local_keys.not_saved'), 'warn');
};

function field(name, sheet, options = {}) {
  const error = sheet.error && sheet.wrong === name ? sheet.error : null;
  return h('div', { class: 'form-line', key: name },
    h('label', { for: `key-${name}`, class: 'strong' }, t(`sheet.local_key.${name}`)),
    h('div', { class: 'field-line' }, h('input', {
      id: `key-${name}`,
      class: options.short ? 'field amount' : 'field grow',
      type: 'text',
      inputmode: options.short ? 'decimal' : null,
      autocomplete: 'off',
      spellcheck: 'false',
      value: sheet.draft[options.of || name],
      'data-focus-first': options.first ? 'true' : null,
      'aria-invalid': error ? 'true' : null,
      'aria-describedby': `key-${name}-help`,
      oninput: (event) => put({ [options.of || name]: event.target.value }),
      onkeydown: (event) => { if (event.key === 'Enter') send(); },
    }), options.beside || null),
    h('p', { id: `key-${name}-help`, class: error ? 'field-error' : 'caption', role: error ? 'alert' : null },
      error || t(`sheet.local_key.${name}_help`)));
}

offerSheet('local_key', (sheet, snapshot, local) => {
  const { draft, name } = sheet;
  const efforts = [['any', t('sheet.local_key.effort_any')], ...EFFORTS.map((each) => [each, each])];
  const units = ['credits', 'requests'].map((unit) => [unit, t(`sheet.local_key.unit_${unit}`)]);
  const ends = ['warn', 'stop'].map((each) => [each, t(`sheet.local_key.${each}`)]);
  return sheetFrame(name ? t('sheet.local_key.title_change', { name }) : t('sheet.local_key.title'), null, [
    field('name', sheet, { first: true }),
    field('models', sheet),
    h('div', { class: 'form-line', key: 'effort' },
      h('label', { for: 'key-effort', class: 'strong' }, t('sheet.local_key.effort')),
      h('div', { class: 'field-line' }, select('key-effort', draft.effort, efforts, (effort) => put({ effort })))),
    field('budget', sheet, {
      of: 'amount',
      short: true,
      beside: select('key-unit', draft.unit, units, (unit) => put({ unit }), { label: t('sheet.local_key.unit') }),
    }),
    draft.amount.trim() ? h('div', { class: 'form-line', key: 'action' },
      h('span', { id: 'key-action', class: 'strong' }, t('sheet.local_key.action')),
      h('div', { class: 'field-line' }, segmented('key-action', draft.action, ends, (action) => put({ action }), { labelled: 'key-action' }))) : null,
  ], [
    button(t('action.cancel'), cancelSheet),
    button(t(name ? 'sheet.local_key.save' : 'sheet.local_key.make'), send, {
      look: 'primary', busy: Boolean(local.busy.make_key || local.busy.limit_key || local.busy.rename_key),
    }),
  ]);
});

offerSheet('local_key_made', ({ name, key }) => sheetFrame(
  t('sheet.local_key_made.title', { name }), t('sheet.local_key_made.body'),
  h('div', { class: 'address', key: 'made' },
    h('span', { class: 'address-text selectable', 'data-copy-text': 'made-key' }, key),
    copyButton('made-key', key, t('sheet.local_key_made.what'), { first: true })),
  [button(t('sheet.local_key_made.done'), actions.closeSheet, { look: 'primary' })],
));

offerSheet('revoke_key', ({ name }, { proxy }) => {
  const go = async () => {
    actions.closeSheet();
    const answer = await actions.perform('revoke_key', { name });
    if (answer.ok) actions.toast(t('local_keys.revoked', { name }));
    unsaved(answer);
  };
  return sheetFrame(t('sheet.revoke_key.title', { name }), t(`sheet.revoke_key.body${proxy.key_required ? '' : '_open'}`), null, [
    button(t('action.cancel'), cancelSheet, { first: true }),
    button(t('sheet.revoke_key.confirm'), go, { look: 'danger filled' }),
  ]);
});
