/* Settings of the app's own life: start at login, the proxy at the start, notifications. */

import * as actions from '../actions.js';
import { act } from '../api.js';
import { button, select, toggle } from '../components/controls.js';
import { h } from '../dom.js';
import { state } from '../store.js';
import { t } from '../strings.js';
import { fixedBy, settingRow } from './settings.js';

const NOTICES = [
  'approval', 'paused', 'signin', 'crashed', 'port_login', 'low', 'exhausted', 'overage',
  'budget_low', 'budget_spent', 'reset', 'update', 'hidden',
];
const STARTS = ['always', 'last', 'never'];

/** The system's own switch: what it says is shown, and what it has blocked only it can unblock. */
export function loginRow({ app }, local) {
  if (!app.login_item) return null;
  const { state, settings } = app.login_item;
  const blocked = state === 'blocked';
  const off = state === 'unknown' || (blocked && settings);
  const note = t(`settings.start_at_login_${{ blocked: 'blocked', unknown: 'unknown' }[state] || 'help'}`);
  return settingRow('start_at_login', h('div', { class: 'row-buttons' },
    blocked && settings ? button(t('settings.start_at_login_open'), () => actions.perform('open_login_settings'), { small: true }) : null,
    toggle('s-start_at_login', state === 'on', async (on) => {
      actions.settled('start_at_login', await act('start_at_login', { on }));
    }, { labelled: 'l-start_at_login', described: 'n-start_at_login', off, reason: off ? note : null })),
  local, { note });
}

export function startRow(snapshot, local) {
  const { start_proxy: wish } = snapshot.settings;
  if (wish === undefined) return null;
  const reason = fixedBy('start_proxy', snapshot);
  const value = { true: 'always', false: 'never' }[wish] || wish;
  const values = { always: true, never: false, last: 'last' };
  return settingRow('start_proxy', select('s-start_proxy', value,
    STARTS.map((name) => [name, t(`settings.start_proxy_${name}`)]),
    (name) => actions.change('start_proxy', { start_proxy: values[name] }),
    { labelled: 'l-start_proxy', off: Boolean(reason) }), local, { note: reason });
}

/* They are one list: a press must not undo the one before it, which may not be in a snapshot yet. */
let chosen = null; // {off, seq}: what was pressed last, and the snapshot in which it is at the latest

async function choose(name, off) {
  const mine = { off, seq: Infinity };
  chosen = mine;
  const answer = await actions.change(name, { notifications_off: off });
  if (answer.ok) mine.seq = state.snapshot.seq;
  else if (chosen === mine) chosen = null;
}

export function notificationRows(snapshot, local) {
  const off = snapshot.settings.notifications_off;
  if (!off) return [];
  if (chosen && snapshot.seq > chosen.seq) chosen = null;
  const reason = fixedBy('notifications_off', snapshot);
  return NOTICES.map((id) => {
    const name = `notify.${id}`;
    const set = (on) => {
      const others = (chosen ? chosen.off : off).filter((each) => each !== id);
      return choose(name, on ? others : [...others, id]);
    };
    return settingRow(name, toggle(`s-${name}`, !off.includes(id), set, {
      labelled: `l-${name}`, off: Boolean(reason), reason,
    }), local, { note: reason });
  });
}
