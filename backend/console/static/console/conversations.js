// Past conversations, and the one that the address names.

import { $, clone, shortTime } from './dom.js';
import { now } from './now.js';
import { get } from './server.js';
import { warn } from './telling.js';
import { STOPPED, addTurn, scrollToEnd, showAnswer, showEnd } from './turns.js';

const UNANSWERED = 'This question was not answered. Ask again.';

const addressOf = (id) => (id ? `?conversation=${encodeURIComponent(id)}` : location.pathname);

function enter(id) {
  now.conversation = id;
  for (const link of $('conversations').querySelectorAll('a')) {
    link.setAttribute('aria-current', link.dataset.id === id ? 'page' : 'false');
  }
}

export function remember(id) {
  if (id !== now.conversation) history.pushState(null, '', addressOf(id));
  enter(id);
}

export function visit(id) {
  history.pushState(null, '', addressOf(id));
  followAddress();
}

export async function followAddress(event) {
  const id = new URLSearchParams(location.search).get('conversation');
  if (event && id === now.conversation) return; // only the fragment changed
  now.running?.abort(new Error(STOPPED));
  $('turns').replaceChildren();
  $('welcome').hidden = Boolean(id);
  if ($('library').matches(':popover-open')) $('library').hidePopover();
  enter(id);
  if (!id) {
    $('question').focus();
    return;
  }
  try {
    const { messages } = await get(`/conversations/${encodeURIComponent(id)}/`);
    if (id === now.conversation) showHistory(messages);
  } catch (error) {
    if (id === now.conversation) visit(null);
    warn(error.message);
  }
}

function showHistory(messages) {
  const past = document.createDocumentFragment();
  let open = null;
  for (const message of messages) {
    if (message.role === 'user') {
      if (open) showEnd(open, UNANSWERED);
      open = addTurn(message.text, past);
    } else {
      showAnswer(open ?? addTurn('', past), message);
      open = null;
    }
  }
  if (open) showEnd(open, UNANSWERED);
  $('turns').prepend(past); // a question may have been asked while this was loading
  scrollToEnd();
}

function conversationItem({ id, title, updated }) {
  const item = clone('conversation-template');
  const link = Object.assign(item.firstElementChild, { href: addressOf(id), title });
  link.dataset.id = id;
  link.firstElementChild.textContent = title;
  link.lastElementChild.textContent = shortTime(new Date(updated));
  return item;
}

export function followConversation(event) {
  const link = event.target.closest('a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  visit(link.dataset.id);
}

export async function loadConversations() {
  const { conversations } = await get('/conversations/');
  const focused = $('conversations').querySelector(':focus')?.dataset.id;
  $('conversations').replaceChildren(...conversations.map(conversationItem));
  $('no-conversations').hidden = conversations.length > 0;
  enter(now.conversation);
  $('conversations').querySelectorAll('a').forEach((link) => { if (link.dataset.id === focused) link.focus(); });
}

// Shows the open conversation anew: answers may have gone with a document.
export async function reloadConversation() {
  if (!now.conversation || now.running) return;
  const { messages } = await get(`/conversations/${now.conversation}/`);
  $('turns').replaceChildren();
  showHistory(messages);
}
