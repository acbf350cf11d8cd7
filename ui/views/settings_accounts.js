/* The accounts in Settings: the one in use first, then the others, each with what can be done.

   Exactly one is in use; another one only by a press. */

import * as actions from '../actions.js';
import { button, pill } from '../components/controls.js';
import { initials } from '../derive.js';
import { h } from '../dom.js';
import { has, t } from '../strings.js';

/** All rows of the list and the button below it. `storeRow` is the choice of where it is kept. */
export function accountRows(snapshot, local, storeRow) {
  const { auth } = snapshot;
  const others = auth.others || [];
  const known = auth.state !== 'signed_out' && auth.state !== 'unknown' && Boolean(auth.login);
  return [
    known ? activeRow(auth) : nobodyRow(local),
    known ? storeRow : null,
    ...others.map((each) => otherRow(each, auth, local)),
    addRow(auth, local, known || others.length > 0),
  ];
}

/** The other accounts alone, for a screen on which nobody is signed in. */
export const otherRows = ({ auth }, local) => (auth.others || []).map((each) => otherRow(each, auth, local));

const fixed = (auth) => auth.source === 'environment';

function row(key, account, words, controls) {
  return h('div', { class: 'setting account-row', key },
    h('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(account.login) || t('nav.nobody')),
    h('div', { class: 'setting-words' }, words),
    h('div', { class: 'setting-control' }, controls));
}

function facts(account, kept) {
  const plan = account.plan || t('nav.no_plan');
  return h('p', { class: 'caption selectable' }, t('settings.accounts.facts', { plan, host: account.host, kept }));
}

const keptIn = (account) => (has(`settings.store.${account.source}`)
  ? t(`settings.store.${account.source}`) : account.source_where || account.source);

function title(account, inUse) {
  const name = account.login || t('settings.accounts.nameless', { host: account.host });
  return h('p', { class: 'setting-name account-line' },
    h('span', { class: 'account-login selectable', title: name }, name),
    inUse ? pill('ok', t('settings.accounts.in_use')) : null);
}

function activeRow(auth) {
  const kept = fixed(auth) ? t('settings.accounts.from_environment') : keptIn(auth);
  return row('active', auth, [
    title(auth, true), facts(auth, kept),
    fixed(auth) ? h('p', { class: 'caption' }, t('settings.environment_note')) : null,
  ], button(t('settings.sign_out'), actions.askSignOut, {
    look: 'danger', key: 'out', off: fixed(auth), reason: fixed(auth) ? t('settings.environment_note') : null,
  }));
}

function otherRow(account, auth, local) {
  const name = account.login || account.host;
  const busy = Boolean(local.busy.use_account || local.busy.remove_account);
  const reason = fixed(auth) ? t('settings.accounts.environment_wins') : null;
  return row(`${account.host}:${account.id}`, account, [title(account, false), facts(account, keptIn(account))], [
    button(t('settings.accounts.use'), () => actions.useAccount(account), {
      key: 'use', busy, off: fixed(auth), reason, label2: t('settings.accounts.use_what', { login: name }),
    }),
    button(t('settings.accounts.remove'), () => actions.openSheet('remove_account', { account }), {
      key: 'remove', look: 'ghost', busy, label2: t('settings.accounts.remove_what', { login: name }),
    }),
  ]);
}

function nobodyRow(local) {
  return h('div', { class: 'setting', key: 'nobody' },
    h('div', { class: 'setting-words' }, h('p', { class: 'setting-name' }, t('nav.not_signed_in'))),
    h('div', { class: 'setting-control' },
      button(t('action.sign_in'), () => actions.signIn(), { look: 'primary', busy: Boolean(local.busy.sign_in) })));
}

function addRow(auth, local, wanted) {
  if (!wanted) return null;
  const reason = fixed(auth) ? t('settings.environment_note') : null;
  return h('div', { class: 'setting', key: 'add' },
    h('div', { class: 'setting-words' }, h('p', { class: 'caption', id: 'n-add' }, t('settings.accounts.add_help'))),
    h('div', { class: 'setting-control' },
      button(t('settings.accounts.add'), () => actions.addAccount(), {
        off: fixed(auth), reason, busy: Boolean(local.busy.sign_in),
      })));
}
