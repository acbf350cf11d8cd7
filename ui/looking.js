/* Tells the app what is being looked at: which screen, and whether the window has the keyboard.

   Notifications are for people who do not see the window, and the next run begins at the same screen.
   Nothing is sent unless it is news, and nobody waits for the answer. */

import { tell } from './api.js';
import { state, subscribe } from './store.js';

const PASSING = ['sign_in']; // a screen that is over when its work is done
let told = '';

function report() {
  if (!state.snapshot || !state.snapshot.app.notice_accepted) return;
  const { screen, obeyed } = state.local;
  const front = document.hasFocus() && !document.hidden;
  const news = { front };
  if (!PASSING.includes(screen)) news.screen = screen;
  if (obeyed) news.obeyed = obeyed;
  if (told === JSON.stringify(news)) return;
  told = JSON.stringify(news);
  tell('looking', news);
}

export function followLooks() {
  for (const name of ['focus', 'blur']) window.addEventListener(name, report);
  document.addEventListener('visibilitychange', report);
  subscribe(report);
}
