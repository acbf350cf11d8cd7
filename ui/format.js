/* Numbers, times and durations in the words of the strings file and the system's own formats.

   Every function takes plain values and returns text. Times are seconds since the epoch, as in the
   snapshot; durations are seconds unless the name says otherwise. */

import { formatter, has, t } from './strings.js';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

export const now = () => Date.now() / 1000;

/** `1500 -> "1,500"`; at most `digits` decimals. */
export function number(value, digits = 0) {
  return formatter('NumberFormat', { maximumFractionDigits: digits }).format(value);
}

/** A meter's amount: whole when large, one decimal when small. */
export function amount(value) {
  return number(value, Math.abs(value) < 100 ? 1 : 0);
}

/** Credits of one answer: two digits that say something, however small it is. */
export function credits(value) {
  return formatter('NumberFormat', { maximumSignificantDigits: value < 1 ? 2 : 4 }).format(value);
}

/** A meter's name in the chosen language; one that we do not know keeps GitHub's own. */
export function meterName(name) {
  const key = `meter.${name.toLowerCase().replaceAll(' ', '_')}`;
  return has(key) ? t(key) : name;
}

/** A share of use: never "100" unless it is, never "0" unless it is. */
export function percent(value) {
  if (value > 0 && value < 1) return 1;
  if (value > 99 && value < 100) return 99;
  return Math.round(value);
}

const clock = (at, options) => formatter('DateTimeFormat', options).format(new Date(at * 1000));

export const timeOfDay = (at) => clock(at, { hour: '2-digit', minute: '2-digit' });
export const timeWithSeconds = (at) => clock(at, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const dayAndMonth = (at) => clock(at, { day: 'numeric', month: 'short' });
export const weekday = (at) => clock(at, { weekday: 'short' });

/** Exact local and universal time, for tooltips. */
export function exact(at) {
  const local = clock(at, { dateStyle: 'medium', timeStyle: 'medium' });
  return `${local} (${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC)`;
}

/** A moment ahead: "in 3 h", "Thu 14:20" within a week, "1 Sep, 02:00" beyond. */
export function ahead(at, from = now()) {
  const left = at - from;
  if (left < HOUR) return t('in.minutes', { n: Math.max(1, Math.round(left / MINUTE)) });
  if (left < DAY) return t('in.hours', { n: Math.round(left / HOUR) });
  if (left < 7 * DAY) return `${weekday(at)} ${timeOfDay(at)}`;
  return `${dayAndMonth(at)}, ${timeOfDay(at)}`;
}

/** A moment that stands well behind "until", and as the tray says it: "Thu 14:20" within a week,
    "1 Sep, 02:00" beyond. */
function moment(at) {
  const soon = at - now() < 7 * DAY;
  return soon ? `${weekday(at)} ${timeOfDay(at)}` : `${dayAndMonth(at)}, ${timeOfDay(at)}`;
}

/** A banner's or headline's fields with its moment, and what is left until one, in words. */
export function spokenFields(fields = {}) {
  const spoken = { ...fields };
  if (typeof fields.when === 'number') spoken.when = moment(fields.when);
  if (fields.meter) spoken.meter = meterName(fields.meter);
  if (typeof fields.until === 'number') spoken.left = remaining(fields.until - now());
  if (typeof fields.at === 'number') spoken.time = past(fields.at);
  return spoken;
}

/** "14:20" within a day, "22 Aug, 14:20" beyond. */
export const past = (at) => (now() - at < DAY ? timeOfDay(at) : `${dayAndMonth(at)}, ${timeOfDay(at)}`);

/** A countdown that people watch: "4:58", and "3 h 12 min" where it is long. */
const remaining = (seconds) => (seconds < HOUR ? countdown(seconds) : duration(seconds));

/** A moment past: "2 min ago". */
export function ago(at, from = now()) {
  const past = from - at;
  if (past < 45) return t('ago.now');
  if (past < HOUR) return t('ago.minutes', { n: Math.max(1, Math.round(past / MINUTE)) });
  if (past < DAY) return t('ago.hours', { n: Math.round(past / HOUR) });
  return t('ago.days', { n: Math.round(past / DAY) });
}

/** "3 h 12 min" */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole >= DAY) {
    return t('duration.days_hours', { d: Math.floor(whole / DAY), h: Math.floor((whole % DAY) / HOUR) });
  }
  if (whole >= HOUR) {
    const m = Math.floor((whole % HOUR) / MINUTE);
    return t('duration.hours_minutes', { h: Math.floor(whole / HOUR), m });
  }
  if (whole >= MINUTE) return t('duration.minutes', { m: Math.floor(whole / MINUTE) });
  return t('duration.seconds', { s: whole });
}

/** `8200 -> "8.2 s"`, `640 -> "640 ms"` */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return t('activity.none');
  if (ms < 1000) return t('duration.milliseconds', { ms });
  return t('duration.seconds', { s: number(ms / 1000, 1) });
}

/** `1536 -> "1.5 KB"` */
export function bytes(count) {
  if (count < 1024) return t('size.bytes', { n: count });
  if (count < 1024 * 1024) return t('size.kilobytes', { n: number(count / 1024, count < 10240 ? 1 : 0) });
  return t('size.megabytes', { n: number(count / 1048576, 1) });
}

/** `822 -> "13:42"` */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / MINUTE)}:${String(whole % MINUTE).padStart(2, '0')}`;
}

/** `200000 -> "200 K"` */
export function tokens(count) {
  if (count === 0 || (count > 0 && count < 1000)) return number(count);
  if (!count) return t('models.size.unknown');
  if (count >= 1e6) return t('models.size.million', { n: number(count / 1e6, 1) });
  return t('models.size.thousand', { n: number(count / 1000, count < 10000 ? 1 : 0) });
}
