/* Small conclusions from the snapshot that several views share. Pure functions, no words. */

export const CODE_LASTS = 900; // seconds that a code lasts, GitHub's usual; for the length of the bar
const HERE = { '0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1' };

/** The host to write into an address for this computer: a listener on every interface is also here. */
export function hostShown(proxy) {
  const host = HERE[proxy.host] ?? proxy.host;
  return host.includes(':') ? `[${host}]` : host;
}

export function addresses(proxy) {
  const root = `http://${hostShown(proxy)}:${proxy.port}`;
  return { openai: `${root}/v1`, anthropic: root };
}

/** Is a sign-in kept in a file there, and not in a keyring with a name? */
export const isPath = (where) => /[\\/]/.test(where);

export const running = (proxy) => proxy.phase === 'running';

/** Is there an account that Copilot can be asked with? */
export const usable = (auth) => auth.state === 'signed_in' || auth.state === 'checking';

const NO_EDITORS = { checked: null, running: false, error: null, rows: [], problems: 0 };
const WRITTEN = new Set(['connected', 'old_port', 'old_key', 'changed', 'overridden']);

export const editorsOf = (snapshot) => snapshot.editors || NO_EDITORS;

/** Has something of ours in its files. */
export const written = (row) => (row.written === undefined ? WRITTEN.has(row.state) : row.written);
export const connectedCount = (snapshot) => editorsOf(snapshot).rows.filter(written).length;

/** Points at an address or a key that is no longer ours. */
export const outdated = (row) => row.state === 'old_port' || row.state === 'old_key';

/** Share of a meter that is used, 0 and up, or null when nothing is known. */
export function shareUsed(meter) {
  if (typeof meter.percent_used === 'number') return Math.max(0, meter.percent_used / 100);
  if (meter.limit > 0 && typeof meter.used === 'number') return Math.max(0, meter.used / meter.limit);
  return null;
}

/** Has a bar: a limit is known and counts. */
export const barred = (meter) => (
  (meter.kind === 'metered' || meter.kind === 'window') && shareUsed(meter) !== null);

/** ok below 75 % used, warn below 90 %, bad from there. */
export function meterLevel(meter) {
  const share = shareUsed(meter) || 0;
  if (meter.exhausted || share >= 0.9) return 'bad';
  return share >= 0.75 ? 'warn' : 'ok';
}

/** Exhausted first, then by use, then included and unknown ones. */
export function sortMeters(meters) {
  const rank = (meter) => (meter.exhausted ? 0 : barred(meter) ? 1 : meter.kind === 'included' ? 2 : 3);
  return [...meters].sort((a, b) => (
    rank(a) - rank(b) || (shareUsed(b) || 0) - (shareUsed(a) || 0)));
}

/** Share of the meter's period that has passed, or null before 3 % of it and without dates. */
export function elapsedShare(meter, now) {
  if (!meter.window_start || !meter.resets_at || meter.resets_at <= meter.window_start) return null;
  const share = (now - meter.window_start) / (meter.resets_at - meter.window_start);
  return share < 0.03 || share > 1 ? null : share;
}

const shownNames = (auth, own, other) => new Map([
  ...(auth.others || []).map((each, n) => [each.login, other(n + 2)]), ...(auth.login ? [[auth.login, own]] : [])]);

/* Looked up or used, never read by people: a login may be part of such a word. */
const NOT_READ = new Set([
  'host', 'id', 'key', 'kind', 'code', 'level', 'state', 'action', 'actions', 'glyph', 'user_code', 'uri', 'url',
]);

/** A function that takes account names out of texts, wherever they are in a value. */
export function hider(auth, own, other) {
  const names = shownNames(auth, own, other);
  const clean = (value) => {
    if (typeof value === 'string') return [...names].reduce((text, [name, shown]) => (name ? text.replaceAll(name, shown) : text), value);
    if (Array.isArray(value)) return value.map(clean);
    if (!value || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, NOT_READ.has(key) ? part : clean(part)]));
  };
  return clean;
}

/** The snapshot without account names, for those who hide them. `own` and `other(n)` stand instead. */
export function withoutNames(snapshot, own, other) {
  const { auth } = snapshot;
  const names = shownNames(auth, own, other);
  const clean = hider(auth, own, other);
  const { login, banner, headline } = snapshot;
  const people = { login: own, others: (auth.others || []).map((each) => ({ ...each, login: names.get(each.login) })) };
  return {
    ...snapshot,
    auth: { ...auth, ...people, login: auth.login ? own : auth.login, error: clean(auth.error), source_where: clean(auth.source_where) },
    login: clean(login),
    banner: clean(banner),
    banners_below: clean(snapshot.banners_below),
    headline: clean(headline),
  };
}

/** One or two letters for an account: "octo-hana" is OH. */
export function initials(login) {
  const parts = (login || '').split(/[-_.\s]+/).filter(Boolean);
  if (!parts.length) return '';
  const letters = parts.length > 1 ? parts[0][0] + parts[1][0] : parts[0].slice(0, 2);
  return letters.toUpperCase();
}

const UNDER_WAY = ['requesting', 'waiting', 'slowed', 'unreachable', 'checking'];

/** Is the sign-in under way? One that has ended, however it did, is not. */
export const signingIn = (login) => Boolean(login) && UNDER_WAY.includes(login.state);

/** Remember how long this code lasts, for the length of the bar. */
export function noteCode(login, seen) {
  if (!login || !login.user_code) return null;
  if (seen && seen.code === login.user_code) return seen;
  return { code: login.user_code, total: Math.max(CODE_LASTS, login.expires_at - Date.now() / 1000) };
}
