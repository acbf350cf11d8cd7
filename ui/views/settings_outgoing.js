/* How GitHub is reached: through which proxy, with which certificates besides the system's.

   An address may hold a password, so the app shows it without one; who changes it types it whole. */

import * as actions from '../actions.js';
import { act } from '../api.js';
import { button, segmented } from '../components/controls.js';
import { h } from '../dom.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { fixedBy, settingRow } from './settings.js';

const MODES = ['system', 'none', 'address'];
const HIDDEN = '•';

export function outgoingRows(snapshot, local) {
  const { outgoing_proxy: proxy, extra_ca: file } = snapshot.settings;
  if (proxy === undefined) return [];
  return [proxyRow(proxy, snapshot, local), fileRow(file || '', snapshot, local)];
}

const modeOf = (proxy) => (MODES.includes(proxy) ? proxy : 'address');
const drafts = (part) => setLocal({ drafts: { ...state.local.drafts, ...part }, outgoing: null });

function proxyRow(proxy, snapshot, local) {
  const fixed = fixedBy('outgoing_proxy', snapshot);
  const mode = local.drafts.outgoing_mode || modeOf(proxy);
  const test = button(t(local.busy.test_connection ? 'settings.outgoing_testing' : 'settings.outgoing_test'), tryIt, {
    key: 'test', id: 'outgoing-test', busy: Boolean(local.busy.test_connection),
  });
  const shown = mode === 'address' ? proxy : t(`settings.outgoing_${mode}`);
  const control = fixed ? h('span', { class: 'setting-value', key: 'value' }, shown)
    : segmented('outgoing', mode, MODES.map((name) => [name, t(`settings.outgoing_${name}`)]), choose, {
      labelled: 'l-outgoing_proxy', key: 'mode',
    });
  const below = h('div', { class: 'setting-below', key: 'below' },
    !fixed && mode === 'address' ? addressLine(proxy, local) : null, answer(local.outgoing));
  return settingRow('outgoing_proxy', [control, test], local, { note: fixed, below });
}

function choose(mode) {
  if (mode === 'address') drafts({ outgoing_mode: mode });
  else save(mode);
}

function addressLine(proxy, local) {
  const current = modeOf(proxy) === 'address' ? proxy : '';
  const typed = local.drafts.outgoing_address === undefined ? current : local.drafts.outgoing_address;
  const use = () => {
    if (typed.includes(HIDDEN)) setLocal({ errors: { ...state.local.errors, outgoing_proxy: t('settings.outgoing_retype') } });
    else if (typed.trim()) save(typed.trim());
  };
  return [
    h('div', { class: 'field-line', key: 'address' },
      field('outgoing_address', typed, 'settings.outgoing_field', 'outgoing-help', use, Boolean(local.errors.outgoing_proxy)),
      button(t('settings.outgoing_use'), use, { key: 'use', off: typed === current, look: 'primary' })),
    h('p', { class: 'caption', id: 'outgoing-help', key: 'help' }, t('settings.outgoing_field_help')),
  ];
}

function field(name, value, label, help, use, wrong) {
  return h('input', {
    id: `s-${name}`,
    key: name,
    class: 'field grow mono',
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: '500',
    value,
    'aria-label': t(label),
    'aria-describedby': help,
    'aria-invalid': wrong ? 'true' : null,
    placeholder: t(label),
    oninput: (event) => drafts({ [name]: event.target.value }),
    onkeydown: (event) => { if (event.key === 'Enter') use(); },
  });
}

async function save(value) {
  const result = await actions.change('outgoing_proxy', { outgoing_proxy: value });
  if (!result.ok) return;
  const rest = { ...state.local.drafts };
  delete rest.outgoing_mode;
  delete rest.outgoing_address;
  setLocal({ drafts: rest, outgoing: null });
}

function fileRow(current, snapshot, local) {
  const fixed = fixedBy('extra_ca', snapshot);
  if (fixed) return settingRow('extra_ca', h('span', { class: 'setting-value' }, current), local, { note: fixed });
  const ask = async (verb) => {
    setLocal({ outgoing: null });
    const answer = await act(verb);
    if (!answer.ok || answer.file !== null) actions.settled('extra_ca', answer); // null: not chosen
  };
  const control = h('div', { class: 'row-buttons' },
    current ? button(t('settings.extra_ca_remove'), () => ask('remove_certificates'), { key: 'remove', look: 'ghost' }) : null,
    // The dialog is the system's: the page never names a file.
    button(t('settings.extra_ca_choose'), () => ask('choose_certificates'), {
      key: 'choose', id: 'extra-ca-choose', busy: Boolean(local.busy.choose_certificates),
    }));
  const below = current ? h('p', { class: 'setting-below caption mono selectable wrap', key: 'below' }, current) : null;
  return settingRow('extra_ca', control, local, { below });
}

async function tryIt() {
  setLocal({ outgoing: null });
  const result = await act('test_connection');
  setLocal({ outgoing: result.ok ? result.check : { level: 'failed', words: actions.sentence(result) } });
}

function answer(check) {
  const bad = check && check.level === 'failed';
  return h('p', { class: bad ? 'field-error' : 'caption', role: 'status', key: 'answer', id: 'outgoing-answer' }, check ? check.words : '');
}
