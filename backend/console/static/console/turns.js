// One turn: a question, its answer and its sources.

import { $, clone, plural, show } from './dom.js';
import { now } from './now.js';
import { post } from './server.js';
import { announce, orWarn } from './telling.js';

const ERASED = 'This answer was removed together with its document.';
export const STOPPED = 'Stopped.';
const wide = matchMedia('(min-width: 1100px)');

export const scrollToEnd = () => { $('conversation').scrollTop = $('conversation').scrollHeight; };

export function keepingPlace(change) {
  const view = $('conversation');
  const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < 48;
  change();
  if (atEnd) scrollToEnd();
}

export function addTurn(question, parent = $('turns')) {
  const turn = clone('turn-template');
  show(turn.querySelector('.asked'), question);
  turn.querySelector('.again').onclick = () => {
    if (now.running) return;
    turn.dispatchEvent(new CustomEvent('ask-again', { bubbles: true, detail: question }));
    turn.remove();
  };
  parent.append(turn);
  return turn;
}

// The draft is shown before the server has rendered it, so its Markdown signs are left out.
const plain = (draft) => draft.replace(/\*\*|`/g, '').replace(/^#+ /gm, '').replace(/^(\s*)[-*] /gm, '$1• ');

export function showDraft(turn, draft) {
  const body = turn.querySelector('.body');
  body.classList.add('draft');
  body.textContent = plain(draft);
}

export function showAnswer(turn, { id, html, text, sources, notice, feedback, erased }) {
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

export function showEnd(turn, sentence) {
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
