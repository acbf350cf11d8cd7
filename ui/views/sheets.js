/* Every sheet: a title, a sentence, buttons with verbs. The main button is last. */

import * as actions from '../actions.js';
import { button } from '../components/controls.js';
import { connectedCount } from '../derive.js';
import { h } from '../dom.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { termsText } from '../terms.js';

const HOST = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i;

/** The name in what was typed or pasted: scheme and path of a whole address are left out. */
const hostTyped = (text) => text.trim().toLowerCase().replace(/^https?:\/\//, '').replace(/\/.*$/, '');

/** The sheet that is open now: the app's question wins over the page's own. */
export function currentSheet(snapshot, local) {
  if (snapshot.ask) return { id: snapshot.ask.id, ...snapshot.ask.fields };
  return local.sheet;
}

/** Escape is the careful answer. */
export function cancelSheet() {
  const { snapshot } = state;
  if (snapshot.ask) answer('cancel');
  else actions.closeSheet();
}

export function sheetView(sheet, snapshot, local) {
  const draw = SHEETS[sheet.id];
  return draw ? draw(sheet, snapshot, local) : null;
}

/** A screen that is fetched later brings its own sheets along. */
export function offerSheet(id, draw) {
  SHEETS[id] = draw;
}

export const sheetFrame = (...parts) => frame(...parts);

function frame(title, body, content, buttons, stacked = false) {
  return h('div', { class: 'sheet-inside', key: title },
    h('h2', { class: 'sheet-title', id: 'sheet-title' }, title),
    body ? h('p', { class: 'sheet-body' }, body) : null,
    content,
    h('div', { class: stacked ? 'row-buttons stacked' : 'row-buttons' }, buttons));
}

const cancel = (options = {}) => button(t('action.cancel'), cancelSheet, options);

function answer(choice) {
  const box = document.getElementById('remember');
  actions.perform('close_choice', { choice, remember: Boolean(box && box.checked) && choice !== 'cancel' });
}

const SHEETS = {
  close(sheet, snapshot, local) {
    const tray = snapshot.app.tray === 'ok';
    const part = tray ? '' : '_no_tray';
    return frame(
      t(`sheet.close.title${part}`), t(`sheet.close.body${part}`),
      h('label', { class: 'check-line' },
        h('input', {
          type: 'checkbox',
          id: 'remember',
          checked: local.remember === null ? tray : local.remember,
          onchange: (event) => setLocal({ remember: event.target.checked }),
        }), h('span', null, t('sheet.close.remember'))),
      [
        tray ? null : cancel(),
        button(t('sheet.close.quit'), () => answer('quit')),
        button(t('sheet.close.keep'), () => answer('hide'), { look: 'primary', first: true }),
      ],
    );
  },
  quit(sheet) {
    const editors = connectedCount(state.snapshot);
    const hint = editors ? h('p', { class: 'caption' }, t('sheet.quit.editors', { n: editors })) : null;
    return frame(t('sheet.quit.title', { n: sheet.n }), t('sheet.quit.body', { n: sheet.n }), hint, [
      button(t('sheet.quit.quit'), () => answer('quit'), { look: 'danger filled' }),
      button(t('sheet.quit.keep'), cancelSheet, { first: true }),
    ]);
  },
  remove_account({ account }) {
    return frame(t('sheet.remove_account.title', { login: account.login || account.host }), t('sheet.remove_account.body'), null, [
      cancel({ first: true }),
      button(t('sheet.remove_account.confirm'), () => actions.removeAccount(account), { look: 'danger filled' }),
    ]);
  },
  sign_out(sheet, { auth }) {
    const editors = connectedCount(state.snapshot);
    const box = () => document.getElementById('undo-too');
    const go = async () => {
      const undoing = Boolean(box() && box().checked);
      actions.closeSheet();
      // Signing out goes on only if that could be done, for it is what was asked for.
      if (undoing && !await actions.undoEditors()) return;
      actions.perform('sign_out');
    };
    const store = auth.source === 'memory' ? t('sheet.sign_out.memory')
      : auth.source_where || t('sign_in.storage.where_unknown');
    return frame(t('sheet.sign_out.title', { login: auth.login }), t(`sheet.sign_out.body${(auth.others || []).length ? '_others' : ''}`, { store }), editors ? h('label', { class: 'check-line' },
      h('input', { type: 'checkbox', id: 'undo-too' }), h('span', null, t('sheet.sign_out.editors', { n: editors }))) : null, [
      cancel({ first: true }), button(t('sheet.sign_out.confirm'), go, { look: 'danger filled' }),
    ]);
  },
  resume() {
    const early = state.snapshot.banner && state.snapshot.banner.id === 'paused';
    return frame(t('sheet.resume.title'), t(early ? 'sheet.resume.body_early' : 'sheet.resume.body'), null, [
      cancel({ first: true }), button(t('sheet.resume.confirm'), actions.resumeSending, { look: 'primary' }),
    ]);
  },
  lan() {
    const go = () => {
      actions.closeSheet();
      actions.change('lan', { host: '0.0.0.0', require_key: true });
    };
    return frame(t('sheet.lan.title'), t('sheet.lan.body'), null, [
      cancel({ first: true }), button(t('sheet.lan.confirm'), go, { look: 'primary' }),
    ]);
  },
  clear_history(sheet) {
    const go = async () => {
      actions.closeSheet();
      const answer = await actions.perform('clear_history');
      if (answer.ok) actions.toast(t('sheet.clear_history.done'));
    };
    return frame(t('sheet.clear_history.title'), t('sheet.clear_history.body', { n: sheet.n }), null, [
      cancel({ first: true }), button(t('sheet.clear_history.clear'), go, { look: 'danger filled' }),
    ]);
  },
  new_key() {
    const n = connectedCount(state.snapshot);
    return frame(t('sheet.new_key.title'), n ? t('sheet.new_key.body_editors', { n }) : t('sheet.new_key.body'), null, [
      cancel({ first: true }),
      button(t('sheet.new_key.confirm'), actions.makeKey, { look: 'primary' }),
    ]);
  },
  terms(sheet) {
    return frame(t('sheet.terms.title', { name: sheet.name }), t('sheet.terms.body'), termsText(sheet.terms), [
      cancel({ first: true }),
      button(t('sheet.terms.confirm'), () => actions.acceptTerms(sheet), { look: 'primary' }),
    ]);
  },
  undo_editors(sheet, snapshot) {
    const n = connectedCount(snapshot);
    const go = () => { actions.closeSheet(); actions.undoEditors(); };
    return frame(t('sheet.undo_editors.title'), t('sheet.undo_editors.body', { n }), null, [
      cancel({ first: true }), button(t('sheet.undo_editors.confirm'), go, { look: 'primary' }),
    ]);
  },
  store(sheet, { auth }) {
    const where = auth.source_where || t('sign_in.storage.where_unknown');
    return frame(t('sheet.store.title'), t('sheet.store.body', { where }), null, [
      button(t('sign_in.storage.where_unknown'), () => actions.chooseStore('keyring'), { look: 'primary', first: true }),
      button(t('sign_in.storage.file'), () => actions.chooseStore('file')),
      button(t('sign_in.storage.memory'), () => actions.chooseStore('memory')),
      cancel(),
    ], true);
  },
  enterprise(sheet, snapshot, local) {
    const go = async () => {
      const host = hostTyped(document.getElementById('server').value);
      if (!HOST.test(host)) return setLocal({ sheet: { ...sheet, error: t('enterprise.not_a_name') } });
      const { notice_accepted: accepted } = state.snapshot.app;
      if (!accepted) await actions.perform('accept_notice');
      const done = await actions.signIn(host);
      if ((state.local.sheet || {}).id !== sheet.id) return undefined; // closed meanwhile
      if (done.ok) return actions.closeSheet();
      return setLocal({ sheet: { ...sheet, error: actions.sentence(done) }, toast: null });
    };
    return frame(t('enterprise.title'), null,
      h('div', { class: 'form-line' },
        h('label', { for: 'server', class: 'strong' }, t('enterprise.label')),
        h('input', {
          id: 'server',
          class: 'field',
          type: 'text',
          autocomplete: 'off',
          spellcheck: 'false',
          placeholder: t('enterprise.placeholder'),
          'data-focus-first': 'true',
          'aria-invalid': sheet.error ? 'true' : null,
          'aria-describedby': 'server-help',
          onkeydown: (event) => { if (event.key === 'Enter') go(); },
        }),
        h('p', { id: 'server-help', class: sheet.error ? 'field-error' : 'caption', role: sheet.error ? 'alert' : null },
          sheet.error || t('enterprise.help'))),
      [cancel(), button(t('enterprise.continue'), go, { look: 'primary', busy: Boolean(local.busy.sign_in) })]);
  },
};
