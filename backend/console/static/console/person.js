// You: linked identities, your data.

import { loadConversations } from './conversations.js';
import { fillRow, loadDocuments, offerButton } from './documents.js';
import { $, clone } from './dom.js';
import { call, get, post } from './server.js';

const PLATFORMS = { slack: 'Slack', discord: 'Discord' };

function identityRow({ id, platform, name }) {
  const row = clone('document-template');
  fillRow(row, `${PLATFORMS[platform]}: ${name}`, '');
  offerButton(row, `Unlink ${PLATFORMS[platform]}`, () => orTell(unlink(id)));
  return row;
}

async function loadIdentities() {
  const { identities } = await get('/me/identities/');
  $('identities').replaceChildren(...identities.map(identityRow));
}

const tell = (text) => { $('link-told').textContent = text; };
export const orTell = (promise) => promise.catch((error) => tell(error.message));

async function unlink(id) {
  await call(`/me/identities/${id}/`, { method: 'DELETE' });
  tell('Unlinked. It begins anew; what was joined stays here.');
  await loadIdentities();
}

export async function makeCode() {
  const { code } = await (await post('/me/code/', {})).json();
  $('link-code').textContent = `Say /link ${code} to Askwell in your chat, twice, within ten minutes. Show it to nobody.`;
}

export async function enterCode(event) {
  event.preventDefault();
  const { joined, told } = await (await post('/me/link/', { code: $('code').value })).json();
  if (!joined) return tell(told);
  $('code').value = '';
  tell('Linked: you are one person now.');
  await Promise.all([loadIdentities(), loadConversations(), loadDocuments()]);
}

export async function forgetMe() {
  await post('/me/forget/', {});
  location.assign('/');
}

export function openYou() {
  tell('');
  $('link-code').textContent = $('you-problem').textContent = '';
  $('forget-sure').hidden = true;
  $('you').showModal();
  orTell(loadIdentities());
}
