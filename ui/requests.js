/* The requests as the page knows them: newest first, kept up by a stream while somebody looks.

   Only the data: which rows are shown and how is the view's. Rows come once and again when they
   change; the app's own list is the truth, so an emptied list empties this one. */

import { setLocal, state } from './store.js';

const MOST = 2000;
const byId = new Map();
let cleared = 0;
let newestFirst = null;

/** Take in what the stream has brought. */
export function mergeRequests(news) {
  if (news.emptied) byId.clear();
  cleared = news.cleared;
  for (const row of news.rows) byId.set(row.id, row);
  if (byId.size > MOST) {
    const ids = [...byId.keys()].sort((a, b) => a - b);
    for (const id of ids.slice(0, byId.size - MOST)) byId.delete(id);
  }
  newestFirst = null;
}

/** All rows, the newest first; those of the snapshot until the stream has come. */
export function allRequests(snapshot) {
  if (!byId.size) return snapshot.requests;
  newestFirst = newestFirst || [...byId.values()].sort((a, b) => b.id - a.id);
  return newestFirst;
}

/** The request whose panel is open, or null. */
export function selectedRequest(snapshot, local) {
  if (local.screen !== 'activity' || local.request === null) return null;
  return byId.get(local.request) || snapshot.requests.find((row) => row.id === local.request) || null;
}

export function closeRequest() {
  const id = state.local.request;
  setLocal({ request: null, contents: null });
  queueMicrotask(() => {
    const row = document.querySelector(`[data-request="${Number(id)}"]`);
    if (row) row.focus();
  });
}

/** What the stream need not send again: everything before the oldest row that may still change. */
export function knownSoFar() {
  let next = 1;
  let open = Infinity;
  for (const row of byId.values()) {
    next = Math.max(next, row.id + 1);
    if (row.outcome === 'open') open = Math.min(open, row.id);
  }
  return `from=${Math.min(next, open)}&cleared=${cleared}`;
}
