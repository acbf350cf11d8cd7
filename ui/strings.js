/* All words of the page: one merged file, read at the start and when another language is chosen.

   `t('overview.running.title')` is the sentence; `{name}` placeholders are filled from the fields;
   an object with `one` and `other` is a plural chosen by `fields.n`. A missing key shows the key,
   so that a forgotten sentence is seen and never blank. */

// Names made of digits: they get no thousands separator.
const NAMES = new Set(['port', 'next', 'pid', 'status']);

let words = {};
const parts = {}; // of screens that were opened, by name
let wanted = 0;
let plural = new Intl.PluralRules('en');

let manner; // how numbers and times are written; undefined means as the system does
const made = new Map();

/** The system's own manner where it is of this language, else the language's usual one, but with
    24 hours where the system counts so. A bare C locale writes 1500 and 02:31 PM; people without a
    locale get plain English. */
function mannerOf(lang) {
  const { locale, hourCycle } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions();
  if (/posix/i.test(locale)) return lang;
  if (locale.split('-')[0] === lang) return undefined;
  return hourCycle === 'h23' ? `${lang}-u-hc-h23` : lang;
}

export async function loadStrings() {
  wanted += 1;
  const mine = wanted;
  const lang = document.documentElement.lang || 'en';
  const [found, ...later] = await Promise.all([
    fetch('/strings.json'), ...Object.keys(parts).map((name) => fetch(`/strings/${name}.json`)),
  ].map(async (answer) => (await answer).json()));
  if (mine !== wanted) return; // yet another language was chosen meanwhile
  Object.assign(found, ...later);
  // A part that came while these were on their way stays until the next change of language.
  for (const name of Object.keys(parts)) if (!(name in found) && name in words) found[name] = words[name];
  words = found;
  plural = new Intl.PluralRules(lang);
  manner = mannerOf(lang);
  made.clear();
}

/** The words that only one screen says, read with it and again with every change of the language. */
export async function loadPart(name) {
  parts[name] = true;
  const mine = wanted;
  const found = await (await fetch(`/strings/${name}.json`)).json();
  if (mine === wanted) words = { ...words, ...found };
}

/** The engine's formatter `kind`, kept: making one takes longer than drawing a row. */
export function formatter(kind, options, locale = manner) {
  const key = `${kind}${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Intl[kind](locale, options));
  return made.get(key);
}

function lookUp(key) {
  let place = words;
  for (const part of key.split('.')) {
    if (place === null || typeof place !== 'object') return undefined;
    place = place[part];
  }
  return place;
}

/** "Tools, Images, Reasoning" in the manner of the language. */
export const listed = (parts) => formatter(
  'ListFormat', { style: 'short', type: 'unit' }, document.documentElement.lang || 'en').format(parts);

/** The same inside a sentence: "a, b and c". */
export const enumerated = (parts) => formatter(
  'ListFormat', { style: 'long', type: 'conjunction' }, document.documentElement.lang || 'en').format(parts);

/** Is there a sentence for this key? */
export function has(key) {
  const found = lookUp(key);
  return typeof found === 'string' || (typeof found === 'object' && 'other' in (found || {}));
}

/** The sentence for a key. `n` in fields chooses the plural and is shown in the local format. */
export function t(key, fields = {}) {
  let found = lookUp(key);
  if (found && typeof found === 'object' && 'other' in found) {
    found = found[plural.select(Number(fields.n))] || found.other;
  }
  if (typeof found !== 'string') return key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = fields[name];
    if (value === undefined || value === null) return '';
    return typeof value === 'number' && !NAMES.has(name) ? formatter('NumberFormat').format(value) : String(value);
  });
}

/** As `t`, in the words for an unknown moment when `fields.when` is missing and there are some. */
export function dated(key, fields = {}) {
  const undated = `${key}_undated`;
  return (fields.when === undefined || fields.when === null) && has(undated) ? t(undated, fields) : t(key, fields);
}
