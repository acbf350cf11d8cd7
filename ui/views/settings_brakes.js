/* What protects the account: how much is sent at once, how densely, and who is asked first. */

import * as actions from '../actions.js';
import { button, select, toggle } from '../components/controls.js';
import { h } from '../dom.js';
import { number } from '../format.js';
import { t } from '../strings.js';
import { fixedBy, settingRow } from './settings.js';

const AT_ONCE = [1, 2, 3, 4, 6, 8, 16, 32];
const PAUSES = [0, 1, 2, 5, 10, 30, 60];

export function brakeRows(snapshot, local) {
  return [
    numberRow('max_concurrent', AT_ONCE, (n) => t('settings.max_concurrent_value', { n }), snapshot, local),
    numberRow('min_pause', PAUSES, pauseWords, snapshot, local),
    approvalRow(snapshot, local),
    approvedRow(snapshot, local),
  ];
}

const pauseWords = (seconds) => (seconds
  ? t('duration.seconds', { s: number(seconds, 1) }) : t('settings.min_pause_none'));

/** A few usual values, and the present one if it is none of them. */
function numberRow(name, usual, words, snapshot, local) {
  const current = snapshot.settings[name];
  if (current === undefined) return null;
  const fixed = fixedBy(name, snapshot);
  if (fixed) return settingRow(name, h('span', { class: 'setting-value' }, words(current)), local, { note: fixed });
  const values = [...new Set([...usual, current])].sort((a, b) => a - b);
  const control = select(`s-${name}`, String(current), values.map((n) => [String(n), words(n)]),
    (value) => actions.change(name, { [name]: Number(value) }), { labelled: `l-${name}`, described: `n-${name}` });
  return settingRow(name, control, local);
}

function approvalRow(snapshot, local) {
  const { approval } = snapshot.settings;
  if (approval === undefined) return null;
  const fixed = fixedBy('approval', snapshot);
  const set = (on) => actions.change('approval', { approval: on ? 'ask' : 'off' });
  return settingRow('approval', toggle('s-approval', approval === 'ask', set, {
    labelled: 'l-approval', described: 'n-approval', off: Boolean(fixed), reason: fixed,
  }), local, { note: fixed });
}

/** Who need not be asked about; each can be taken off again. */
function approvedRow(snapshot, local) {
  const { approved_clients: clients, approval } = snapshot.settings;
  if (!clients || (!clients.length && approval !== 'ask')) return null;
  const fixed = fixedBy('approved_clients', snapshot);
  const without = (gone) => clients.filter((client) => client !== gone);
  const list = clients.map((client) => h('span', { class: 'approved', key: client },
    h('span', { class: 'setting-value selectable' }, client),
    fixed ? null : button(t('settings.approved_remove'),
      () => actions.change('approved_clients', { approved_clients: without(client) }),
      { look: 'ghost', small: true, label2: t('settings.approved_remove_what', { client }) })));
  const none = h('span', { class: 'setting-value' }, t('settings.approved_none'));
  return settingRow('approved_clients', clients.length ? list : none, local, { note: fixed });
}
