// The list of documents.

import { reloadConversation } from './conversations.js';
import { $, clone, element, plural } from './dom.js';
import { openHistory, refreshHistory } from './history.js';
import { call, get } from './server.js';
import { announce, confirmed, orWarn } from './telling.js';

const POLL_MS = 1000;
const rows = new Map();
let poll;

const STATES = {
  waiting: () => 'waiting',
  reading: ({ pages, pages_done: read, done, total }) => {
    if (pages && read < pages) return `reading page ${read + 1} of ${pages}`;
    return total ? `reading: passage ${done} of ${total}` : 'reading';
  },
  ready: ({ passages, notice }) => [`ready, ${plural(passages, 'passage')}`, notice].filter(Boolean).join('. '),
  failed: ({ reason }) => reason || 'could not be read',
};

function shareOf({ status, pages, pages_done: read, done, total }) {
  if (status !== 'reading') return null;
  if (pages && read < pages) return read / pages;
  return total ? done / total : null;
}

export function fillRow(row, name, state, { share = null, failed = false } = {}) {
  row.querySelector('.name').textContent = name;
  row.querySelector('.name').title = name;
  row.querySelector('.state').textContent = state;
  row.classList.toggle('failed', failed);
  const progress = row.querySelector('progress');
  progress.hidden = share === null;
  progress.value = share ?? 0;
  progress.setAttribute('aria-label', `${name}: ${state}`);
}

export function offerButton(row, label, action) {
  const button = row.querySelector('.remove');
  Object.assign(button, { hidden: false, title: label, onclick: action }).setAttribute('aria-label', label);
}

function newRow() {
  const row = clone('document-template');
  row.querySelector('.name').replaceWith(Object.assign(element('button', ''), { type: 'button', className: 'name' }));
  return row;
}

function documentRow(doc) {
  const row = rows.get(doc.id) ?? newRow();
  const before = row.dataset.status;
  rows.set(doc.id, row);
  row.dataset.status = doc.status;
  const labels = [doc.space_label, doc.sample && 'sample', doc.version > 1 && `version ${doc.version}`];
  const state = STATES[doc.status](doc);
  fillRow(row, doc.document, [...labels, state].filter(Boolean).join(' · '), { share: shareOf(doc), failed: doc.status === 'failed' });
  if (before && before !== doc.status) {
    announce(`${doc.document}: ${state}`);
    refreshHistory(doc);
  }
  row.querySelector('.name').onclick = () => openHistory(doc);
  if (doc.removable) {
    offerButton(row, `Remove ${doc.document}`, () => orWarn(remove(`/documents/${doc.id}/`,
      `Remove ${doc.document}? Answers that used it are removed too.`)));
  }
  return row;
}

function showDocuments({ documents, samples }) {
  const sorted = [...documents].sort((a, b) => a.sample - b.sample);
  const wanted = sorted.map(documentRow);
  for (const [id, row] of rows) {
    if (!wanted.includes(row)) { row.remove(); rows.delete(id); }
  }
  // Rows stay where they are when nothing moved, so that a focused button keeps the focus.
  wanted.forEach((row, i) => { if ($('documents').children[i] !== row) $('documents').insertBefore(row, $('documents').children[i]); });
  $('samples').hidden = !samples;
  $('samples').firstElementChild.textContent = `${plural(samples, 'sample document')} ${samples === 1 ? 'is' : 'are'} loaded.`;
  $('no-documents').hidden = documents.length > 0;
  return documents.some(({ status }) => status === 'waiting' || status === 'reading');
}

export async function loadDocuments() {
  clearTimeout(poll);
  const busy = showDocuments(await get('/documents/'));
  clearTimeout(poll); // two loads may have overlapped
  if (busy) poll = setTimeout(refreshDocuments, POLL_MS);
}

export const refreshDocuments = () => orWarn(loadDocuments());

export async function remove(path, question) {
  if (!await confirmed(question, 'Remove')) return;
  await call(path, { method: 'DELETE' });
  $('documents-heading').focus();
  await loadDocuments();
  await reloadConversation();
}
