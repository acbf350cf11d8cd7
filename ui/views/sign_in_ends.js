/* How a sign-in can end without success, each with its cause and the next step as a button. */

import * as actions from '../actions.js';
import { button, card, copyButton, emptyState } from '../components/controls.js';
import { isPath } from '../derive.js';
import { h } from '../dom.js';
import { t } from '../strings.js';
import { showOutgoing } from './outgoing.js';

/** The server whose sign-in this is, as a name. */
export function deviceHost(snapshot) {
  const { login, auth } = snapshot;
  const uri = (login && login.uri) || '';
  return uri.replace(/^https?:\/\//, '').split('/')[0] || auth.host || 'github.com';
}

/** The card for a failed, refused or expired sign-in, or null while all is well. */
export function failure(snapshot, local) {
  const { login, auth } = snapshot;
  const host = deviceHost(snapshot);
  const error = (login && login.error) || auth.error || {};
  if (storageFailed(login, auth, error)) return storage(auth, error, local);
  if (login && login.state === 'expired') {
    return end('expired', {}, [newCode('new_code', local), cancel()]);
  }
  if (login && login.state === 'denied') return end('denied', {}, [again(local), cancel()]);
  if ((login && login.state === 'no_access') || (auth.state === 'no_access' && !waiting(login))) {
    return noAccess(auth, error, local);
  }
  if (login && login.state === 'failed') return failed(login, error, host, local);
  return null;
}

const waiting = (login) => Boolean(login) && ['requesting', 'waiting', 'slowed', 'unreachable', 'checking'].includes(login.state);

function storageFailed(login, auth, error) {
  if (waiting(login)) return false;
  return auth.state === 'storage_locked' || (login && login.state === 'failed' && error.kind === 'storage_failed');
}

function end(name, fields, buttons, extra = null) {
  return told(t(`sign_in.${name}.title`, fields), t(`sign_in.${name}.body`, fields), buttons, extra);
}

const told = (title, body, buttons, extra = null) => card(null, null,
  h('div', { role: 'alert' }, emptyState(title, body, ...buttons), extra));

const newCode = (word, local) => button(t(`sign_in.${word}`), actions.signInAgain, {
  look: 'primary', busy: Boolean(local.busy.sign_in), first: true,
});
const again = (local) => button(t('action.try_again'), actions.signInAgain, {
  look: 'primary', busy: Boolean(local.busy.sign_in),
});
const outgoing = () => button(t('sign_in.outgoing'), showOutgoing, { look: 'ghost', key: 'outgoing' });
const cancel = () => button(t('action.cancel'), actions.cancelSignIn);

function failed(login, error, host, local) {
  const fields = { host, ...(error.fields || {}), reason: (error.fields || {}).reason || error.message || '' };
  const details = copyButton('sign-in-details', `${error.kind}: ${error.message}`, t('action.details'), {
    label: t('action.copy_details'), look: 'ghost', small: false,
  });
  const code = error.code || (error.fields || {}).code || '';
  if (code === 'device_flow_disabled' || code === 'unsupported_grant_type') {
    return end('failed_flow_off', fields, [button(t('action.back'), actions.cancelSignIn, { look: 'primary' })]);
  }
  if (code === 'incorrect_device_code') return end('failed_bad_code', fields, [newCode('new_code', local)]);
  if (error.kind === 'unreachable' || error.kind === 'upstream_timeout') {
    const name = /certificate|tls|ssl/i.test(fields.reason) ? 'failed_tls' : 'failed_network';
    return end(name, fields, [again(local), cancel(), outgoing(), details]);
  }
  if (error.kind === 'not_like_github') {
    return end('failed_impostor', fields, [again(local), cancel(), outgoing(), details]);
  }
  const status = error.status || fields.status;
  if (status && (error.kind === 'upstream_fault' || (error.kind === 'sign_in_failed' && status >= 500))) {
    return end('failed_server', { ...fields, status }, [again(local), cancel(), details]);
  }
  return end('failed', { reason: error.message || '' }, [again(local), cancel(), details]);
}

function noAccess(auth, error, local) {
  const login = auth.login || t('sign_in.this_account');
  const check = button(t('sign_in.no_access.check'), actions.checkAccount, {
    look: error.kind === 'blocked_by_policy' ? 'primary' : 'ghost', busy: Boolean(local.busy.check_account),
  });
  const another = button(t('sign_in.no_access.another'), actions.useAnother, {
    look: error.kind === 'blocked_by_policy' ? 'secondary' : 'primary', busy: Boolean(local.busy.sign_in),
  });
  if (error.kind === 'blocked_by_policy') return end('chat_off', { login }, [check, another]);
  const link = error.url
    ? button(t('sign_in.no_access.problem'), () => actions.openLink('account_problem'), { look: 'ghost' })
    : button(t('sign_in.no_access.plans'), () => actions.openLink('copilot_plans'), { look: 'ghost' });
  return end('no_access', { login }, [another, link, check]);
}

function storage(auth, error, local) {
  const where = (error.fields || {}).where || auth.source_where || t('sign_in.storage.where_unknown');
  const busy = Boolean(local.busy.choose_store);
  const choose = (kind, look) => button(t(`sign_in.storage.${kind}`, { where }), () => actions.chooseStore(kind), {
    look, busy, key: kind,
  });
  // A file has a path for its name, too long for a button, and nobody but its owner locks it.
  const places = isPath(where)
    ? [button(t('action.try_again'), () => actions.chooseStore('file'), { look: 'primary', busy, key: 'file' })]
    : [choose('keyring', 'primary'), choose('file')];
  const all = [...places, choose('memory')];
  return auth.state === 'storage_locked'
    ? told(t('banner.storage_locked.title', { where }), t('banner.storage_locked.body'), all)
    : end('storage', { where }, all);
}
