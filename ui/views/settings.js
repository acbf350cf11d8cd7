/* Settings: each change applies at once and says "Saved" beside its control.

   A row is shown only for a setting that the snapshot carries; one fixed by the environment or an
   option of the start cannot be changed here and says why. */

import * as actions from '../actions.js';
import {
  button, card, segmented, select, toggle,
} from '../components/controls.js';
import { icon } from '../components/icon.js';
import { usable } from '../derive.js';
import { h } from '../dom.js';
import { has, t } from '../strings.js';
import { keyRow } from './overview.js';
import { accountRows } from './settings_accounts.js';
import { advancedRows } from './settings_advanced.js';
import { brakeRows } from './settings_brakes.js';
import { namedKeyRows } from './settings_keys.js';
import { lessonRows } from './settings_lessons.js';
import { loginRow, notificationRows, startRow } from './settings_life.js';
import { portRow } from './settings_port.js';
import { privacyRows } from './settings_privacy.js';
import { outgoingRows } from './settings_outgoing.js';
import { updateRows } from './settings_updates.js';
import { alertRows, historyRows } from './settings_usage.js';

const SIZES = [90, 100, 110, 120, 130, 140];
const MOVABLE = ['keyring', 'file', 'memory'];

export function settingsView(snapshot, local) {
  return h('div', { class: 'column', key: 'settings' },
    h('div', { class: 'page-head' }, h('h1', { class: 'title', tabindex: '-1' }, t('settings.title'))),
    group('general', general(snapshot, local)),
    group('notifications', notificationRows(snapshot, local)),
    group('proxy', proxy(snapshot, local)),
    group('account', accountRows(snapshot, local, storeRow(snapshot, local))),
    group('usage', usage(snapshot, local)),
    group('privacy', privacyRows(snapshot, local)),
    group('updates', updateRows(snapshot, local)),
    group('lessons', lessonRows(snapshot)),
    group('advanced', advancedRows(snapshot, local)));
}

const group = (name, rows) => (rows.some(Boolean)
  ? h('div', { key: name }, card({ id: name, text: t(`settings.${name}`) }, null, rows)) : null);

/** Why a setting cannot be changed here, or null. */
export function fixedBy(name, snapshot) {
  const source = (snapshot.settings_source || {})[name];
  if (source !== 'environment' && source !== 'flag') return null;
  return t(`settings.fixed.${source}`, { name: `COPILOT_DESKTOP_${name.toUpperCase()}` });
}

/** One line: name and help at the left, control at the right, "Saved" or the refusal with it. */
export function settingRow(name, control, local, options = {}) {
  const note = options.note || (has(`settings.${name}_help`) ? t(`settings.${name}_help`) : null);
  const problem = local.errors[name];
  return h('div', { class: 'setting', key: name },
    h('div', { class: 'setting-words' },
      h('p', { class: 'setting-name', id: `l-${name}` }, t(`settings.${name}`)),
      note ? h('p', { class: 'caption', id: `n-${name}` }, note) : null,
      problem ? h('p', { class: 'field-error', role: 'alert' }, problem) : null),
    h('div', { class: 'setting-control' },
      local.saved === name ? h('span', { class: 'saved', key: 'saved' }, icon('check'), t('action.saved')) : null,
      control),
    options.below || null);
}

function switchRow(name, snapshot, local, options = {}) {
  if (!(name in snapshot.settings) && options.on === undefined) return null;
  const on = options.on === undefined ? snapshot.settings[name] === true : options.on;
  const reason = options.reason || fixedBy(options.setting || name, snapshot);
  const set = options.set || ((value) => actions.change(name, { [name]: value }));
  const note = reason || options.note;
  return settingRow(name, toggle(`s-${name}`, on, set, {
    labelled: `l-${name}`, described: note || has(`settings.${name}_help`) ? `n-${name}` : null, off: Boolean(reason), reason,
  }), local, { note });
}

function choiceRow(name, snapshot, local, draw) {
  if (!(name in snapshot.settings)) return null;
  const reason = fixedBy(name, snapshot);
  const control = reason ? h('span', { class: 'setting-value' }, valueWords(name, snapshot.settings[name])) : draw();
  return settingRow(name, control, local, { note: reason });
}

/** A value that cannot be changed here, in the words that stand in its control elsewhere. */
function valueWords(name, value) {
  if (name === 'text_size') return t('settings.text_size_value', { n: value });
  const key = [`settings.${name}_${value}`, `settings.${name}_name.${value}`].find(has);
  return key ? t(key) : String(value);
}

// --- groups ------------------------------------------------------------------------------------

function general(snapshot, local) {
  const { settings } = snapshot;
  const words = (prefix, names) => names.map((name) => [name, t(`settings.${prefix}_${name}`)]);
  return [
    loginRow(snapshot, local),
    switchRow('start_hidden', snapshot, local),
    snapshot.app.engine === 'gtk' ? switchRow('free_memory', snapshot, local) : null,
    choiceRow('on_close', snapshot, local, () => select('s-on_close', settings.on_close,
      words('on_close', ['ask', 'hide', 'quit']),
      (value) => actions.change('on_close', { on_close: value }), { labelled: 'l-on_close' })),
    choiceRow('theme', snapshot, local, () => segmented('theme', settings.theme,
      words('theme', ['system', 'light', 'dark']),
      (value) => actions.change('theme', { theme: value }), { labelled: 'l-theme' })),
    choiceRow('text_size', snapshot, local, () => select('s-text_size', String(settings.text_size),
      SIZES.map((n) => [String(n), t('settings.text_size_value', { n })]),
      (value) => actions.change('text_size', { text_size: Number(value) }), { labelled: 'l-text_size' })),
    choiceRow('language', snapshot, local, () => select('s-language', settings.language, languages(snapshot.app),
      (value) => actions.change('language', { language: value }), { labelled: 'l-language' })),
    switchRow('copy_code', snapshot, local),
  ];
}

/** Each language under its own name, so that people find theirs whatever is chosen. */
const languages = ({ languages: known = [] }) => [
  ['system', t('settings.language_system')], ...known.map((code) => [code, t(`settings.language_name.${code}`)])];

function proxy(snapshot, local) {
  const { settings } = snapshot;
  const keyFixed = snapshot.proxy.key_fixed ? t('settings.key_fixed') : null;
  const open = Boolean(settings.host) && !/^(127\.|localhost$|::1$)/.test(settings.host);
  const setLan = (on) => {
    if (on) actions.openSheet('lan');
    else actions.change('lan', { host: '127.0.0.1' });
  };
  return [
    startRow(snapshot, local),
    portRow(snapshot, local),
    switchRow('lan', snapshot, local, { on: open, set: setLan, setting: 'host' }),
    switchRow('require_key', snapshot, local, {
      on: snapshot.proxy.key_required,
      reason: open ? t('settings.require_key_forced') : keyFixed,
    }),
    keySetting(snapshot, local),
    ...namedKeyRows(snapshot, local),
    ...outgoingRows(snapshot, local),
    ...brakeRows(snapshot, local),
  ];
}

function keySetting(snapshot, local) {
  if (!snapshot.proxy.key_hint && !snapshot.proxy.key_required) return null;
  const fixed = snapshot.proxy.key_fixed ? t('settings.key_fixed') : null;
  return h('div', { class: 'setting', key: 'key' },
    h('div', { class: 'setting-words' }, keyRow(snapshot.proxy, local)),
    h('div', { class: 'setting-control' }, fixed ? h('p', { class: 'caption' }, fixed)
      : button(t('settings.new_key'), () => actions.openSheet('new_key'), { busy: Boolean(local.busy.new_key) })));
}

function storeRow({ auth }, local) {
  const name = has(`settings.store.${auth.source}`) ? t(`settings.store.${auth.source}`) : auth.source;
  const where = auth.source_where || name;
  if (!MOVABLE.includes(auth.source) || !usable(auth)) return valueRow('kept_in', where);
  return settingRow('kept_in', select('s-store', auth.source,
    MOVABLE.map((kind) => [kind, t(`settings.store.${kind}`)]),
    (kind) => actions.chooseStore(kind), { labelled: 'l-kept_in', off: Boolean(local.busy.choose_store) }),
  local, { note: where === name || auth.source === 'memory' ? null : where });
}

function usage(snapshot, local) {
  return [
    ...alertRows(snapshot, local),
    choiceRow('usage_shows', snapshot, local, () => segmented('usage_shows', snapshot.settings.usage_shows,
      ['used', 'left'].map((name) => [name, t(`settings.usage_shows_${name}`)]),
      (value) => actions.change('usage_shows', { usage_shows: value }), { labelled: 'l-usage_shows' })),
    ...historyRows(snapshot, local),
  ];
}

function valueRow(name, value, buttons = null, note = null) {
  return h('div', { class: 'setting', key: name },
    h('div', { class: 'setting-words' },
      h('p', { class: 'setting-name' }, t(`settings.${name}`)),
      note ? h('p', { class: 'caption' }, note) : null),
    h('div', { class: 'setting-control' }, h('span', { class: 'setting-value selectable' }, value), buttons));
}

