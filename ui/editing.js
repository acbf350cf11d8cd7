/* What can be done with one editor: the steps of its sheets, each asked of the app.

   A sheet is a value in `local.sheet`: {id: 'editor', editor, face, …}. `face` is what it shows now:
   why, choose, check, done or undo. Answers that come after the sheet was closed or has moved on
   change nothing. */

import * as actions from './actions.js';
import { announce } from './announce.js';
import { act } from './api.js';
import { copyText } from './copy.js';
import { addresses, editorsOf, outdated } from './derive.js';
import { setLocal, state } from './store.js';
import { t } from './strings.js';

/** The editor with this id as the app sees it now, or undefined. */
export const editorOf = (snapshot, id) => editorsOf(snapshot).rows.find((row) => row.id === id);

const sheetNow = () => state.local.sheet || {};

/** Show another face of the open sheet, and put the focus on its main button. */
function face(name, part = {}) {
  setLocal({ sheet: { ...sheetNow(), error: '', ...part, face: name } });
  setTimeout(() => {
    const first = document.querySelector('#sheet [data-focus-first]');
    if (first) first.focus({ preventScroll: true });
  });
}

/** Ask, while this sheet stays open on this face; null when it did not. */
async function asked(verb, args) {
  const { editor, face: before } = sheetNow();
  const answer = await act(verb, args);
  const { editor: still, face: after } = sheetNow();
  return still === editor && after === before ? answer : null;
}

const refused = (answer) => setLocal({ sheet: { ...sheetNow(), error: actions.sentence(answer) } });

// --- opening -----------------------------------------------------------------------------------

const open = (row, name, part = {}) => actions.openSheet('editor', { editor: row.id, face: name, error: '', ...part });

export const showWhy = (row) => open(row, 'why');

const chosenFor = (row) => Object.fromEntries(
  row.roles.filter((role) => role.model).map((role) => [role.name, role.model]));

/** Ways into the steps of connecting; one without choices begins with the check. */
export function startConnecting(row) {
  open(row, 'choose', { chosen: chosenFor(row) });
  if (!row.roles.length) check();
}

/** What an editor was told before is told again: straight to the lines. */
export async function startUpdating(row) {
  open(row, 'choose', { chosen: chosenFor(row) });
  await check();
}

export function pressed(row) {
  if (row.state === 'connected') return startUndoing(row);
  if (outdated(row)) return startUpdating(row);
  if (row.way === 'automatic' && ['not_connected', 'not_found'].includes(row.state)) return startConnecting(row);
  return showWhy(row);
}

// --- connecting --------------------------------------------------------------------------------

export const choose = (role, model) => setLocal({ sheet: { ...sheetNow(), chosen: { ...sheetNow().chosen, [role]: model } } });

export async function check() {
  const { editor, chosen } = sheetNow();
  const answer = await asked('preview_editor', { id: editor, chosen });
  if (!answer) return;
  if (!answer.ok) { refused(answer); return; }
  face('check', { preview: answer });
  announce(t('editors.connect.exactly'));
}

export const back = () => face('choose', { preview: null });

export async function write() {
  const { editor, chosen, preview } = sheetNow();
  const answer = await asked('connect_editor', { id: editor, chosen, digest: preview.digest });
  if (!answer) return;
  if (!answer.ok) {
    // What was shown is no longer what would be written: show that before anything else.
    const words = actions.sentence(answer);
    const again = await asked('preview_editor', { id: editor, chosen });
    if (again) setLocal({ sheet: { ...sheetNow(), error: words, preview: again.ok ? again : preview } });
    return;
  }
  face('done', { after: answer.after, tested: null });
  announce(t('editors.connect.written', { name: (editorOf(state.snapshot, editor) || {}).name }));
}

export async function test() {
  const { editor } = sheetNow();
  setLocal({ sheet: { ...sheetNow(), tested: null } });
  const answer = await asked('test_editor', { id: editor });
  if (!answer) return;
  const tested = answer.ok
    ? { ok: true, words: t('editors.connect.answered', { ms: answer.ms, model: answer.model }) }
    : { ok: false, words: t('editors.connect.no_answer', { reason: actions.sentence(answer) }) };
  setLocal({ sheet: { ...sheetNow(), tested } });
}

// --- undoing -----------------------------------------------------------------------------------

export async function startUndoing(row) {
  open(row, 'undo', { undoing: null });
  const answer = await asked('preview_undo', { id: row.id });
  if (!answer) return;
  if (answer.ok) setLocal({ sheet: { ...sheetNow(), undoing: answer } }); // the focus stays
  else refused(answer);
}

export async function undo(row) {
  const { undoing } = sheetNow();
  const answer = await asked('undo_editor', { id: row.id, ...(undoing.digest ? { digest: undoing.digest } : {}) });
  if (!answer) return;
  if (!answer.ok) {
    await startUndoing(row);
    refused(answer);
    return;
  }
  actions.closeSheet();
  actions.toast(t('editors.undo.done', { name: row.name }));
}

export async function leave(row) {
  actions.closeSheet();
  const answer = await actions.perform('leave_editor', { id: row.id });
  if (answer.ok) actions.toast(t('editors.changed.left', { name: row.name }));
}

// --- copying -----------------------------------------------------------------------------------

/* Some engines copy only within the press itself, so the text is asked for when the pointer or the
   focus comes near. It may hold the key: it is forgotten as soon as address, key or editors change. */
const ready = new Map();
let readyFor = null;

const verbFor = (id, what) => (id === null ? ['copy_shell', { shell: what }] : ['copy_editor', { id, what }]);

function forgetOld() {
  const { proxy } = state.snapshot;
  const holds = `${proxy.port}/${proxy.key_required}/${proxy.key_hint}/${editorsOf(state.snapshot).checked}`;
  if (readyFor !== holds) ready.clear();
  readyFor = holds;
}

/** The app's text, once it is here: `{ok, text, …}`, or a promise of it. */
export function textFor(id, what) {
  forgetOld();
  const name = `${id}/${what}`;
  if (!ready.has(name)) {
    ready.set(name, act(...verbFor(id, what)).then((answer) => {
      if (answer.ok) ready.set(name, answer);
      else ready.delete(name);
      return answer;
    }));
  }
  return ready.get(name);
}

/** Copy what the app says for an editor (`id`) or, without one, for a shell. */
export async function copyFor(id, what, button, name) {
  const there = textFor(id, what);
  const answer = there.ok ? there : await there;
  if (!answer.ok) actions.toast(actions.sentence(answer), 'error');
  // Where the engine does not allow it, the text is shown, to be copied by hand.
  else if (!copyText(answer.text, button, name)) setLocal({ editors: { ...state.local.editors, byHand: { button, text: answer.text } } });
}

/** One line of a step done by hand. Addresses are on the page already. */
export function copyStep(row, what, button) {
  const name = t(`editors.copy.${what}`);
  const known = addresses(state.snapshot.proxy)[what];
  if (known) copyText(known, button, name);
  else copyFor(row.id, what, button, name);
}
