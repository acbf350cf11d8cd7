/* Names of keys on this kind of machine. */

import { t } from './strings.js';

export const isMac = () => navigator.platform.startsWith('Mac');
export const modifier = () => t(isMac() ? 'help.keys.mod_mac' : 'help.keys.mod');
