const $ = (id) => document.getElementById(id);
const clone = (id) => $(id).content.firstElementChild.cloneNode(true);
const element = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });
const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

const CSRF = document.querySelector('meta[name="csrf-token"]').content;
const LIMIT = 4000;
const COUNT_FROM = 3600;
const SILENCE_MS = 90000;
const POLL_MS = 1000;
const SIGNED_OUT = 'You are signed out. Open your sign-in link again (make run prints one, or ask an admin for one), then reload this page.';
const UNREACHABLE = 'Askwell can’t be reached. Check that it is running and that you are connected, then try again.';
const BROKEN_OFF = 'The connection broke off. Ask again.';
const STOPPED = 'Stopped.';
const UNANSWERED = 'This question was not answered. Ask again.';
const ERASED = 'This answer was removed together with its document.';

const wide = matchMedia('(min-width: 1100px)');
let conversation = null;
let running = null; // the AbortController of the question being answered

// ---- talking to the server

function problem(status, text) {
  if (status === 401 || status === 403) {
    warn(SIGNED_OUT);
    return new Error(SIGNED_OUT);
  }
  let sentence;
  try { sentence = JSON.parse(text).error; } catch { /* an error page, not a sentence */ }
  return new Error(sentence || `Askwell could not do that (error ${status}). Try again.`);
}

async function call(path, options = {}) {
  const headers = { 'X-CSRFToken': CSRF, ...options.headers };
  const response = await fetch(path, { ...options, headers }).catch(() => { throw new Error(UNREACHABLE); });
  if (!response.ok) throw problem(response.status, await response.text());
  return response;
}

const get = async (path) => (await call(path)).json();
const post = (path, body, options) => call(path, {
  ...options, method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
});

// Our server writes each event's data as one line of JSON.
const field = (block, name) => block.match(new RegExp(`^${name}: ?(.*)$`, 'm'))?.[1];

async function* readEvents(body, alive) {
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

// ---- telling the reader

const announce = (text) => { $('status').textContent = text; };

function warn(text) {
  $('alert').hidePopover(); // shown anew, it is on top and is read out again
  $('alert').firstElementChild.textContent = text;
  $('alert').showPopover();
}

const orWarn = (promise) => promise.catch((error) => warn(error.message));

function show(target, text) {
  target.textContent = text;
  target.hidden = !text;
}

const scrollToEnd = () => { $('conversation').scrollTop = $('conversation').scrollHeight; };

function keepingPlace(change) {
  const view = $('conversation');
  const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < 48;
  change();
  if (atEnd) scrollToEnd();
}

// ---- one turn: a question, its answer and its sources

function addTurn(question, parent = $('turns')) {
  const turn = clone('turn-template');
  show(turn.querySelector('.asked'), question);
  turn.querySelector('.again').onclick = () => {
    if (running) return;
    turn.remove();
    $('question').focus();
    ask(question);
  };
  parent.append(turn);
  return turn;
}

// The draft is shown before the server has rendered it, so its Markdown signs are left out.
const plain = (draft) => draft.replace(/\*\*|`/g, '').replace(/^#+ /gm, '').replace(/^(\s*)[-*] /gm, '$1• ');

function showDraft(turn, draft) {
  const body = turn.querySelector('.body');
  body.classList.add('draft');
  body.textContent = plain(draft);
}

function showAnswer(turn, { id, html, text, sources, notice, feedback, erased }) {
  const body = turn.querySelector('.body');
  body.classList.remove('draft');
  body.classList.toggle('erased', Boolean(erased));
  show(turn.querySelector('.progress'), '');
  show(turn.querySelector('.note'), erased ? '' : notice);
  if (html && !erased) body.innerHTML = html;
  else body.textContent = erased ? ERASED : text;
  if (erased) return;
  showSources(turn, sources ?? []);
  offerFeedback(turn, id, feedback);
}

function showEnd(turn, sentence) {
  show(turn.querySelector('.progress'), '');
  show(turn.querySelector('.end'), sentence);
  turn.querySelector('.end').classList.toggle('failure', sentence !== STOPPED);
  turn.querySelector('.again').hidden = false;
}

function showSources(turn, sources) {
  const details = turn.querySelector('.sources');
  details.hidden = !sources.length;
  details.open = wide.matches;
  details.querySelector('summary').textContent = plural(sources.length, 'source');
  details.querySelector('ol').replaceChildren(...sources.map(sourceItem));
  for (const source of sources) {
    for (const link of turn.querySelectorAll(`a.citation[data-number="${source.number}"]`)) {
      link.title = source.document;
      link.setAttribute('aria-label', `Source ${source.number}: ${source.document}`);
    }
  }
}

function sourceItem(source) {
  const item = clone('source-template');
  const parts = { ...source, name: source.document, place: place(source) };
  for (const part of ['number', 'name', 'place', 'excerpt']) item.querySelector(`.${part}`).textContent = parts[part];
  Object.assign(item.firstElementChild.dataset, { number: source.number, passage: source.passage });
  return item;
}

const place = ({ page, heading }) => [page && `page ${page}`, heading].filter(Boolean).join(' · ');

function offerFeedback(turn, message, given) {
  const box = turn.querySelector('.feedback');
  const form = box.querySelector('.reason');
  const thumbs = box.querySelectorAll('.thumb');
  const press = (value) => thumbs.forEach((thumb) => thumb.setAttribute('aria-pressed', thumb.dataset.value === value));
  const rate = async (value, reason) => {
    await post(`/messages/${message}/feedback/`, { value, reason });
    press(value);
    announce('Thank you for the feedback.');
  };
  const choose = ({ currentTarget: { dataset: { value } } }) => {
    keepingPlace(() => { form.hidden = value === 'up'; });
    if (!form.hidden) form.elements.reason.focus();
    orWarn(rate(value, ''));
  };
  thumbs.forEach((thumb) => { thumb.onclick = choose; });
  form.onsubmit = (event) => {
    event.preventDefault();
    form.hidden = true;
    thumbs[1].focus();
    orWarn(rate('down', form.elements.reason.value.trim()));
  };
  press(given);
  box.hidden = false;
}

// ---- asking

async function streamInto(turn, question, controller) {
  let draft = '';
  let silence;
  const alive = () => {
    clearTimeout(silence);
    silence = setTimeout(() => controller.abort(new Error(BROKEN_OFF)), SILENCE_MS);
  };
  const handle = {
    status: ({ text }) => { show(turn.querySelector('.progress'), text); announce(text); },
    delta: ({ text }) => { showDraft(turn, draft += text); },
    restart: ({ text }) => { showDraft(turn, draft = ''); show(turn.querySelector('.note'), text); announce(text); },
    answer: (data) => {
      showAnswer(turn, { ...data, id: data.message, text: data.answer });
      announce(`Answer: ${turn.querySelector('.body').textContent} ${plural(data.sources.length, 'source')}.`);
    },
    error: ({ text }) => { throw new Error(text); },
  };
  alive();
  try {
    const response = await post('/ask/', { question, conversation }, { signal: controller.signal });
    for await (const { name, data } of readEvents(response.body, alive)) {
      if (data.conversation) remember(String(data.conversation));
      keepingPlace(() => handle[name]?.(data));
      if (name === 'answer') return;
    }
  } finally {
    clearTimeout(silence);
  }
  throw new Error(BROKEN_OFF);
}

// What the browser itself says of a torn stream is no help to the reader.
const explain = (error) => (error instanceof TypeError || error instanceof SyntaxError ? BROKEN_OFF : error.message);

async function ask(question) {
  const controller = new AbortController();
  const turn = addTurn(question);
  $('welcome').hidden = true;
  setRunning(controller);
  scrollToEnd();
  try {
    await streamInto(turn, question, controller);
  } catch (error) {
    const sentence = explain(controller.signal.aborted ? controller.signal.reason : error);
    keepingPlace(() => showEnd(turn, sentence));
    announce(sentence);
  }
  if (running === controller) setRunning(null);
  orWarn(loadConversations());
}

function setRunning(controller) {
  running = controller;
  $('send').textContent = running ? 'Stop' : 'Ask';
  $('send').classList.toggle('stop', Boolean(running));
  for (const again of $('turns').querySelectorAll('.again')) again.disabled = Boolean(running);
  measure();
}

function measure() {
  const { length } = $('question').value;
  const over = length > LIMIT;
  show($('counter'), length < COUNT_FROM ? '' : `${length.toLocaleString('en')} of ${LIMIT.toLocaleString('en')}`);
  $('question').setAttribute('aria-invalid', over);
  $('send').disabled = over && !running;
}

function submit(event) {
  event.preventDefault();
  const question = $('question').value.trim();
  $('question').focus();
  if (running) running.abort(new Error(STOPPED));
  else if (question && !$('send').disabled) {
    $('question').value = '';
    ask(question);
  }
}

// ---- conversations

const addressOf = (id) => (id ? `?conversation=${encodeURIComponent(id)}` : location.pathname);

function enter(id) {
  conversation = id;
  for (const link of $('conversations').querySelectorAll('a')) {
    link.setAttribute('aria-current', link.dataset.id === id ? 'page' : 'false');
  }
}

function remember(id) {
  if (id !== conversation) history.pushState(null, '', addressOf(id));
  enter(id);
}

function visit(id) {
  history.pushState(null, '', addressOf(id));
  followAddress();
}

async function followAddress(event) {
  const id = new URLSearchParams(location.search).get('conversation');
  if (event && id === conversation) return; // only the fragment changed
  running?.abort(new Error(STOPPED));
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
    if (id === conversation) showHistory(messages);
  } catch (error) {
    if (id === conversation) visit(null);
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

function shortTime(date) {
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], today ? { timeStyle: 'short' } : { month: 'short', day: 'numeric' });
}

function conversationItem({ id, title, updated }) {
  const item = clone('conversation-template');
  const link = Object.assign(item.firstElementChild, { href: addressOf(id), title });
  link.dataset.id = id;
  link.firstElementChild.textContent = title;
  link.lastElementChild.textContent = shortTime(new Date(updated));
  return item;
}

function followConversation(event) {
  const link = event.target.closest('a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  visit(link.dataset.id);
}

async function loadConversations() {
  const { conversations } = await get('/conversations/');
  const focused = $('conversations').querySelector(':focus')?.dataset.id;
  $('conversations').replaceChildren(...conversations.map(conversationItem));
  $('no-conversations').hidden = conversations.length > 0;
  enter(conversation);
  $('conversations').querySelectorAll('a').forEach((link) => { if (link.dataset.id === focused) link.focus(); });
}

// ---- the passage behind a citation

async function openPassage({ dataset, children: [, name, where] }) {
  $('passage-title').textContent = name.textContent;
  $('passage-place').textContent = where.textContent;
  $('passage-text').replaceChildren(element('em', 'Opening the document…'));
  $('passage').dataset.path = dataset.passage;
  $('passage').showModal();
  const parts = await get(dataset.passage).then(passageParts, (error) => [element('em', error.message)]);
  if ($('passage').dataset.path !== dataset.passage) return;
  $('passage-text').replaceChildren(...parts);
  $('passage-text').querySelector('mark')?.scrollIntoView({ block: 'center' });
}

function passageParts({ before, text, after }) {
  return [element('span', before), element('mark', text), element('span', after)];
}

function followCitation(event) {
  const link = event.target.closest('a.citation, .source');
  if (!link) return;
  event.preventDefault();
  const source = link.closest('.turn').querySelector(`.source[data-number="${link.dataset.number}"]`);
  if (source) openPassage(source);
}

// ---- documents

const rows = new Map();
let poll;

const STATES = {
  waiting: () => 'waiting',
  reading: ({ done, total }) => (total ? `reading ${done} of ${total}` : 'reading'),
  ready: ({ passages, notice }) => [`ready, ${plural(passages, 'passage')}`, notice].filter(Boolean).join('. '),
  failed: ({ reason }) => reason || 'could not be read',
};

function fillRow(row, name, state, { share = null, failed = false } = {}) {
  row.querySelector('.name').textContent = name;
  row.querySelector('.name').title = name;
  row.querySelector('.state').textContent = state;
  row.classList.toggle('failed', failed);
  const progress = row.querySelector('progress');
  progress.hidden = share === null;
  progress.value = share ?? 0;
  progress.setAttribute('aria-label', `${name}: ${state}`);
}

function offerButton(row, label, action) {
  const button = row.querySelector('.remove');
  Object.assign(button, { hidden: false, title: label, onclick: action }).setAttribute('aria-label', label);
}

function documentRow(doc) {
  const row = rows.get(doc.id) ?? clone('document-template');
  const before = row.dataset.status;
  rows.set(doc.id, row);
  row.dataset.status = doc.status;
  const labels = [doc.space_label, doc.sample && 'sample', doc.version > 1 && `version ${doc.version}`];
  const share = doc.status === 'reading' && doc.total ? doc.done / doc.total : null;
  const state = STATES[doc.status](doc);
  fillRow(row, doc.document, [...labels, state].filter(Boolean).join(' · '), { share, failed: doc.status === 'failed' });
  if (before && before !== doc.status) announce(`${doc.document}: ${state}`);
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

async function loadDocuments() {
  clearTimeout(poll);
  const busy = showDocuments(await get('/documents/'));
  clearTimeout(poll); // two loads may have overlapped
  if (busy) poll = setTimeout(refreshDocuments, POLL_MS);
}

const refreshDocuments = () => orWarn(loadDocuments());

async function remove(path, question) {
  if (!await confirmed(question)) return;
  await call(path, { method: 'DELETE' });
  $('documents-heading').focus();
  await loadDocuments();
  // Answers that used the document are gone as well.
  if (!conversation || running) return;
  const { messages } = await get(`/conversations/${conversation}/`);
  $('turns').replaceChildren();
  showHistory(messages);
}

function confirmed(question) {
  $('confirm-text').textContent = question;
  $('confirm').returnValue = '';
  $('confirm').showModal();
  return new Promise((resolve) => {
    $('confirm').onclose = () => $('confirm').open || resolve($('confirm').returnValue === 'yes'); // close is reported late
  });
}

function send(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append('space', $('space').value);
    body.append('file', file);
    request.open('POST', '/documents/');
    request.setRequestHeader('X-CSRFToken', CSRF);
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onerror = () => reject(new Error('The file could not be sent. Try again.'));
    request.onload = () => (request.status === 201 ? resolve(JSON.parse(request.responseText).outcome)
      : reject(problem(request.status, request.responseText)));
    request.send(body);
  });
}

async function upload(file, row) {
  const tell = (state, options) => fillRow(row, file.name, state, options);
  try {
    const outcome = await send(file, (share) => tell(`uploading ${Math.round(share * 100)}%`, { share }));
    if (outcome === 'unchanged') tell('unchanged: it was here already');
    else row.remove();
    refreshDocuments();
  } catch (error) {
    tell(error.message, { failed: true });
    announce(`${file.name}: ${error.message}`);
  }
  offerButton(row, `Dismiss ${file.name}`, () => row.remove());
}

async function uploadAll(files) {
  const queue = [...files].map((file) => [file, clone('document-template')]);
  for (const [file, row] of queue) fillRow(row, file.name, 'waiting to upload');
  $('uploads').append(...queue.map(([, row]) => row));
  for (const [file, row] of queue) await upload(file, row);
}

function onDrag(event) {
  if (!event.dataTransfer.types.includes('Files')) return;
  event.preventDefault(); // else the browser would leave the page and open the file
  $('drop-zone').classList.toggle('over', event.type === 'dragover');
  if (event.type === 'drop') uploadAll(event.dataTransfer.files);
}

// ---- you: linked identities, your data

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
const orTell = (promise) => promise.catch((error) => tell(error.message));

async function unlink(id) {
  await call(`/me/identities/${id}/`, { method: 'DELETE' });
  tell('Unlinked. It begins anew; what was joined stays here.');
  await loadIdentities();
}

async function makeCode() {
  const { code } = await (await post('/me/code/', {})).json();
  $('link-code').textContent = `Say /link ${code} to Askwell in your chat, twice, within ten minutes. Show it to nobody.`;
}

async function enterCode(event) {
  event.preventDefault();
  const { joined, told } = await (await post('/me/link/', { code: $('code').value })).json();
  if (!joined) return tell(told);
  $('code').value = '';
  tell('Linked: you are one person now.');
  await Promise.all([loadIdentities(), loadConversations(), loadDocuments()]);
}

async function forgetMe() {
  await post('/me/forget/', {});
  location.assign('/');
}

function openYou() {
  tell('');
  $('link-code').textContent = $('you-problem').textContent = '';
  $('forget-sure').hidden = true;
  $('you').showModal();
  orTell(loadIdentities());
}

// ---- wiring

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
  if (!running) $('ask-form').requestSubmit();
});
$('send').addEventListener('click', (event) => {
  if (event.detail > 1) event.preventDefault(); // the second half of a double click would stop what the first began
});
$('welcome').addEventListener('click', ({ target }) => {
  if (target.matches('button')) ask(target.textContent);
  $('question').focus();
});
$('turns').addEventListener('click', followCitation);
$('passage').addEventListener('click', ({ target }) => { if (target === $('passage')) $('passage').close(); });
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
window.addEventListener('focus', refreshDocuments); // files also arrive by chat and from the terminal

followAddress();
orWarn(loadConversations());
refreshDocuments();
