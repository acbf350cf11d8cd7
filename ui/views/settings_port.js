/* The port: typed, tried, then used. Nothing changes before the second press. */

import * as actions from '../actions.js';
import { act } from '../api.js';
import { button } from '../components/controls.js';
import { connectedCount } from '../derive.js';
import { h } from '../dom.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { fixedBy, settingRow } from './settings.js';

const LOWEST = 1024;
const HIGHEST = 65535;

export function portRow(snapshot, local) {
  const current = snapshot.settings.port;
  if (current === undefined) return null;
  const fixed = fixedBy('port', snapshot);
  if (fixed) return settingRow('port', h('span', { class: 'setting-value' }, String(current)), local, { note: fixed });
  const typed = local.drafts.port === undefined ? String(current) : local.drafts.port;
  const answer = local.port && local.port.typed === typed ? local.port : null;
  const wrong = Boolean(answer && answer.level === 'bad');
  const ready = Boolean(answer && answer.free);
  const control = [
    h('input', {
      id: 's-port',
      key: 'field',
      class: 'field port',
      type: 'text',
      inputmode: 'numeric',
      maxlength: '5',
      autocomplete: 'off',
      value: typed,
      'aria-labelledby': 'l-port',
      'aria-describedby': 'port-answer n-port',
      'aria-invalid': wrong ? 'true' : null,
      oninput: (event) => setLocal({ drafts: { ...state.local.drafts, port: event.target.value.trim() }, port: null }),
      onkeydown: (event) => { if (event.key === 'Enter') (ready ? use : tryPort)(typed, current); },
    }),
    ready
      ? button(t('settings.port_use'), () => use(typed), { look: 'primary', key: 'use', busy: Boolean(local.busy.use_port) })
      : button(t('settings.port_try'), () => tryPort(typed, current), { key: 'try', busy: Boolean(local.busy.try_port) }),
  ];
  const below = h('p', {
    id: 'port-answer', class: wrong ? 'field-error port-answer' : 'caption port-answer', role: 'status',
  }, answer ? answer.words : '');
  const n = connectedCount(snapshot);
  return settingRow('port', control, local, { below, note: n ? t('settings.port_editors', { n }) : null });
}

async function tryPort(typed, current) {
  const port = Number(typed);
  if (!/^\d+$/.test(typed) || port < LOWEST || port > HIGHEST) {
    return say(typed, 'bad', t('settings.port_range'));
  }
  const { phase } = state.snapshot.proxy;
  if (port === current && phase === 'running') return say(typed, 'ok', t('settings.port_current'));
  const answer = await act('try_port', { port });
  if (answer.ok && answer.free) return say(typed, 'ok', t('settings.port_free', { port }), true);
  if (answer.ok) {
    const words = answer.holder
      ? t('settings.port_taken', answer) : t('settings.port_taken_nameless', answer);
    return say(typed, 'bad', words);
  }
  return say(typed, 'bad', actions.sentence(answer));
}

const say = (typed, level, words, free = false) => setLocal({ port: { typed, level, words, free } });

async function use(typed) {
  const answer = await act('use_port', { port: Number(typed) });
  if (!answer.ok) return say(typed, 'bad', actions.sentence(answer));
  const drafts = { ...state.local.drafts };
  delete drafts.port;
  setLocal({ drafts, port: null, saved: 'port' });
  setTimeout(() => setLocal({ saved: null }), 2000);
  return undefined;
}
