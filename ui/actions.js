/* What the user can do, each as one function: ask the app, then say what came of it.

   Views bind these to buttons and `keyboard.js` to keys, so a press and a shortcut cannot differ.
   Sheets are opened here when an action has to be confirmed first. */

import { act } from './api.js';
import { announce } from './announce.js';
import { addresses } from './derive.js';
import { copyText } from './copy.js';
import { past } from './format.js';
import { setLocal, state } from './store.js';
import { has, t } from './strings.js';

const SAVED = 2000; // ms that a setting says "Saved"
const TOAST = 4000;
let savedTimer = null;
let toastTimer = null;

const MIN_TEXT = 90;
const MAX_TEXT = 140;

/** Why a file is left alone. */
export const phrase = (why) => (has(`editors.because.${why}`) ? t(`editors.because.${why}`) : why);

/** The sentence for a refusal of the app. */
export function sentence(answer) {
  const fields = answer.fields || {};
  const editors = `editors.refused.${fields.reason}`;
  if (fields.reason && has(editors)) return t(editors, { ...fields, why: phrase(fields.why) });
  const key = `problem.${answer.code}.title`;
  // In English the message says more.
  const message = answer.code === 'invalid_request' || document.documentElement.lang === 'en' || !has(key);
  if (message && answer.message) return answer.message;
  if (has(key)) return t(key, fields);
  return answer.code === 'app_gone' ? t('banner.app_gone.title') : t('action.failed');
}

/** Ask, and show a refusal as a toast. */
export async function perform(verb, args = {}) {
  const answer = await act(verb, args);
  if (!answer.ok) toast(sentence(answer), 'error');
  return answer;
}

export function toast(text, level = 'info') {
  clearTimeout(toastTimer);
  setLocal({ toast: { text, level } });
  announce(text);
  holdToast(false);
}

/** Pointer or focus on the toast keeps it. */
export function holdToast(hold) {
  clearTimeout(toastTimer);
  if (!hold) toastTimer = setTimeout(() => setLocal({ toast: null }), TOAST);
}

// --- places ------------------------------------------------------------------------------------

export function go(screen) {
  if (state.local.screen === screen) return;
  setLocal({ screen, request: null, models: { ...state.local.models, selected: null } });
  document.dispatchEvent(new CustomEvent('screen', { detail: screen }));
}

export const openSheet = (id, fields = {}) => setLocal({ sheet: { id, ...fields } });
export const closeSheet = () => setLocal({ sheet: null });

// --- proxy -------------------------------------------------------------------------------------

export const startProxy = () => perform('start_proxy');
export const stopProxy = () => perform('stop_proxy');
export const usePort = (port) => perform('use_port', { port: Number(port) });

export async function resumeSending() {
  closeSheet();
  const answer = await perform('resume_sending');
  if (answer.ok) announce(t('action.resumed'));
}

/** The word about a client that waits. */
export const decide = (id, choice) => perform('decide', { id, choice });

export function toggleProxy() {
  const { phase } = state.snapshot.proxy;
  if (phase === 'running') return stopProxy();
  if (phase === 'stopped' || phase === 'error') return startProxy();
  return undefined;
}

export function copyAddress(kind) {
  const text = addresses(state.snapshot.proxy)[kind];
  copyText(text, `address-${kind}`, t(`overview.address.${kind}_what`));
}

// --- account -----------------------------------------------------------------------------------

export async function signIn(host) {
  setLocal({ browserFailed: false });
  go('sign_in');
  const answer = await act('sign_in', host ? { host } : {});
  if (!answer.ok && !state.snapshot.login) toast(sentence(answer), 'error');
  return answer;
}

/** A new code at the server of the attempt that is shown. */
export const signInAgain = () => signIn(state.snapshot.login ? state.snapshot.login.host : undefined);

/** Another sign-in beside the one in use: at github.com, also where that one is at a company's server. */
export async function addAccount() {
  const { auth } = state.snapshot;
  return signIn(auth.host.endsWith('.ghe.com') ? 'github.com' : undefined);
}

/** One that is signed in already, if there is one; else a new one. */
export function useAnother() {
  if ((state.snapshot.auth.others || []).length) go('settings');
  else addAccount();
}

export async function useAccount({ host, id, login }) {
  const answer = await perform('use_account', { host, id });
  if (answer.ok) {
    if (state.local.screen === 'sign_in') go('overview');
    toast(t('settings.accounts.now', { login: login || host }));
  }
  return answer;
}

export async function removeAccount({ host, id }) {
  closeSheet();
  return perform('remove_account', { host, id });
}

export async function cancelSignIn() {
  go('overview');
  if (state.snapshot.login) await perform('cancel_sign_in');
}

export async function acceptNotice(thenSignIn) {
  const answer = await perform('accept_notice');
  if (answer.ok && thenSignIn) await signIn();
}

export async function openGitHub(login) {
  if (state.snapshot.settings.copy_code && login.user_code) {
    copyText(login.user_code, 'code', t('sign_in.code_name'));
  }
  const answer = await act('open_link', { id: 'device_page' });
  setLocal({ browserFailed: !answer.ok });
}

export const openLink = (id) => perform('open_link', { id });
export const checkAccount = () => perform('check_account');

export function askSignOut() {
  openSheet('sign_out');
}

export async function chooseStore(kind) {
  closeSheet();
  return perform('choose_store', { kind });
}

// --- lists -------------------------------------------------------------------------------------

export async function refreshModels() {
  const answer = await perform('refresh_models');
  if (answer.ok) announce(t('action.refreshed'));
}

/** The digest goes along with the text, so that only these very terms can be accepted. */
export function askTerms(model) {
  openSheet('terms', {
    model: model.id, name: model.name || model.id, terms: model.terms, digest: model.terms_digest,
  });
}

export async function acceptTerms({ model, name, digest }) {
  closeSheet();
  const answer = await perform('enable_model', { id: model, terms_shown: digest });
  if (answer.ok) toast(t(answer.state === 'enabled' ? 'models.terms.enabled' : 'models.terms.waiting', { name }));
}

export async function refreshUsage() {
  document.body.dataset.moving = 'true'; // meters may move their bars, only now
  const answer = await perform('refresh_quota');
  if (answer.ok) announce(t('action.refreshed'));
  setTimeout(() => { delete document.body.dataset.moving; }, 600);
}

// --- editors -----------------------------------------------------------------------------------

export async function lookForEditors() {
  const answer = await perform('look_for_editors');
  if (answer.ok) announce(t('action.refreshed'));
}

/** All that have an old address or key get the present ones, shown or not. */
export async function updateEditors() {
  const answer = await perform('update_editors');
  if (!answer.ok) return;
  const n = (answer.left || []).length;
  toast(n ? t('banner.editors_old.left', { n }) : t('banner.editors_old.done', { n: answer.updated }), n ? 'error' : 'info');
}

/** Back to how they were, each value that is still ours. True if that could be done for all. */
export async function undoEditors() {
  const answer = await perform('undo_editors');
  if (!answer.ok) return false;
  const n = (answer.left || []).length;
  toast(n ? t('sheet.undo_editors.left', { n }) : t('sheet.undo_editors.done', { n: answer.undone }), n ? 'error' : 'info');
  return !n;
}

/** Ask whether there is a newer version, and say what came of it. */
export async function lookForUpdates() {
  const answer = await perform('look_for_updates');
  if (answer.ok) toast(answer.version ? t('updates.newer', answer) : t('updates.none', { time: past(answer.asked_at) }));
}

// --- settings ----------------------------------------------------------------------------------

/** Change settings; the control named `name` shows "Saved" or the reason why not. */
export async function change(name, patch) {
  const typed = state.local.drafts[name];
  return settled(name, await act('update_settings', { patch }), typed);
}

/** What came of a change, at its control. What was typed after `typed` stays. */
export function settled(name, answer, typed) {
  const errors = { ...state.local.errors };
  const drafts = { ...state.local.drafts };
  if (drafts[name] === typed) delete drafts[name];
  delete errors[name];
  if (!answer.ok) {
    setLocal({ errors: { ...errors, [name]: sentence(answer) }, drafts });
    return answer;
  }
  clearTimeout(savedTimer);
  setLocal({ errors, drafts, saved: name });
  announce(t('settings.saved_for', { name: t(`settings.${name}`) }));
  savedTimer = setTimeout(() => setLocal({ saved: null }), SAVED);
  return answer;
}

export function setTextSize(size) {
  const wanted = Math.min(MAX_TEXT, Math.max(MIN_TEXT, size));
  if (wanted !== state.snapshot.settings.text_size) change('text_size', { text_size: wanted });
}

let keyOnItsWay = null;

export async function fetchKey() {
  if (state.local.key) return state.local.key;
  keyOnItsWay = keyOnItsWay || act('reveal_key');
  const answer = await keyOnItsWay;
  keyOnItsWay = null;
  if (answer.ok) setLocal({ key: answer.key });
  else toast(sentence(answer), 'error');
  return answer.key;
}

export async function showKey(shown) {
  if (shown) await fetchKey();
  setLocal({ keyShown: shown && Boolean(state.local.key) });
}

export async function copyKey() {
  // Some engines copy only within the press itself. The key is asked for when the pointer comes
  // near; if it is still not there in time, it is shown so that it can be copied by hand.
  const key = state.local.key || await fetchKey();
  if (key && !copyText(key, 'address-key', t('overview.address.key_what'))) setLocal({ keyShown: true });
}

export async function makeKey() {
  closeSheet();
  const answer = await perform('new_key');
  if (answer.ok) {
    setLocal({ key: answer.key });
    announce(t('settings.saved_for', { name: t('settings.key') }));
  }
}

// --- window ------------------------------------------------------------------------------------

export const hideWindow = () => perform('hide_window');

/** The app asks first where requests would be cut off. */
export const quit = () => perform('quit', { ask: true });
