// What waits for a curator: documents that somebody would like the team to have.

import { $, clone } from './dom.js';
import { get, post } from './server.js';
import { announce, changed, orWarn } from './telling.js';

const REPLACES = ' It would become the next version of the team’s document of this name.';

export async function loadRequests() {
  const { requests } = await get('/promotions/');
  $('requests').hidden = !requests.length;
  $('requests').replaceChildren(...requests.map(requestItem));
}

function requestItem({ id, document: name, by, replaces }) {
  const item = clone('request-template');
  item.querySelector('.name').textContent = name;
  item.querySelector('.state').textContent = `${by ?? 'Somebody'} would like the team to have it.${replaces ? REPLACES : ''}`;
  for (const button of item.querySelectorAll('button')) {
    button.setAttribute('aria-label', `${button.textContent}: ${name}`);
    button.onclick = () => orWarn(decide(id, button.value).finally(changed));
  }
  return item;
}

async function decide(id, decision) {
  await post(`/promotions/${id}/`, { decision });
  announce(decision === 'approve' ? 'The whole team can use it now.' : 'Declined.');
}
