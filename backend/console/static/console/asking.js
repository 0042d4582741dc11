// Asking, and the answer as it comes.

import { loadConversations, remember } from './conversations.js';
import { $, plural, show } from './dom.js';
import { now } from './now.js';
import { post, readEvents } from './server.js';
import { announce, orWarn } from './telling.js';
import { STOPPED, addTurn, keepingPlace, scrollToEnd, showAnswer, showDraft, showEnd } from './turns.js';

const LIMIT = 4000;
const COUNT_FROM = 3600;
const SILENCE_MS = 90000;
const BROKEN_OFF = 'The connection broke off. Ask again.';

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
    const response = await post('/ask/', { question, conversation: now.conversation }, { signal: controller.signal });
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

export async function ask(question) {
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
  if (now.running === controller) setRunning(null);
  orWarn(loadConversations());
}

function setRunning(controller) {
  now.running = controller;
  $('send').textContent = now.running ? 'Stop' : 'Ask';
  $('send').classList.toggle('stop', Boolean(now.running));
  for (const again of $('turns').querySelectorAll('.again')) again.disabled = Boolean(now.running);
  measure();
}

export function measure() {
  const { length } = $('question').value;
  const over = length > LIMIT;
  show($('counter'), length < COUNT_FROM ? '' : `${length.toLocaleString('en')} of ${LIMIT.toLocaleString('en')}`);
  $('question').setAttribute('aria-invalid', over);
  $('send').disabled = over && !now.running;
}

export function submit(event) {
  event.preventDefault();
  const question = $('question').value.trim();
  $('question').focus();
  if (now.running) now.running.abort(new Error(STOPPED));
  else if (question && !$('send').disabled) {
    $('question').value = '';
    ask(question);
  }
}
