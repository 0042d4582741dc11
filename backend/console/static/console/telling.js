// Telling the reader, and asking whether they mean it.

import { $ } from './dom.js';

export const announce = (text) => { $('status').textContent = text; };

export function warn(text) {
  $('alert').hidePopover(); // shown anew, it is on top and is read out again
  $('alert').firstElementChild.textContent = text;
  $('alert').showPopover();
}

export const orWarn = (promise) => promise.catch((error) => warn(error.message));

// Documents or requests are others now.
export const changed = () => document.dispatchEvent(new Event('library-changed'));

export function confirmed(question, yes) {
  $('confirm-text').textContent = question;
  Object.assign($('confirm-yes'), { textContent: yes, className: yes === 'Remove' ? 'danger' : 'primary' });
  $('confirm').returnValue = '';
  $('confirm').showModal();
  return new Promise((resolve) => {
    $('confirm').onclose = () => $('confirm').open || resolve($('confirm').returnValue === 'yes'); // close is reported late
  });
}
