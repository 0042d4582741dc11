// The page: what happens where.

import { ask, measure, submit } from './asking.js';
import { followAddress, followConversation, loadConversations, visit } from './conversations.js';
import { refreshDocuments, remove } from './documents.js';
import { $ } from './dom.js';
import { now } from './now.js';
import { followCitation } from './passage.js';
import { enterCode, forgetMe, makeCode, openYou, orTell } from './person.js';
import { loadRequests } from './requests.js';
import { orWarn } from './telling.js';
import { onDrag, uploadAll } from './uploads.js';

function refreshLibrary() {
  refreshDocuments();
  orWarn(loadRequests());
}

$('open-you').addEventListener('click', openYou);
$('make-code').addEventListener('click', () => orTell(makeCode()));
$('link-form').addEventListener('submit', (event) => orTell(enterCode(event)));
$('forget-me').addEventListener('click', () => { $('forget-sure').hidden = false; $('forget-yes').focus(); });
$('forget-yes').addEventListener('click', () => forgetMe().catch((error) => { $('you-problem').textContent = error.message; }));

$('ask-form').addEventListener('submit', submit);
$('question').addEventListener('input', measure);
$('question').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!now.running) $('ask-form').requestSubmit();
});
$('send').addEventListener('click', (event) => {
  if (event.detail > 1) event.preventDefault(); // the second half of a double click would stop what the first began
});
$('welcome').addEventListener('click', ({ target }) => {
  if (target.matches('button')) ask(target.textContent);
  $('question').focus();
});
$('turns').addEventListener('click', followCitation);
$('turns').addEventListener('ask-again', ({ detail }) => {
  $('question').focus();
  ask(detail);
});
for (const dialog of [$('passage'), $('document')]) {
  dialog.addEventListener('click', ({ target }) => { if (target === dialog) dialog.close(); });
}
$('conversations').addEventListener('click', followConversation);
$('new-conversation').addEventListener('click', () => visit(null));
$('remove-samples').addEventListener('click', () => orWarn(remove('/documents/samples/',
  'Remove all sample documents? Answers that used them are removed too.')));
$('file-input').addEventListener('change', ({ target }) => {
  uploadAll(target.files);
  target.value = ''; // so that the same file can be chosen again
});
for (const type of ['dragover', 'dragleave', 'drop']) document.addEventListener(type, onDrag);
window.addEventListener('popstate', followAddress);
document.addEventListener('library-changed', refreshLibrary);
window.addEventListener('focus', refreshLibrary); // files and requests also come by chat and from the terminal

followAddress();
orWarn(loadConversations());
refreshLibrary();
