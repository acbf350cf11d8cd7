/* The log: the last 2,000 lines, as they come. Secrets were taken out before they got here. */

import * as actions from '../actions.js';
import { button, select, toggle } from '../components/controls.js';
import { searchField } from '../components/search.js';
import { copyText } from '../copy.js';
import { h } from '../dom.js';
import { exact, timeWithSeconds } from '../format.js';
import { hideNames } from '../names.js';
import { changed, setLocal, state, subscribe } from '../store.js';
import { t } from '../strings.js';
import { watch } from '../watch.js';

const MOST = 2000;
const BLOCK = 100; // lines described together: whole blocks are described once
const LEVELS = ['debug', 'info', 'warning', 'error'];
const SCROLLER = 'log-lines';
const AT_THE_END = 24; // px

let lines = [];
let blocks = new Map();
let shownFor = '';
let closing = null;

const set = (part) => setLocal({ log: { ...state.local.log, ...part } });

export function logView(local) {
  const shown = filterLines(local.log);
  queueMicrotask(keepAtTheEnd);
  return [
    toolbar(local, shown),
    h('section', { class: 'card table-card fill-card log-card', key: 'log' },
      h('div', {
        id: SCROLLER, class: `scroller log${local.log.wrap ? ' wrapped' : ''}`, tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-label': t('activity.tab.log'), onscroll: onScroll,
      }, shown.length ? inBlocks(shown) : h('p', { class: 'log-none', key: 'none' }, t(lines.length ? 'activity.no_match' : 'log.empty'))),
      local.log.follow ? null : h('div', { class: 'jump', key: 'jump' },
        button(t('log.latest'), () => set({ follow: true }), { small: true, key: 'latest' }))),
  ];
}

export const logCount = (local) => t('log.count', { n: filterLines(local.log).length });

function toolbar(local, shown) {
  const { q, level, follow, wrap } = local.log;
  return h('div', { class: 'toolbar', role: 'search', key: 'log-toolbar' },
    searchField(q, (value) => set({ q: value }), t('log.search')),
    select('log-level', level, LEVELS.map((name) => [name, t(`log.level.${name}`)]),
      (value) => set({ level: value }), { label: t('log.level_label') }),
    switchLine('follow', follow, (on) => set({ follow: on })),
    switchLine('wrap', wrap, (on) => set({ wrap: on })),
    button(t('log.copy'), () => copyText(shown.map(asText).join('\n'), 'log', t('activity.tab.log')), {
      look: 'ghost', key: 'copy', off: !shown.length,
    }),
    button(t('log.open_folder'), () => actions.perform('open_logs'), { look: 'ghost', key: 'folder' }));
}

const switchLine = (name, on, onChange) => h('span', { class: 'switch-line', key: name },
  h('span', { id: `log-${name}` }, t(`log.${name}`)),
  toggle(`s-log-${name}`, on, onChange, { labelled: `log-${name}` }));

function filterLines({ q, level }) {
  const least = LEVELS.indexOf(level);
  const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return lines.filter((line) => {
    const rank = line.level === 'critical' ? 3 : LEVELS.indexOf(line.level);
    if (rank < least) return false;
    if (!words.length) return true;
    const text = `${line.name} ${line.text}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Descriptions of whole blocks are kept, and what is described the same is not looked at again. */
function inBlocks(shown) {
  const { q, level } = state.local.log;
  const lang = document.documentElement.lang; // words are in the descriptions, too
  if (shownFor !== `${lang} ${level} ${q}`) {
    shownFor = `${lang} ${level} ${q}`;
    blocks = new Map();
  }
  const byBlock = new Map();
  for (const line of shown) {
    const number = Math.floor(line.n / BLOCK);
    if (!byBlock.has(number)) byBlock.set(number, []);
    byBlock.get(number).push(line);
  }
  const kept = new Map();
  for (const [number, part] of byBlock) {
    const before = blocks.get(number);
    kept.set(number, before && before.size === part.length && before.first === part[0].n
      ? before : { size: part.length, first: part[0].n, node: h('div', { key: `b${number}`, class: 'log-block' }, part.map(lineNode)) });
  }
  blocks = kept;
  return [...kept.values()].map((block) => block.node);
}

const lineNode = (line) => h('div', { key: `l${line.n}`, class: `log-line ${line.level}` },
  h('span', { class: 'log-level' }, t(`log.word.${line.level}`)),
  h('span', { class: 'log-time', title: exact(line.at) }, timeWithSeconds(line.at)),
  h('span', { class: 'log-text' }, h('span', { class: 'log-name' }, line.name), hideNames(line.text)));

const asText = (line) => `${new Date(line.at * 1000).toISOString()} ${line.level.toUpperCase()} ${line.name}: ${hideNames(line.text)}`;

// --- following ---------------------------------------------------------------------------------

function keepAtTheEnd() {
  const scroller = document.getElementById(SCROLLER);
  if (scroller && state.local.log.follow) scroller.scrollTop = scroller.scrollHeight;
}

/** Scrolling up means reading: new lines no longer move what is read. */
function onScroll(event) {
  const place = event.currentTarget;
  const away = place.scrollHeight - place.scrollTop - place.clientHeight > AT_THE_END;
  if (away === state.local.log.follow) set({ follow: !away });
}

subscribe((snapshot, local) => {
  const wanted = local.screen === 'activity' && local.activity.tab === 'log';
  if (wanted && !closing) {
    closing = watch(() => `/watch/log?from=${lines.length ? lines[lines.length - 1].n + 1 : 1}`, (news) => {
      lines = [...lines, ...news.lines].slice(-MOST);
      changed();
    });
  }
  if (!wanted && closing) { closing(); closing = null; }
});
