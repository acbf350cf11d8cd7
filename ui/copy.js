/* Copying from a press, in every web engine.

   `navigator.clipboard` is missing in one of the engines, so a text area outside the view and the
   old copy command are used; both need to run inside the press itself. */

import { announce } from './announce.js';
import { modifier } from './keys.js';
import { setLocal, state } from './store.js';
import { t } from './strings.js';

const FEEDBACK = 2000; // ms that a button says "Copied"
let timer = null;

/** Copy `text`; the button with this id says so. `what` is the name that is announced. */
export function copyText(text, id, what) {
  const before = document.activeElement;
  // Inside a sheet everything outside it is inert, also a text area.
  const place = (before && before.closest('dialog')) || document.body;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'offscreen';
  area.setAttribute('aria-hidden', 'true');
  place.append(area);
  area.select();
  let done = false;
  try {
    done = document.execCommand('copy');
  } catch {
    done = false;
  }
  area.remove();
  if (before && before.focus) before.focus({ preventScroll: true });
  if (done) copied(id, what);
  else byHand(id);
  return done;
}

function copied(id, what) {
  clearTimeout(timer);
  setLocal({ copied: id, selectable: null });
  announce(t('action.copied_announce', { what }));
  timer = setTimeout(() => {
    if (state.local.copied === id) setLocal({ copied: null });
  }, FEEDBACK);
}

function byHand(id) {
  // After the next drawing: a text that was hidden until now has to be there to be selected.
  setTimeout(() => {
    const shown = document.querySelector(`[data-copy-text="${id}"]`);
    if (shown) getSelection().selectAllChildren(shown);
  });
  const keys = `${modifier()}+C`;
  setLocal({ toast: { text: t('action.copy_failed', { keys }), level: 'warn' } });
}
