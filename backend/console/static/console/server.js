// Talking to the server.

import { warn } from './telling.js';

export const CSRF = document.querySelector('meta[name="csrf-token"]').content;
const SIGNED_OUT = 'You are signed out. Open your sign-in link again (make run prints one, or ask an admin for one), then reload this page.';
const UNREACHABLE = 'Askwell can’t be reached. Check that it is running and that you are connected, then try again.';

export function problem(status, text) {
  if (status === 401 || status === 403) {
    warn(SIGNED_OUT);
    return new Error(SIGNED_OUT);
  }
  let sentence;
  try { sentence = JSON.parse(text).error; } catch { /* an error page, not a sentence */ }
  return new Error(sentence || `Askwell could not do that (error ${status}). Try again.`);
}

export async function call(path, options = {}) {
  const headers = { 'X-CSRFToken': CSRF, ...options.headers };
  const response = await fetch(path, { ...options, headers }).catch(() => { throw new Error(UNREACHABLE); });
  if (!response.ok) throw problem(response.status, await response.text());
  return response;
}

export const get = async (path) => (await call(path)).json();
export const post = (path, body, options) => call(path, {
  ...options, method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
});

// Our server writes each event's data as one line of JSON.
const field = (block, name) => block.match(new RegExp(`^${name}: ?(.*)$`, 'm'))?.[1];

export async function* readEvents(body, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    const blocks = (buffer + value).replaceAll('\r\n', '\n').split('\n\n');
    buffer = blocks.pop();
    for (const block of blocks.filter((text) => field(text, 'data'))) {
      yield { name: field(block, 'event'), data: JSON.parse(field(block, 'data')) };
    }
  }
}
