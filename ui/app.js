/* The page's start and its one drawing function.

   Words, then the snapshot, then the stream; after that every change of either state leads here,
   and `draw` gives each region of the window its view. Screen changes move the focus to the title
   and keep each screen's own scroll position. */

import * as actions from './actions.js';
import { alertNow, announce } from './announce.js';
import { fetchState, follow, tell } from './api.js';
import { bannerView, counting, currentBanner } from './components/banner.js';
import { drawSheet } from './components/sheet.js';
import { toastView } from './components/toast.js';
import { noteCode, signingIn } from './derive.js';
import { patch } from './dom.js';
import { now } from './format.js';
import { listenToKeys } from './keyboard.js';
import { followLooks } from './looking.js';
import { changed, setLocal, state, subscribe } from './store.js';
import { loadPart, loadStrings, t } from './strings.js';
import { firstRunView } from './views/first_run.js';
import { overviewView } from './views/overview.js';
import { cancelSheet, currentSheet, sheetView } from './views/sheets.js';
import { sidebarView } from './views/sidebar.js';

const VIEWS = { overview: overviewView, first_run: firstRunView };
/* The other screens are fetched when they are first opened; until then the one before stays. */
const LATER = {
  sign_in: () => import('./views/sign_in.js').then((found) => found.signInView),
  models: () => withPanel('models', import('./views/models.js'), import('./views/model_panel.js'))
    .then((found) => found.modelsView),
  usage: () => import('./views/usage.js').then((found) => found.usageView),
  editors: () => dressed('editors', import('./views/editors.js')).then((found) => found.editorsView),
  activity: () => withPanel('activity', dressed('activity', import('./views/activity_screen.js')), import('./views/activity_panel.js'))
    .then((found) => found.activityView),
  playground: () => dressed('activity', import('./views/playground.js')).then((found) => found.playgroundView),
  settings: () => import('./views/settings.js').then((found) => found.settingsView),
  help: () => import('./views/help.js').then((found) => found.helpView),
};
/* The words that only one of them says come with it. */
const WORDS = {
  activity: ['log', 'sides'], editors: ['editors'], playground: ['playground', 'sides'], settings: ['learned', 'local_keys'], help: ['diagnostics', 'help'],
};
const PANELS = {}; // what the panel at the side shows on a screen, once that was opened
const onTheWay = new Set();

const $ = (id) => document.getElementById(id);
const scrolls = {};
let settled = false; // it is known which screen to begin with
let shownScreen = null;
let shownBanner = '';
let shownLogin = null;
let shownPanel = null;
let spoken = null;
let ticker = null;

function draw(snapshot, local) {
  if (!snapshot || !settled) return;
  applyLook(snapshot);
  obey(snapshot.app.screen);
  const first = !snapshot.app.notice_accepted;
  const screen = first ? 'first_run' : ready(local.screen);
  if (!screen) return;
  const main = $('main');
  if (shownScreen !== screen) scrolls[shownScreen] = main.scrollTop;
  const focused = document.activeElement;

  $('sidebar').hidden = first;
  $('sidebar').setAttribute('aria-label', t('nav.label'));
  if (!first) patch($('sidebar'), sidebarView(snapshot, local));
  drawMain(main, screen, snapshot, local);
  drawPanel(openAtTheSide(snapshot, local));
  drawToast(local.toast);
  const sheet = currentSheet(snapshot, local);
  drawSheet(sheet && sheetView(sheet, snapshot, local), cancelSheet);

  if (shownScreen !== screen) {
    if (screen === 'settings') tell('look_at_login', {}); // people switch it elsewhere, too
    arrive(screen, main);
  }
  // A sheet that closes has given it back to where it came from.
  else if (focused && focused !== document.body && !focused.isConnected && document.activeElement === document.body) focusTitle();
  followLogin(snapshot, local);
}

/** The tray can ask for a screen; each wish counts once. The app forgets it when it is told, or the
    next page would follow it, too. */
function obey(wish) {
  if (!wish || wish.n === state.local.obeyed) return;
  setLocal({ obeyed: wish.n });
  if (wish.name in VIEWS || wish.name in LATER) actions.go(wish.name);
}

async function withPanel(screen, view, panel) {
  PANELS[screen] = await panel;
  return view;
}

/** A screen that has a style sheet of its own, once that is there as well. */
async function dressed(name, view) {
  if (!$(`style-${name}`)) {
    const sheet = document.createElement('link');
    Object.assign(sheet, { id: `style-${name}`, rel: 'stylesheet', href: `/ui/style/${name}.css` });
    const there = new Promise((done) => { sheet.onload = done; sheet.onerror = done; });
    document.head.append(sheet);
    await there;
  }
  return view;
}

/** The screen to draw now: the wanted one, or the last one while its view is on the way.
    Null at the start: the skeleton stays until the first screen is there. */
function ready(wanted) {
  if (VIEWS[wanted]) return wanted;
  if (!onTheWay.has(wanted)) {
    onTheWay.add(wanted);
    Promise.all([LATER[wanted](), ...(WORDS[wanted] || []).map(loadPart)])
      .then(([view]) => { VIEWS[wanted] = view; changed(); })
      .catch(() => setLocal({ screen: shownScreen in VIEWS ? shownScreen : 'overview' }))
      .finally(() => onTheWay.delete(wanted));
  }
  if (shownScreen === null) return null;
  return VIEWS[shownScreen] && shownScreen !== 'first_run' ? shownScreen : 'overview';
}

/** The banner lies below the title, above the screen's own cards. */
function drawMain(main, screen, snapshot, local) {
  const column = VIEWS[screen](snapshot, local);
  const alone = screen === 'first_run' || screen === 'sign_in';
  let banner = currentBanner(snapshot, local);
  if (alone && banner && !['app_gone', 'approval'].includes(banner.id)) banner = null;
  if (banner && banner.id.startsWith('editors') && screen === 'editors') banner = null; // it is all there
  if (banner) {
    column.children.splice(1, 0, bannerView(banner, snapshot));
  }
  patch(main, column);
  const words = banner ? $('banner-title').textContent : '';
  const urgent = banner && (banner.level === 'error' || banner.id === 'approval');
  if (words !== shownBanner && urgent) alertNow(words);
  if (!words && shownBanner) $('assertive').textContent = '';
  shownBanner = words;
}

/** What the panel shows: one model, or one request. */
function openAtTheSide(snapshot, local) {
  const { models, activity } = PANELS;
  const model = models && models.selectedModel(snapshot, local);
  if (model) return { id: model.id, content: models.modelPanel(model, snapshot, local) };
  const row = activity && activity.selectedRequest(snapshot, local);
  return row && { id: row.id, content: activity.requestPanel(row, snapshot, local) };
}

function drawPanel(open) {
  const panel = $('panel');
  panel.hidden = !open;
  patch(panel, open ? open.content : []);
  if (open) panel.setAttribute('aria-labelledby', 'panel-title');
  if (open && shownPanel === null) $('panel-title').focus();
  shownPanel = open ? open.id : null;
}

function drawToast(toast) {
  $('toast').hidden = !toast;
  patch($('toast'), toast ? toastView(toast) : []);
}

function applyLook({ settings, app }) {
  const root = document.documentElement;
  let theme = settings.theme || 'system';
  if (theme === 'system') theme = (app.dark ?? dark.matches) ? 'dark' : 'light';
  if (root.dataset.theme !== theme) root.dataset.theme = theme;
  const scale = String((settings.text_size || 100) / 100);
  if (root.style.getPropertyValue('--text-scale') !== scale) root.style.setProperty('--text-scale', scale);
  if (app.lang && root.lang !== app.lang) {
    root.lang = app.lang;
    loadStrings().then(changed, () => {}); // without an answer the words stay as they are
  }
}

const dark = window.matchMedia('(prefers-color-scheme: dark)');

// --- focus and scroll --------------------------------------------------------------------------

function arrive(screen, main) {
  const start = shownScreen === null;
  shownScreen = screen;
  main.dataset.screen = screen;
  main.scrollTop = scrolls[screen] || 0;
  if (!start || screen === 'first_run' || screen === 'sign_in') focusTitle();
  document.dispatchEvent(new CustomEvent('arrived'));
}

function focusTitle() {
  const open = $('open-github');
  if (open && shownScreen === 'sign_in') open.focus({ preventScroll: true });
  else {
    const title = $('main').querySelector('h1');
    if (title && !$('sheet').open) title.focus({ preventScroll: true });
  }
}

// --- sign-in over time -------------------------------------------------------------------------

/** What a change of the sign-in means for the page: where to be, what to say, when to tick. */
function followLogin(snapshot, local) {
  const { login, auth } = snapshot;
  const before = shownLogin;
  const current = login ? login.state : null;
  shownLogin = current;
  const seen = noteCode(login, local.codeFirstSeen);
  if (seen && seen !== local.codeFirstSeen) setLocal({ codeFirstSeen: seen, browserFailed: false });
  tick((signingIn(login) && local.screen === 'sign_in') || counting(currentBanner(snapshot, local))
    || (local.screen === 'overview' && Boolean(snapshot.proxy.trouble)));
  if (local.screen !== 'sign_in') return;
  const codeCame = before === 'requesting' && current && current !== 'requesting';
  if (codeCame && $('open-github') && !$('sheet').open) $('open-github').focus({ preventScroll: true });
  const ended = before !== null && (current === null || current === 'done');
  if (ended && auth.state === 'signed_in') {
    const fields = { login: auth.login, plan: auth.plan };
    actions.toast(t(auth.login && auth.plan ? 'sign_in.done' : 'sign_in.done_nameless', fields));
    actions.go('overview');
  }
}

/** The only timer of the page: once a second while a countdown can be seen. */
function tick(wanted) {
  const run = wanted && !document.hidden;
  if (run && !ticker) {
    ticker = setInterval(() => { changed(); speakCountdown(); }, 1000);
  } else if (!run && ticker) {
    clearInterval(ticker);
    ticker = null;
    spoken = null;
  }
}

/** Readers hear five minutes and one minute, not every second. */
function speakCountdown() {
  const { login } = state.snapshot;
  if (!login || !login.expires_at) return;
  const left = login.expires_at - now();
  const mark = [1, 5].find((minutes) => left <= minutes * 60 && left > minutes * 60 - 10);
  if (mark && spoken !== mark) {
    spoken = mark;
    announce(t('sign_in.left_minutes', { n: mark }));
  }
}

async function begin() {
  const first = fetchState(); // while the words are on their way
  first.catch(() => {}); // is looked at below
  await loadStrings();
  subscribe(draw);
  listenToKeys();
  dark.addEventListener('change', changed);
  document.addEventListener('visibilitychange', changed);
  follow();
  followLooks();
  try {
    await first;
    const { app, login } = state.snapshot;
    if (signingIn(login)) setLocal({ screen: 'sign_in' });
    // Where the last look ended, unless somebody has asked for a screen by now.
    else if (!app.screen && (app.last_screen in LATER)) setLocal({ screen: app.last_screen });
  } catch {
    setLocal({ gone: true });
  }
  settled = true;
  changed();
}

begin();
