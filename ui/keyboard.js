/* Every key of the window, bound once on the document; each does what a button does.

   Keys that a browser would use for a page (reload, print, save, back) must not reach it: this is a
   window, not a page. */

import * as actions from './actions.js';
import { copyText } from './copy.js';
import { signingIn } from './derive.js';
import { isMac } from './keys.js';
import { setLocal, state } from './store.js';
import { loadPart, t } from './strings.js';
import { SCREENS } from './views/sidebar.js';

const STEP = 10; // points of text size

const typing = (target) => target instanceof Element && target.matches('input:not([type=checkbox]), textarea, select');

export function listenToKeys() {
  document.addEventListener('keydown', onKey);
  // The engine's own menu offers reload and back; text fields keep theirs, texts get one to copy.
  document.addEventListener('contextmenu', async (event) => {
    if (typing(event.target)) return;
    event.preventDefault();
    const { openMenu } = await import('./components/menu.js');
    openMenu(event);
  });
  // Back and forward on the mouse, and the engine's own zoom: a window has its text size instead.
  for (const name of ['mousedown', 'mouseup', 'auxclick']) {
    document.addEventListener(name, (event) => { if (event.button > 2) event.preventDefault(); });
  }
  document.addEventListener('wheel', (event) => { if (event.ctrlKey) event.preventDefault(); }, { passive: false });
  for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => event.preventDefault());
}

function onKey(event) {
  if (!state.snapshot || event.defaultPrevented || event.isComposing) return;
  const open = document.getElementById('sheet').open;
  const mod = isMac() ? event.metaKey : event.ctrlKey;
  const act = mod ? withModifier(event, open) : alone(event, open);
  if (event.repeat && event.key === 'Enter' && !typing(event.target)) event.preventDefault();
  if (!act) return;
  event.preventDefault();
  // Holding a key down is one press.
  if (!event.repeat || '+-='.includes(event.key)) act();
}

const nothing = () => {};

/** A key for a button that may be there. */
function pressing(id) {
  const found = document.getElementById(id);
  return found && (() => found.click());
}

function withModifier(event, sheetOpen) {
  const key = event.key.toLowerCase();
  if ('psougdhj['.includes(key) && key.length === 1 && !event.shiftKey) return nothing;
  if (sheetOpen) return ['r', 'f'].includes(key) ? nothing : null;
  if (event.shiftKey && key > '@') return shifted(key);
  const screen = SCREENS.find(([, , number]) => number === key);
  if (screen) return allowed(() => actions.go(screen[0]));
  switch (key) {
    case ',': return allowed(() => actions.go('settings'));
    case 'f': return allowed(focusSearch);
    case 'r': return refresh;
    case 'w': return actions.hideWindow;
    case 'q': return actions.quit;
    case '+': case '=': return () => actions.setTextSize((state.snapshot.settings.text_size || 100) + STEP);
    case '-': return () => actions.setTextSize((state.snapshot.settings.text_size || 100) - STEP);
    case '0': return () => actions.setTextSize(100);
    case 'enter': return pressing('play-send');
    case 'n': return signInKey(() => actions.signIn());
    case 'c': return copyKey(event);
    default: return null;
  }
}

function shifted(key) {
  if (key === 's') return allowed(actions.toggleProxy);
  if (key === 'c') return allowed(() => actions.copyAddress('openai'));
  if (key === 'a') return allowed(() => actions.copyAddress('anthropic'));
  if (key === 'r') return nothing;
  return null;
}

async function shortcuts() {
  await Promise.all([import('./views/help.js'), loadPart('help')]);
  actions.openSheet('shortcuts');
}

/** Before the notice is accepted there is one screen only. */
const allowed = (act) => (state.snapshot.app.notice_accepted ? act : nothing);
const signInKey = (act) => (state.local.screen === 'sign_in' ? act : nothing);

function copyKey(event) {
  if (typing(event.target) || String(getSelection())) return null;
  const { login } = state.snapshot;
  if (state.local.screen === 'sign_in' && signingIn(login) && login.user_code) {
    return () => copyText(login.user_code, 'code', t('sign_in.code_name'));
  }
  const row = event.target.closest && event.target.closest('[data-row]');
  if (row) return () => copyText(row.dataset.row, 'model-id', t('models.panel.id'));
  return null;
}

function alone(event, sheetOpen) {
  if (event.altKey && ['ArrowLeft', 'ArrowRight', 'Home'].includes(event.key)) return nothing;
  if (event.key.startsWith('Browser')) return nothing;
  if (event.key === 'F5') return sheetOpen ? nothing : refresh;
  if (sheetOpen) return null;
  if (event.key === 'F6') return () => nextRegion(event.shiftKey ? -1 : 1);
  if (event.key === 'F1') return allowed(() => actions.go('help'));
  if (['F3', 'F7'].includes(event.key)) return nothing;
  if (event.key === 'Escape') return escape();
  if (typing(event.target)) return null;
  if (event.key === '?') return allowed(shortcuts);
  if (event.key === '/') return allowed(focusSearch);
  return null;
}

/** Escape clears the search of Activity or Editors, if something is in it. */
function emptySearch(part) {
  return state.local[part].q ? () => setLocal({ [part]: { ...state.local[part], q: '' } }) : null;
}

function focusSearch() {
  const focus = () => {
    const field = document.getElementById('search');
    if (field) { field.focus(); field.select(); }
  };
  const there = ['activity', 'editors'].includes(state.local.screen) ? state.local.screen : 'models';
  if (document.getElementById('main').dataset.screen === there) focus();
  else document.addEventListener('arrived', focus, { once: true });
  actions.go(there);
}

function refresh() {
  const { screen } = state.local;
  if (screen === 'models') return actions.refreshModels();
  if (screen === 'usage' || screen === 'overview') return actions.refreshUsage();
  if (screen === 'editors') return actions.lookForEditors();
  if (screen === 'help') return document.getElementById('diagnose')?.click();
  return actions.checkAccount();
}

/** As a press of the panel's own button. */
function closePanel() {
  const button = document.querySelector('#panel .panel-head button');
  return button && (() => button.click());
}

function escape() {
  const { local } = state;
  if (local.toast) return () => setLocal({ toast: null });
  if (local.screen === 'models' && local.models.selected) return closePanel();
  if (local.screen === 'activity' && local.request !== null) return closePanel();
  if (local.screen === 'editors') return emptySearch('editors');
  if (local.screen === 'activity') return emptySearch(local.activity.tab === 'log' ? 'log' : 'activity');
  if (local.screen === 'playground') return pressing('play-stop');
  if (local.screen === 'models' && local.models.q) {
    return () => setLocal({ models: { ...local.models, q: '' } });
  }
  if (local.screen === 'sign_in') return actions.cancelSignIn;
  return null;
}

/** Sidebar, banner, content, panel: those that are there, in turn. */
function nextRegion(step) {
  const regions = ['sidebar', 'banner', 'main', 'panel']
    .map((id) => document.getElementById(id)).filter((part) => part && !part.hidden);
  // The banner lies inside the content, so the innermost region with the focus is the current one.
  const current = regions.findLastIndex((part) => part.contains(document.activeElement));
  const inside = regions.findIndex((part) => part.id === 'banner' && part.contains(document.activeElement));
  const index = inside >= 0 ? inside : current;
  const next = regions[(index + step + regions.length) % regions.length];
  const target = next.id === 'sidebar' ? next.querySelector('[aria-current]') || next
    : next.id === 'main' ? next.querySelector('h1') || next : next;
  target.focus();
}
