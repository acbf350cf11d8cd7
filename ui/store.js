/* What the page knows: the app's snapshot and the page's own small state, and who wants to hear.

   The snapshot is replaced whole, never edited. The local part holds only what the app need not
   know: which screen, what is typed, which button just said "Copied". Changes in one turn of the
   event loop lead to one drawing. */

/** @typedef {Object} Local */
const local = {
  screen: 'overview',
  copied: null,      // id of the button that says "Copied"
  selectable: null,  // id of a text to be copied by hand, after copying failed
  toast: null,       // {text, level}
  sheet: null,       // {id, ...fields}
  remember: null,    // the tick in the question at the first close, once it was touched
  busy: {},          // verb -> true while its answer is awaited
  key: null,         // the local key, once the user asked for it
  keyShown: false,
  models: { q: '', vendor: '', ready: false, selected: null, cost: '' },
  request: null,     // id of the request whose panel is open
  contents: null,    // what was recorded of it: {id, sides}, once it was asked for
  editors: { q: '', all: false, shell: '' }, // all: those that were not found are shown, too
  activity: { tab: 'requests', q: '', result: 'all', held: null }, // held: the rows while paused
  log: { q: '', level: 'debug', follow: true, wrap: false },
  play: { model: '', dialect: 'chat', system: '', text: '', stream: true, max: '', effort: '' },
  drafts: {},        // setting -> text being typed
  saved: null,       // the setting that says "Saved"
  errors: {},        // setting -> sentence
  port: null,        // answer of try_port
  outgoing: null,    // answer of test_connection
  checks: null,      // what the last diagnosis found
  dismissed: {},     // banner occurrence -> true
  checklistHidden: false,
  browserFailed: false,
  codeFirstSeen: null, // {code, total}
  obeyed: 0,         // number of the tray's last wish for a screen
  gone: false,       // the app does not answer
};

const subscribers = new Set();
let snapshot = null;
let scheduled = false;

export const state = {
  get snapshot() { return snapshot; },
  get local() { return local; },
};

export function subscribe(listener) {
  subscribers.add(listener);
  return () => subscribers.delete(listener);
}

export function setSnapshot(next) {
  // The stream starts with the current state; an older answer that arrives late is not news.
  if (snapshot && next.seq < snapshot.seq && next.at < snapshot.at) return;
  snapshot = next;
  changed();
}

export function setLocal(part) {
  Object.assign(local, part);
  changed();
}

/** Draw again, for instance because a minute has passed. */
export function changed() {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    for (const listener of subscribers) listener(snapshot, local);
  });
}
